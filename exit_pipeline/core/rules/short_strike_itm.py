"""SHORT_STRIKE_ITM: leave a short contract that has gone into the money."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach, dollars, first_ground, nearest
from exit_pipeline.core.model.book import Book
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
        if self.percent is None and self.dollars is None:
            return Verdict.any_of(len(book), [])
        fired, evaluable = np.zeros(len(book), np.bool_), np.ones(len(book), np.bool_)
        rows = np.flatnonzero(book.side < 0)
        depth = book.depth(rows)
        evaluable[rows] = known = (depth != UNKNOWN) & marks.fresh[rows]
        due = np.zeros(len(rows), np.bool_)
        # A product with a depth that is not known overflows, and is taken out below.
        if self.percent is not None:
            due |= depth * 10_000 >= book.strike[rows] * round(self.percent * 100)
        if self.dollars is not None:
            due |= depth >= round(self.dollars * UNITS_PER_DOLLAR)
        fired[rows] = due & known
        return Verdict(fired=fired, evaluable=evaluable)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the depth in the money, in percent of the strike or in dollars."""
        depth = np.where(marks.fresh, book.depth(slice(None)), UNKNOWN)
        inside = np.where(book.side < 0, dollars(depth), np.nan)
        fired = self.evaluate(book, marks).fired
        grounds = {
            "only short positions count": book.side > 0,
            "the contract or its underlying's price is not known": depth == UNKNOWN,
        }
        note = first_ground(len(book), grounds)
        limits = {
            "%": (self.percent, np.where(np.isnan(inside), 1.0, dollars(book.strike)) / 100),
            "$": (self.dollars, np.ones(len(book))),
        }
        conditions = {
            f"in the money by {{observed}} against {{threshold}}{' of the strike' * (unit == '%')}":
            approach(
                inside / base, limit, fired & (inside / base >= limit - 1e-9), told=(unit, note)
            )
            for unit, (limit, base) in limits.items()
            if limit is not None
        }  # fmt: skip
        return nearest(len(book), conditions)


RULE = ShortStrikeItm
