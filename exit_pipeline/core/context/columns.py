"""The context joined to positions: one row each, NaN where something is not known."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, SmallColumn
from exit_pipeline.core.model.errors import InputError

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "view": (-1, 1),
    "side": (-1, 1),
    "vix": (0.01, np.inf),
    "trend": (-1, 1),
    "bias": (-1, 1),
    "regime": (1, 3),
    "gamma": (-1, 1),
    "gamma_freshness": (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextColumns:
    """What is known around each position.

    Attributes:
        view: +1 gains when the underlying rises, -1 when it falls, 0 contract not known.
        side: +1 LONG (pays for premium), -1 SHORT (is paid for it).
        vix: VIX level, index points.
        trend: ``Trend`` code of the underlying.
        bias: Its direction and strength, -1..1.
        regime: ``Regime`` code.
        gamma: Strength of the newest gamma signal, 0..1, with the sign of its direction.
        gamma_freshness: Its ``freshness``, 0..1; a gamma of freshness 0 counts as not known.

    Raises:
        InputError: The columns have several lengths, or a value is outside of its range.
    """

    view: SmallColumn
    side: SmallColumn
    vix: FloatColumn
    trend: FloatColumn
    bias: FloatColumn
    regime: FloatColumn
    gamma: FloatColumn
    gamma_freshness: FloatColumn

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) > 1:
            message = f"columns of context must have one length, had {sorted(lengths)}"
            raise InputError(message)
        for name, (low, high) in _RANGES.items():
            column = getattr(self, name)
            wrong = column[(column < low) | (column > high)]
            if len(wrong):
                message = f"{name} {wrong[0]:g} must be within {low:g} and {high:g}"
                raise InputError(message)

    def __len__(self) -> int:
        return len(self.view)

    @property
    def gamma_known(self) -> BoolColumn:
        """Where there is a gamma signal that is not too old."""
        known: BoolColumn = ~np.isnan(self.gamma) & (self.gamma_freshness > 0)
        return known


def say_missing(known: Mapping[str, BoolColumn]) -> NDArray[Any]:
    """One text per row that names the parts without data; empty where none is missing.

    Args:
        known: Where each part has data, by its name, in the order of the text.

    Example: of parts trend and bias that are both not known, ``no data: trend, bias``.
    """
    names = list(known)
    bits = sum((~known[name]).astype(np.int64) << place for place, name in enumerate(names))
    codes, rows = np.unique(bits, return_inverse=True)
    texts = [[name for place, name in enumerate(names) if code >> place & 1] for code in codes]
    said = [f"no data: {', '.join(text)}" if text else "" for text in texts]
    return np.array(said, dtype=object)[rows]
