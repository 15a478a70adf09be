"""The option chain of one underlying at one instant, as NumPy columns."""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.instant import DAYS

YEAR: Final = 365 * DAYS
"""Microseconds of a year: time to expiration is calendar time over 365 days, weekends included.

The day count moves levels: on a real chain of the S&P 500, business days over 252 moved the zero of
gamma by 12 points.
"""

_OF_THE_CHAIN: Final = {"underlying", "at", "spot", "source"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChain:
    """Contracts on one underlying, one row each; unknown floats are NaN.

    Whoever makes a chain judges the age of its quotes: one too old to be used is not known.

    Attributes:
        underlying: Ticker of the underlying.
        at: The instant that the figures are of, microseconds since the epoch.
        spot: Price of the underlying, dollars per share.
        source: Who gave the chain.
        strike: Dollars per share.
        right: +1 call, -1 put.
        expires_at: The instant at which the contract's value is settled and it stops existing;
            ``price.UNKNOWN`` where that is not known.
        bid: Dollars per share.
        ask: Dollars per share.
        open_interest: Contracts open at the end of the day before.
        feed_iv: The source's own implied volatility of a year; 0.25 is 25 %.
        feed_gamma: The source's own gamma, delta per dollar of the underlying.
    """

    underlying: str
    at: int
    spot: float
    source: str
    strike: FloatColumn
    right: SmallColumn
    expires_at: IntColumn
    bid: FloatColumn
    ask: FloatColumn
    open_interest: FloatColumn
    feed_iv: FloatColumn
    feed_gamma: FloatColumn

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, name)) for name in _columns()}
        if len(lengths) > 1:
            message = f"columns of a chain must have one length, had {sorted(lengths)}"
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.strike)

    @property
    def years(self) -> FloatColumn:
        """Time to expiration in years of 365 days; meaningless where the expiration is not known.

        Example: a minute before settlement it is 1 / 525,600.
        """
        return np.asarray((self.expires_at - self.at) / YEAR, dtype=np.float64)

    @property
    def is_listed(self) -> BoolColumn:
        """Rows that name a contract which still exists: strike, right and an expiration to come."""
        known = np.isfinite(self.strike) & (self.strike > 0) & (np.abs(self.right) == 1)
        # An expiration that is not known is the least integer, so it counts as past.
        return np.asarray(known & (self.expires_at > self.at), dtype=np.bool_)

    def take(self, rows: slice | NDArray[np.intp] | BoolColumn) -> Self:
        """The chain of some rows; a slice is a view and copies nothing."""
        own = {name: getattr(self, name) for name in _OF_THE_CHAIN}
        return type(self)(**own, **{name: getattr(self, name)[rows] for name in _columns()})


def _columns() -> list[str]:
    return [field.name for field in fields(OptionChain) if field.name not in _OF_THE_CHAIN]
