"""STOP_LOSS: leave in full when too much of the entry price is lost."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class StopLoss(ExitRule):
    """Close in full when the loss reaches a percentage of the entry price.

    The loss is measured on the mid: entry 1.90 and mid 1.33 are -30 %; a short sold at 2.00 stops
    at 2.60. Met exactly counts as met. On a DEGRADED quote, whose mid may be a fiction, the mid of
    the tick before must have been beyond the stop too.
    """

    name: ClassVar = "stop_loss"
    rank: ClassVar = 30
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "P&L {observed} against a stop of {threshold}"

    percent: float = Field(
        default=30.0, gt=0, le=10_000, multiple_of=0.01, description="Loss, % of entry price."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or beyond the stop, on a DEGRADED quote only when confirmed."""
        fired = np.zeros(len(book), np.bool_)
        # The mark of a DEGRADED quote is worse than its mid, so no candidate is missed; a float
        # finds the few candidates, and integers decide, so that "exactly" stays exact.
        rows = np.flatnonzero((marks.pnl_percent <= CANDIDATE_MARGIN - self.percent) & marks.priced)
        if len(rows):
            fired[rows] = self._is_beyond(book, rows, book.mid(rows)) & (
                marks.good[rows] | self._is_beyond(book, rows, book.previous_mid[rows])
            )
        return Verdict(fired=fired, evaluable=marks.priced)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the profit at the mid, in percent of the entry price."""
        rows = np.arange(len(book))
        mid = book.mid(rows)
        gain = book.side * (mid - book.entry_price)
        observed = np.where(marks.priced, gain / book.entry_price * 100, np.nan)
        note = np.where(marks.priced, "", "the quote gives no price to judge").astype(object)
        beyond = marks.priced & self._is_beyond(book, rows, mid)
        note[beyond & ~self.evaluate(book, marks).fired] = "waits for a second tick to confirm it"
        return RuleTrace(
            observed=observed,
            threshold=np.full(len(book), -self.percent),
            distance=np.where(beyond, 0.0, np.maximum(observed + self.percent, 0.0)),
            progress=np.clip(-observed / self.percent, 0.0, 1.0),
            unit="%",
            note=note,
        )

    def _is_beyond(self, book: Book, rows: NDArray[np.intp], price: IntColumn) -> BoolColumn:
        entry = book.entry_price[rows]
        limit = entry * -round(self.percent * 100)
        beyond: BoolColumn = (price - entry) * book.side[rows] * 10_000 <= limit
        beyond &= price != UNKNOWN
        return beyond


RULE = StopLoss
