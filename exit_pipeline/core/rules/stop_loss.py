"""STOP_LOSS: leave in full when too much is lost."""

from typing import Any, ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR
from exit_pipeline.core.model.scaled import ScaledRule
from exit_pipeline.core.model.stop_price import WHOLE, is_met, price_at

_UNITS_LOST: Final = UNITS_PER_DOLLAR / SHARES_PER_CONTRACT
"""Units per share that a dollar on a contract is."""


class StopLoss(ScaledRule):
    """Close in full when the loss reaches a share of the entry price, dollars, or the credit.

    The base is named, since "a stop at 2x" means three things in this trade:

    - ``premium``: `percent` of the entry price. Entry 1.90 and mid 1.33 are -30 %; a short sold at
      2.00 stops at 2.60.
    - ``dollars``: `dollars_per_contract` lost on one contract. At 50, entry 1.90 stops at 1.40.
    - ``credit``: a short whose contract costs `credit_multiple` times what it was sold for. At 2, a
      short sold at 2.00 stops at 4.00, which is -100 % of the premium. Longs have no credit, so
      that they can't be judged by it.

    The loss is measured on the mid, and met exactly counts as met. On a DEGRADED quote, whose mid
    may be a fiction, the mid of the tick before must have been beyond the stop too.
    """

    name: ClassVar = "stop_loss"
    rank: ClassVar = 30
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "P&L {observed} against a stop of {threshold}"

    basis: Literal["premium", "dollars", "credit"] = Field(
        default="premium", description="What the loss is measured on: premium, dollars or credit."
    )
    percent: float = Field(
        default=30.0, gt=0, le=10_000, multiple_of=0.01, description="Loss, % of entry price."
    )
    dollars_per_contract: float = Field(
        default=100.0, gt=0, le=1_000_000, multiple_of=0.01, description="Loss on one contract, $."
    )
    credit_multiple: float = Field(
        default=2.0, gt=1, le=100, multiple_of=0.01, description="Cost to close over the credit."
    )

    @field_validator("percent", mode="before")
    @classmethod
    def _has_no_sign(cls, percent: Any) -> Any:
        """A stop of +30 could be meant as a profit, so a sign is refused whichever it is."""
        if isinstance(percent, str) and percent.strip().startswith(("+", "-")):
            message = "a loss without a sign: 30 stops at -30 %, and break_even_stop in profit"
            raise ValueError(message)
        return percent

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or beyond the stop, on a DEGRADED quote only when confirmed."""
        fired = np.zeros(len(book), np.bool_)
        evaluable = self._judged(book, marks)
        # The mark of a DEGRADED quote is worse than its mid, so no candidate is missed; a float
        # finds the few candidates, and integers decide, so that "exactly" stays exact.
        least = self._least_loss_percent(book)
        rows = np.flatnonzero((marks.pnl_percent <= CANDIDATE_MARGIN - least) & evaluable)
        if len(rows):
            fired[rows] = is_met(book, marks, rows, self._stops(book, rows))
        return Verdict(fired=fired, evaluable=evaluable)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the profit at the mid, in percent of the entry price."""
        every, judged = np.arange(len(book)), self._judged(book, marks)
        mid, stops = book.mid(every), self._stops(book, every)
        observed = np.where(judged, _percent(book, mid), np.nan)
        threshold = _percent(book, stops)
        beyond = judged & (book.side * (mid - stops) <= 0)
        note = self.scale_notes(self.percent, book)
        note[beyond & ~self.evaluate(book, marks).fired] = "waits for a second tick to confirm it"
        note[~judged] = "a long has no credit"
        note[~marks.priced] = "the quote gives no price to judge"
        return RuleTrace(
            observed=observed,
            threshold=threshold,
            distance=np.where(beyond, 0.0, np.maximum(observed - threshold, 0.0)),
            progress=np.clip(observed / threshold, 0.0, 1.0),
            unit="%",
            note=note,
        )

    def _judged(self, book: Book, marks: Marks) -> BoolColumn:
        return marks.priced & (book.side < 0) if self.basis == "credit" else marks.priced

    def _stops(self, book: Book, rows: NDArray[np.intp]) -> IntColumn:
        """The mid at which each of some rows stops."""
        entry, side = book.entry_price[rows], book.side[rows]
        if self.basis == "dollars":
            lost = np.int64(round(self.dollars_per_contract * _UNITS_LOST))
            stops: IntColumn = entry - side * lost
            return stops
        if self.basis == "credit":
            return price_at(entry, side, np.array([round((self.credit_multiple - 1) * WHOLE)]))
        return price_at(entry, side, self.scaled(self.percent, book, rows))

    def _least_loss_percent(self, book: Book) -> Any:
        """No row stops at a smaller loss than this, % of the entry price."""
        if self.basis == "premium":
            return self.scaled(self.percent, book) / 100
        if self.basis == "credit":
            return (self.credit_multiple - 1) * 100
        return round(self.dollars_per_contract * _UNITS_LOST) * 100 / book.entry_price


def _percent(book: Book, price: IntColumn) -> np.ndarray:
    """The P&L at a price, in percent of the entry price."""
    return book.side * (price - book.entry_price) / book.entry_price * 100


RULE = StopLoss
