"""VIX_SPIKE: leave when expected volatility has jumped.

Bands of VIX such as 30 for "stressed" are custom, not Cboe's: a share of days above a level differs
widely between years. VIX above VIX3M (backwardation) was seen on about one day in thirteen since
2010, above 1.05 times it on one in thirty.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach, nearest
from exit_pipeline.core.model.book import Book, FloatColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.threshold import OptionalThreshold


class VixSpike(ExitRule):
    """Close in full when VIX, its change in a day, or its ratio to VIX3M reaches a threshold.

    Each is off where it is ``none``; any of those that are on is enough. VIX of 30.00 meets a level
    of 30; 24 after a close of 20 is a change of +20 %; VIX 24 over VIX3M 23 is a ratio of 1.04. A
    reading that is missing or too old is not a calm one, so that what can't be judged stays open
    unless another reading is enough. Needs no quote.
    """

    name: ClassVar = "vix_spike"
    rank: ClassVar = 52
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "VIX {observed} against {threshold}"

    level: OptionalThreshold = Field(
        default=30.0, gt=0, le=500, description="VIX, index points, or none."
    )
    change_percent: OptionalThreshold = Field(
        default=None,
        gt=0,
        le=1_000,
        description="Rise of VIX on the close of the session before, %, or none.",
    )
    ratio: OptionalThreshold = Field(
        default=None, gt=0, le=10, description="VIX over VIX3M, or none."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires where any reading is at or above its threshold."""
        conditions = [
            Verdict(fired=reading >= threshold, evaluable=~np.isnan(reading))
            for reading, threshold in self._readings(book).values()
        ]
        return Verdict.any_of(len(book), conditions)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:  # noqa: ARG002 needs no quote
        """Observed is the reading that is nearest to its threshold."""
        conditions = {}
        for name, (reading, threshold) in self._readings(book).items():
            note = np.where(np.isnan(reading), f"{name} is not known", "").astype(object)
            text = f"{name} {{observed}} against {{threshold}}"
            unit = "%" if name == "the change of VIX" else ""
            fired = reading >= threshold
            conditions[text] = approach(reading, threshold, fired, told=(unit, note))
        return nearest(len(book), conditions)

    def _readings(self, book: Book) -> dict[str, tuple[FloatColumn, float]]:
        """What is read by its name, with its threshold, as far as that is on."""
        readings = {
            "VIX": (book.vix, self.level),
            "the change of VIX": (book.vix_change, self.change_percent),
            "VIX over VIX3M": (book.vix_ratio, self.ratio),
        }
        return {name: (of, limit) for name, (of, limit) in readings.items() if limit is not None}


RULE = VixSpike
