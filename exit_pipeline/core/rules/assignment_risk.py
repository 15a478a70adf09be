"""ASSIGNMENT_RISK: leave a short contract in the money before its holder exercises it.

A holder gives up the rest of the time value by exercising early. That pays for a call on the eve of
an ex-dividend day, where the dividend is worth more (Merton, "Theory of Rational Option Pricing",
1973), and costs next to nothing where little time value is left. Brokers warn of both.
"""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.approach import approach, dollars, first_ground, nearest
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.instant import DAYS
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class AssignmentRisk(ExitRule):
    """Close a short contract in the money whose remaining time value no longer protects it.

    The time value is the ask, which closing would pay, less the value in the money. A call is due
    within `ex_dividend_days` of its ex-dividend day where that is below the dividend; a call or put
    is due within `expiration_days` of its expiration where it is below `extrinsic_dollars`. With
    the underlying at 755, a call of 750 offered at 5.20 has 0.20 left: below a dividend of 0.35.
    """

    name: ClassVar = "assignment_risk"
    rank: ClassVar = 12
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "time value {observed} against {threshold}"

    ex_dividend_days: int = Field(
        default=4,
        ge=0,
        le=30,
        description="Days of 24 hours before the ex-dividend day; 0 never. The session before it "
        "is up to four back, over a weekend with a holiday.",
    )
    expiration_days: int = Field(
        default=7, ge=0, le=365, description="Calendar days before the expiration."
    )
    extrinsic_dollars: float = Field(
        default=0.05,
        gt=0,
        le=1_000,
        multiple_of=0.01,
        description="Time value per share below which it is due near the expiration, $; a "
        "judgement: one tick of most contracts.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires on either ground; a contract out of the money, and a long one, is never due."""
        fired, evaluable = np.zeros(len(book), np.bool_), np.ones(len(book), np.bool_)
        shorts = np.flatnonzero(book.side < 0)
        depth, fresh = book.depth(shorts), marks.fresh[shorts]
        evaluable[shorts] = (depth != UNKNOWN) & fresh
        inside = (depth > 0) & fresh
        rows, value = shorts[inside], (book.ask[shorts] - depth)[inside]
        verdict = Verdict.any_of(len(rows), self._conditions(book, marks, rows, value))
        fired[rows], evaluable[rows] = verdict.fired, verdict.evaluable
        return Verdict(fired=fired, evaluable=evaluable)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the remaining time value in dollars per share, where a date is near."""
        rows = np.arange(len(book))
        depth, due = _fresh_depth(book, marks), self.evaluate(book, marks).fired
        judged = (book.side < 0) & (depth > 0) & marks.priced
        value = np.where(judged, dollars(book.ask - depth), np.nan)
        note = self._notes(book, marks, depth)
        limits = (dollars(book.dividend), np.full(len(book), self.extrinsic_dollars))
        near = (self._before_dividend(book, rows), self._before_expiration(book, rows))
        texts = (
            "time value {observed} against a dividend of {threshold}",
            "time value {observed} against {threshold} near the expiration",
        )
        conditions = {
            text: approach(
                np.where(soon, value, np.nan),
                limit,
                due & soon & (value < limit),
                told=("$", note),
                falls=True,
            )
            for text, limit, soon in zip(texts, limits, near, strict=True)
        }
        return nearest(len(book), conditions)

    def _conditions(
        self, book: Book, marks: Marks, rows: NDArray[np.intp], value: IntColumn
    ) -> list[Verdict]:
        """Both grounds over short rows in the money with this time value at the ask."""
        priced, dividend = marks.priced[rows], book.dividend[rows]
        eve, last = self._before_dividend(book, rows), self._before_expiration(book, rows)
        dated = book.next_ex_dividend[rows] > book.decided_at[rows]
        dated |= (book.right[rows] < 0) | (self.ex_dividend_days == 0)
        least = round(self.extrinsic_dollars * UNITS_PER_DOLLAR)
        return [
            Verdict(
                fired=eve & priced & (value < dividend),
                evaluable=dated & (~eve | (priced & (dividend != UNKNOWN))),
            ),
            Verdict(
                fired=last & priced & (value < least),
                evaluable=(book.days_to_expiration[rows] != UNKNOWN) & (~last | priced),
            ),
        ]

    def _before_dividend(self, book: Book, rows: NDArray[np.intp]) -> BoolColumn:
        day, now = book.next_ex_dividend[rows], book.decided_at[rows]
        eve: BoolColumn = (day > now) & (day - now <= self.ex_dividend_days * DAYS)
        eve &= book.right[rows] > 0
        return eve

    def _before_expiration(self, book: Book, rows: NDArray[np.intp]) -> BoolColumn:
        days = book.days_to_expiration[rows]
        last: BoolColumn = (days != UNKNOWN) & (days <= self.expiration_days)
        return last

    def _notes(self, book: Book, marks: Marks, depth: IntColumn) -> NDArray[np.object_]:
        rows = np.arange(len(book))
        eve, last = self._before_dividend(book, rows), self._before_expiration(book, rows)
        needs_day = (book.right > 0) & (self.ex_dividend_days > 0)
        grounds = {
            "a long position is never assigned": book.side > 0,
            "the contract or its underlying's price is not known": depth == UNKNOWN,
            "the contract is out of the money": depth <= 0,
            "the expiration is not known": book.days_to_expiration == UNKNOWN,
            "the next ex-dividend day is not known": needs_day
            & (book.next_ex_dividend <= book.decided_at),
            "the quote gives no price to judge": (eve | last) & ~marks.priced,
            "the dividend is not known": eve & (book.dividend == UNKNOWN),
            "neither the ex-dividend day nor the expiration is near": ~(eve | last),
        }
        return first_ground(len(book), grounds)


def _fresh_depth(book: Book, marks: Marks) -> IntColumn:
    return np.where(marks.fresh, book.depth(slice(None)), UNKNOWN)


RULE = AssignmentRisk
