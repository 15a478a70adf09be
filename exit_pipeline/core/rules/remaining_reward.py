"""REMAINING_REWARD: leave a short position that has little left to earn."""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.approach import approach, first_ground, nearest
from exit_pipeline.core.model.book import Book, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.threshold import OptionalThreshold

_DAYS_PER_YEAR: Final = 365


class RemainingReward(ExitRule):
    """Close a short position in full when its credit is earned, or what is left is poorly paid.

    - `captured_percent`: the gain at the mark over the credit. A short sold at 2.00 that costs 0.40
      has captured 80 %.
    - `annualised_percent`: mark / strike * 365 / days to the expiration, a simple return on the
      strike, which is what a cash-secured put ties up; a day counts as one at least. A put of 100
      that costs 0.10 and has 10 days left earns 3.65 % a year at most.

    Either is off where it is ``none``, and met exactly counts as met. Longs are never due. Needs a
    mark, which of a DEGRADED quote is the ask: less captured, more left.
    """

    name: ClassVar = "remaining_reward"
    rank: ClassVar = 75
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the reward is {observed} against {threshold}"

    captured_percent: OptionalThreshold = Field(
        default=80.0, gt=0, le=100, multiple_of=0.01,
        description="Gain at which it is due, % of the credit, or none; a judgement.",
    )  # fmt: skip
    annualised_percent: OptionalThreshold = Field(
        default=None, gt=0, le=10_000, multiple_of=0.01,
        description="Return left at or below which it is due, % of the strike a year, or none.",
    )  # fmt: skip

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or beyond either."""
        fired, evaluable = np.zeros(len(book), np.bool_), np.ones(len(book), np.bool_)
        rows = np.flatnonzero(book.side < 0)
        conditions = self._conditions(book, marks, rows)
        verdict = Verdict.any_of(len(rows), list(conditions.values()))
        fired[rows], evaluable[rows] = verdict.fired, verdict.evaluable
        if not conditions:
            evaluable[:] = False
        return Verdict(fired=fired, evaluable=evaluable)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the share of the credit captured, or the return left in a year, percent."""
        met = self._conditions(book, marks, np.arange(len(book)))
        short = book.side < 0
        days, strike = _days(book.days_to_expiration), book.strike
        known = (strike != UNKNOWN) & (book.days_to_expiration != UNKNOWN)
        left = marks.mark / np.where(known, strike, 1) * _DAYS_PER_YEAR / days * 100
        ways = {
            "captured {observed} of the credit against {threshold}":
            ("captured", marks.pnl_percent, self.captured_percent, marks.priced),
            "what is left earns {observed} a year on the strike against {threshold}":
            ("annualised", left, self.annualised_percent, marks.priced & known),
        }  # fmt: skip
        grounds = {
            "only short positions count": ~short,
            "the quote gives no price to judge": ~marks.priced,
            "the contract is not known": ~known & ("annualised" in met),
        }
        note = first_ground(len(book), grounds)
        conditions = {
            text: approach(
                np.where(short & judged, observed, np.nan),
                limit,
                short & met[name].fired,
                told=("%", note),
                falls=name == "annualised",
            )
            for text, (name, observed, limit, judged) in ways.items()
            if limit is not None
        }
        return nearest(len(book), conditions)

    def _conditions(self, book: Book, marks: Marks, rows: NDArray[np.intp]) -> dict[str, Verdict]:
        """Each that is on, over some rows."""
        met, priced, mark = {}, marks.priced[rows], marks.mark[rows]
        if self.captured_percent is not None:
            needed = book.entry_price[rows] * round(self.captured_percent * 100)
            captured = marks.gain[rows] * 10_000 >= needed
            met["captured"] = Verdict(fired=captured & priced, evaluable=priced)
        if self.annualised_percent is not None:
            strike, days = book.strike[rows], book.days_to_expiration[rows]
            known = priced & (strike != UNKNOWN) & (days != UNKNOWN)
            least = strike * _days(days) * round(self.annualised_percent * 100)
            poor = mark * (_DAYS_PER_YEAR * 10_000) <= least
            met["annualised"] = Verdict(fired=poor & known, evaluable=known)
        return met


def _days(days: IntColumn) -> IntColumn:
    """On the last day, and where they are not known, a return is judged over one day."""
    return np.maximum(days, 1)


RULE = RemainingReward
