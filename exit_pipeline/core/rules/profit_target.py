"""PROFIT_TARGET: take a profit, half of it at first where there is more than one contract."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.book import Book, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.rule import ExitRule


class ProfitTarget(ExitRule):
    """Close a share of the position when its profit reaches a percentage of the entry price.

    The profit is the gain per share at the mark over the entry price: entry 0.10 and mark 0.15 are
    +50 %; a short sold at 2.00 has +50 % at 1.00. The target counts as reached when met exactly.
    The share is of the contracts opened, rounded down, at least 1, and is closed once in a
    position's life: 10 lots sell 5, and what a partial fill leaves of those 5 is still due.
    """

    name: ClassVar = "profit_target"
    rank: ClassVar = 20
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "P&L {observed} against a target of {threshold}"

    percent: float = Field(
        default=50.0, gt=0, le=10_000, multiple_of=0.01, description="Profit, % of entry price."
    )
    close_share_percent: float = Field(
        default=50.0,
        gt=0,
        le=100,
        multiple_of=0.01,
        description="Share of the opened contracts to close, %.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or above the target while the rung is not filled."""
        fired = np.zeros(len(book), np.bool_)
        quantity = np.zeros(len(book), np.int64)
        # A float finds the few candidates; integers decide, so that "exactly" stays exact.
        rows = np.flatnonzero((marks.pnl_percent >= self.percent - CANDIDATE_MARGIN) & marks.priced)
        if len(rows):
            needed = book.entry_price[rows] * round(self.percent * 100)
            quantity[rows] = rest = self._rest(book.quantity[rows], book.profit_exited[rows])
            fired[rows] = (marks.gain[rows] * 10_000 >= needed) & (rest > 0)
        return Verdict(fired=fired, evaluable=marks.priced, quantity=quantity)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the profit at the mark, in percent of the entry price."""
        observed = np.where(marks.priced, marks.pnl_percent, np.nan)
        note = np.where(marks.priced, "", "the quote gives no price to judge").astype(object)
        closed = self._rest(book.quantity, book.profit_exited) <= 0
        note[closed] = "its share is already closed"
        return RuleTrace(
            observed=observed,
            threshold=np.full(len(book), self.percent),
            distance=np.where(closed, np.nan, np.maximum(self.percent - observed, 0.0)),
            progress=np.where(closed, 0.0, np.clip(observed / self.percent, 0.0, 1.0)),
            unit="%",
            note=note,
        )

    def _rest(self, quantity: IntColumn, exited: IntColumn) -> IntColumn:
        share = quantity * round(self.close_share_percent * 100) // 10_000
        rest: IntColumn = np.maximum(share, 1) - exited
        return rest


RULE = ProfitTarget
