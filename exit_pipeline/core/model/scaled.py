"""Rules whose thresholds move with the market's context."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.book import Book, FloatColumn, IntColumn
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.rule import ExitRule

_FACTORS: Final = {
    "times_in_high_vol": "HIGH_VOL",
    "times_in_low_vol": "LOW_VOL",
    "times_below_zero_gamma": "below zero gamma",
    "times_in_backwardation": "backwardation",
}


class ScaledRule(ExitRule):
    """A rule with a percentage that the context multiplies.

    Where a part of the context is not known, the tightest of its settings is taken, since context
    goes missing in stress first. Example: 30 % with ``times_in_high_vol=0.67`` and
    ``times_below_zero_gamma=0.8`` is 16.08 % in HIGH_VOL below zero gamma, 24 % in NORMAL below it,
    and 16.08 % where neither is known.
    """

    times_in_high_vol: float = Field(
        default=1, gt=0, le=10, description="Factor of the threshold in the regime HIGH_VOL."
    )
    times_in_low_vol: float = Field(
        default=1, gt=0, le=10, description="Factor of the threshold in the regime LOW_VOL."
    )
    times_below_zero_gamma: float = Field(
        default=1, gt=0, le=10, description="Factor while the spot is below zero gamma."
    )
    times_in_backwardation: float = Field(
        default=1, gt=0, le=10, description="Factor while VIX is above VIX3M."
    )

    @property
    def is_scaled(self) -> bool:
        """Whether any factor differs from 1."""
        return any(getattr(self, name) != 1 for name in _FACTORS)

    def scaled(self, percent: float, book: Book, rows: NDArray[np.intp] | None = None) -> IntColumn:
        """The threshold of each row, in 1/100 percent, rounded, at least 1; one value if unscaled.

        Args:
            percent: The threshold without context, %.
            book: The rows.
            rows: Only these of them; None means all.
        """
        if not self.is_scaled:
            return np.array([round(percent * 100)])
        product = percent * 100 * math.prod(self._factors(book).values())
        scaled: IntColumn = np.maximum(np.rint(product).astype(np.int64), 1)
        return scaled if rows is None else scaled[rows]

    def scale_notes(self, percent: float, book: Book) -> np.ndarray:
        """How each row's threshold came about, such as "30 % x 0.67 (HIGH_VOL)"; else empty."""
        notes = np.full(len(book), "", dtype=object)
        if not self.is_scaled:
            return notes
        for name, factors in self._factors(book).items():
            for row in np.flatnonzero(factors != 1).tolist():
                notes[row] += f" x {factors[row]:.2f} ({self._why(name, book, row)})"
        notes[notes != ""] = f"{percent:g} %" + notes[notes != ""]
        return notes

    def _factors(self, book: Book) -> dict[str, FloatColumn]:
        high, low = self.times_in_high_vol, self.times_in_low_vol
        by_regime = np.array([min(1.0, high, low), low, 1.0, high])
        below, behind = self.times_below_zero_gamma, self.times_in_backwardation
        by_sign = np.array([min(1.0, below), 1.0, below])
        ratio = book.vix_ratio
        return {
            "regime": by_regime[book.regime],
            "times_below_zero_gamma": by_sign[book.gamma_sign],
            "times_in_backwardation": np.where(
                np.isnan(ratio), min(1.0, behind), np.where(ratio > 1, behind, 1.0)
            ),
        }

    @staticmethod
    def _why(name: str, book: Book, row: int) -> str:
        if name == "regime":
            code = int(book.regime[row])
            return Regime(code).name if code else "the regime is not known"
        known = book.gamma_sign[row] if name == "times_below_zero_gamma" else book.vix_ratio[row]
        is_known = bool(known) and not np.isnan(known)
        return _FACTORS[name] if is_known else f"{_FACTORS[name]} is not known"
