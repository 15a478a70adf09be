"""DELTA_LIMIT: leave when the contract has become too much, or too little, like the underlying."""

from typing import ClassVar

import numpy as np
from pydantic import Field, ValidationInfo, field_validator

from exit_pipeline.core.model.approach import approach, nearest
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.threshold import OptionalThreshold


class DeltaLimit(ExitRule):
    """Close in full when the size of delta is at or above a maximum, or at or below a minimum.

    A put of delta -0.80 has the size 0.80 and meets a maximum of 0.8; a call of 0.05 meets a
    minimum of 0.05. Either is off where it is ``none``. Reads the source's delta, not the quote.
    """

    name: ClassVar = "delta_limit"
    rank: ClassVar = 70
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the size of delta is {observed} against {threshold}"

    abs_min: OptionalThreshold = Field(
        default=None, ge=0, lt=1, description="Size of delta at or below which it is due, or none."
    )
    abs_max: OptionalThreshold = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Size of delta at or above which it is due, or none; a judgement.",
    )

    @field_validator("abs_max")
    @classmethod
    def _leaves_room(cls, most: float | None, info: ValidationInfo) -> float | None:
        least = info.data.get("abs_min")
        if most is not None and least is not None and most <= least:
            message = f"more than delta_limit.abs_min, which is {least:g}"
            raise ValueError(message)
        return most

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or beyond either limit; not evaluable where delta is not known."""
        size = np.abs(book.delta)
        known = ~np.isnan(size)
        conditions = []
        if self.abs_max is not None:
            conditions.append(Verdict(fired=size >= self.abs_max, evaluable=known))
        if self.abs_min is not None:
            conditions.append(Verdict(fired=size <= self.abs_min, evaluable=known))
        return Verdict.any_of(len(book), conditions)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:  # noqa: ARG002 needs no quote
        """Observed is the size of delta."""
        size = np.abs(book.delta)
        note = np.where(np.isnan(size), "delta is not known", "").astype(object)
        conditions = {}
        if self.abs_max is not None:
            conditions["the size of delta is {observed} against a maximum of {threshold}"] = (
                approach(size, self.abs_max, size >= self.abs_max, told=("", note))
            )
        if self.abs_min is not None:
            conditions["the size of delta is {observed} against a minimum of {threshold}"] = (
                approach(size, self.abs_min, size <= self.abs_min, told=("", note), falls=True)
            )
        return nearest(len(book), conditions)


RULE = DeltaLimit
