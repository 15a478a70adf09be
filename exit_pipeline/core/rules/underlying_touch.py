"""UNDERLYING_TOUCH: leave when the underlying reaches a price, or a short contract's strike."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from exit_pipeline.core.model.approach import approach, dollars, nearest
from exit_pipeline.core.model.book import Book, BoolColumn, FloatColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.threshold import OptionalThreshold

_NOT_KNOWN = "the underlying's price is not known or too old"


class UnderlyingTouch(ExitRule):
    """Close in full when the underlying is at or above a price, at or below one, or at the strike.

    A call's strike is reached from below, a put's from above: at 750.00 both a call and a put of
    750 are. By default that counts for short positions, whose strike is then "tested". The price
    must be as young as the source allows; the contract's own quote is not read.
    """

    name: ClassVar = "underlying_touch"
    rank: ClassVar = 73
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the underlying is at {observed} against {threshold}"

    below: OptionalThreshold = Field(
        default=None, gt=0, le=1_000_000, multiple_of=0.01,
        description="Price of the underlying at or below which it is due, $, or none.",
    )  # fmt: skip
    above: OptionalThreshold = Field(
        default=None, gt=0, le=1_000_000, multiple_of=0.01,
        description="Price of the underlying at or above which it is due, $, or none.",
    )  # fmt: skip
    at_strike: Literal["short", "all", "never"] = Field(
        default="short", description="Whose strike counts: of short positions, of all, of none."
    )

    @field_validator("above")
    @classmethod
    def _leaves_room(cls, above: float | None, info: ValidationInfo) -> float | None:
        below = info.data.get("below")
        if above is not None and below is not None and above <= below:
            message = f"more than underlying_touch.below, which is {below:g}"
            raise ValueError(message)
        return above

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires where any price is reached."""
        conditions = []
        if self.above is not None or self.below is not None:
            price = book.underlying_price
            known = marks.fresh & (price != UNKNOWN)
            reached = np.zeros(len(book), np.bool_)
            if self.above is not None:
                reached |= price >= _units(self.above)
            if self.below is not None:
                reached |= price <= _units(self.below)
            conditions.append(Verdict(fired=reached & known, evaluable=known))
        if self.at_strike != "never":
            fired, evaluable = np.zeros(len(book), np.bool_), np.ones(len(book), np.bool_)
            rows = np.flatnonzero(self._applies(book))
            depth, fresh = book.depth(rows), marks.fresh[rows]
            fired[rows], evaluable[rows] = (depth >= 0) & fresh, (depth != UNKNOWN) & fresh
            conditions.append(Verdict(fired=fired, evaluable=evaluable))
        return Verdict.any_of(len(book), conditions)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the underlying's price in dollars."""
        known = marks.fresh & (book.underlying_price != UNKNOWN)
        price = np.where(known, dollars(book.underlying_price), np.nan)
        note = np.where(known, "", _NOT_KNOWN).astype(object)
        conditions = {}
        if self.above is not None:
            due = known & (book.underlying_price >= _units(self.above))
            conditions["the underlying is at {observed} against an upper limit of {threshold}"] = (
                approach(price, self.above, due, told=("$", note))
            )
        if self.below is not None:
            due = known & (book.underlying_price <= _units(self.below))
            conditions["the underlying is at {observed} against a lower limit of {threshold}"] = (
                approach(price, self.below, due, told=("$", note), falls=True)
            )
        if self.at_strike != "never":
            conditions |= self._strikes(book, price, note)
        return nearest(len(book), conditions)

    def _strikes(
        self, book: Book, price: FloatColumn, note: NDArray[np.object_]
    ) -> dict[str, RuleTrace]:
        applies, depth = self._applies(book), book.depth(slice(None))
        note = np.where((depth == UNKNOWN) & (note == ""), "the contract is not known", note)
        note = np.where(applies, note, "only strikes of short positions count").astype(object)
        return {
            f"the underlying is at {{observed}} against the {name}'s strike of {{threshold}}":
            approach(
                np.where(applies & (book.right == right), price, np.nan),
                dollars(book.strike),
                applies & (book.right == right) & (depth >= 0) & ~np.isnan(price),
                told=("$", note),
                falls=right < 0,
            )
            for name, right in (("call", 1), ("put", -1))
        }  # fmt: skip

    def _applies(self, book: Book) -> BoolColumn:
        return book.side < 0 if self.at_strike == "short" else np.ones(len(book), np.bool_)


def _units(price: float) -> int:
    return round(price * UNITS_PER_DOLLAR)


RULE = UnderlyingTouch
