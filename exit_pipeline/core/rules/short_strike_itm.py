"""SHORT_STRIKE_ITM: leave a short contract that has gone into the money."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach, first_ground, nearest
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.threshold import OptionalThreshold


class ShortStrikeItm(ExitRule):
    """Close a short position in full when its strike is in the money by a share or by dollars.

    The share is of the strike: with the underlying at 765, a call of 750 is 15.00 dollars or 2 % in
    the money, a put of 780 15.00 dollars or 1.9 %. Either is off where it is ``none``, and met
    exactly counts as met. Longs are never due. The underlying's price must be as young as the
    source allows; the contract's own quote is not read.
    """

    name: ClassVar = "short_strike_itm"
    rank: ClassVar = 74
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "in the money by {observed} against {threshold}"

    percent: OptionalThreshold = Field(
        default=2.0, ge=0, le=1_000, multiple_of=0.01,
        description="Depth in the money, % of the strike, or none; a judgement.",
    )  # fmt: skip
    dollars: OptionalThreshold = Field(
        default=None, ge=0, le=1_000_000, multiple_of=0.01,
        description="Depth in the money, $ per share, or none.",
    )  # fmt: skip

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or beyond either depth; not evaluable on shorts of which it is not known."""
        fired, evaluable = np.zeros(len(book), np.bool_), np.ones(len(book), np.bool_)
        rows = np.flatnonzero(book.side < 0)
        depth = book.depth(rows)
        evaluable[rows] = known = (depth != UNKNOWN) & marks.fresh[rows]
        met = self._met(depth, book.strike[rows])
        for condition in met.values():
            fired[rows] |= condition & known
        return Verdict(fired=fired, evaluable=evaluable if met else fired)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the depth in the money, in percent of the strike or in dollars."""
        depth, short = book.depth(slice(None)), book.side < 0
        judged = short & (depth != UNKNOWN) & marks.fresh
        grounds = {
            "only short positions count": ~short,
            "the contract or its underlying's price is not known": ~judged,
        }
        note = first_ground(len(book), grounds)
        inside = np.where(judged, depth / UNITS_PER_DOLLAR, np.nan)
        share = inside / np.where(judged, book.strike, 1) * UNITS_PER_DOLLAR * 100
        met = self._met(depth, book.strike)
        conditions = {}
        if self.percent is not None:
            text = "in the money by {observed} of the strike against {threshold}"
            due = met["percent"] & judged
            conditions[text] = approach(share, self.percent, due, told=("%", note))
        if self.dollars is not None:
            text, due = "in the money by {observed} against {threshold}", met["dollars"] & judged
            conditions[text] = approach(inside, self.dollars, due, told=("$", note))
        return nearest(len(book), conditions)

    def _met(self, depth: IntColumn, strike: IntColumn) -> dict[str, BoolColumn]:
        """Each depth that is on, and where it is reached; meaningless where none is known."""
        met: dict[str, BoolColumn] = {}
        if self.percent is not None:
            met["percent"] = depth * 10_000 >= strike * round(self.percent * 100)
        if self.dollars is not None:
            met["dollars"] = depth >= round(self.dollars * UNITS_PER_DOLLAR)
        return met


RULE = ShortStrikeItm
