"""TIME_EXIT: don't carry an intraday position over the close."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.book import Book, BoolColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class TimeExit(ExitRule):
    """Close in full some minutes before the session's close.

    With the default of 30 minutes that is 15:30 New York time on a full day and 12:30 on a day that
    closes at 13:00. Applies to positions whose timeframe is minutes or hours, or to all where the
    policy says so: a LEAP isn't sold because the day ends. Needs no quote.
    """

    name: ClassVar = "time_exit"
    rank: ClassVar = 80
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "the session closes in {observed}, the exit is due at {threshold}"

    minutes_before_close: int = Field(
        default=30, ge=1, le=390, description="Minutes before the session's close."
    )
    applies_to: Literal["intraday", "all"] = Field(
        default="intraday", description="Positions with an intraday timeframe, or all."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires from `minutes_before_close` on, where it applies."""
        known = book.session_close != UNKNOWN
        fired = book.session_close - book.decided_at <= self.minutes_before_close * MINUTES
        fired &= known
        fired &= self._applies(book)
        return Verdict(fired=fired, evaluable=known)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:  # noqa: ARG002 needs no quote
        """Observed is the minutes until the session closes."""
        known = book.session_close != UNKNOWN
        minutes = np.where(known, (book.session_close - book.decided_at) / MINUTES, np.nan)
        applies = self._applies(book)
        note = np.where(applies, "", "the timeframe is not intraday").astype(object)
        note[~known] = "the session is not known"
        reached = self.minutes_before_close / np.maximum(minutes, self.minutes_before_close)
        return RuleTrace(
            observed=minutes,
            threshold=np.full(len(book), float(self.minutes_before_close)),
            distance=np.where(applies, np.maximum(minutes - self.minutes_before_close, 0), np.nan),
            progress=np.where(applies, reached, 0.0),
            unit="minutes",
            note=note,
        )

    def _applies(self, book: Book) -> BoolColumn:
        return book.intraday if self.applies_to == "intraday" else np.ones(len(book), np.bool_)


RULE = TimeExit
