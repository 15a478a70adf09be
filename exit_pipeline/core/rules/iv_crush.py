"""IV_CRUSH: leave when the implied volatility that was traded has gone."""

from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach, first_ground
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.rule import ExitRule

_MILLIONTHS: Final = 1_000_000


class IvCrush(ExitRule):
    """Close in full when the implied volatility has fallen by a share of that at entry.

    Both are rounded to a millionth: 0.40 at entry and 0.28 now is a fall of 30 %. A long has then
    lost what it paid for, a short has earned what it sold. Feeds write 0 where they could not solve
    for it, so that an implied volatility of 0 counts as not known, never as a crush. Reads the
    source's figure, not the quote.
    """

    name: ClassVar = "iv_crush"
    rank: ClassVar = 72
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "IV has fallen by {observed} since the entry against {threshold}"

    percent: float = Field(
        default=30.0,
        gt=0,
        lt=100,
        multiple_of=0.01,
        description="Fall of implied volatility, % of that at entry; a judgement.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires where the fall is at or beyond the share."""
        known = (book.iv > 0) & (book.entry_iv > 0)
        fired = np.zeros(len(book), np.bool_)
        # A float finds the few candidates; integers decide, so that "exactly" stays exact.
        rest = 1 - (self.percent - CANDIDATE_MARGIN) / 100
        rows = np.flatnonzero((book.iv <= book.entry_iv * rest + 1 / _MILLIONTHS) & known)
        now, entry = (
            np.rint(column[rows] * _MILLIONTHS).astype(np.int64)
            for column in (book.iv, book.entry_iv)
        )
        fired[rows] = (entry - now) * 10_000 >= entry * round(self.percent * 100)
        return Verdict(fired=fired, evaluable=known)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the fall in percent of the implied volatility at entry, 0 where it rose."""
        verdict = self.evaluate(book, marks)
        entry = np.where(verdict.evaluable, book.entry_iv, 1.0)
        grounds = {
            "implied volatility is not known": ~(book.iv > 0),
            "implied volatility at entry is not known": ~(book.entry_iv > 0),
        }
        return approach(
            np.where(verdict.evaluable, np.maximum(1 - book.iv / entry, 0.0) * 100, np.nan),
            self.percent,
            verdict.fired,
            told=("%", first_ground(len(book), grounds)),
        )


RULE = IvCrush
