"""DAYS_IN_TRADE: leave what has been held for long enough, the trade's "dit" exit."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class DaysInTrade(ExitRule):
    """Close in full when the position has been held for some calendar days.

    Counted in dates of the exchange: entered at any hour of 2026-03-16, it has been held for 2 days
    all through 2026-03-18. Needs no quote.
    """

    name: ClassVar = "days_in_trade"
    rank: ClassVar = 61
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "held for {observed}, the exit is due after {threshold}"

    days: int = Field(
        default=30,
        ge=0,
        le=3_650,
        description="Calendar days after the entry at which it is due; a judgement.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or above `days`, which what is not known never is."""
        fired = book.days_in_trade >= self.days
        return Verdict(fired=fired, evaluable=book.days_in_trade != UNKNOWN)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the days held."""
        verdict = self.evaluate(book, marks)
        note = np.where(verdict.evaluable, "", "the entry's date is not known").astype(object)
        return approach(
            np.where(verdict.evaluable, book.days_in_trade, np.nan),
            float(self.days),
            verdict.fired,
            told=("days", note),
        )


RULE = DaysInTrade
