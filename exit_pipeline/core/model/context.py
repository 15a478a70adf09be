"""The market context of a tick: what is known of volatility, trend and gamma, and how old it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum


class Direction(IntEnum):
    """A view on the underlying: CALL gains when it rises, PUT when it falls."""

    CALL = 1
    NONE = 0
    PUT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class GexSignal:
    """One row of ``refactored_gex_signals``.

    Attributes:
        direction: CALL or PUT.
        strength: Magnitude 0..1; the stored sign repeats the direction and is dropped.
        at: When the signal was made.
    """

    direction: Direction
    strength: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GexHistory:
    """The newest signal of an underlying and the one before it."""

    newest: GexSignal
    previous: GexSignal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketContext:
    """What a tick knows of the market beyond quotes; None means not known, never calm.

    Attributes:
        vix: VIX level, index points.
        vix_at: Time of that level.
        vix3m: Three-month VIX level, index points.
        trend: BULLISH, BEARISH or NEUTRAL, from the newest context snapshot in the database.
        trend_at: Time of that snapshot.
        gex: Newest gamma signals by underlying.
    """

    vix: Decimal | None = None
    vix_at: datetime | None = None
    vix3m: Decimal | None = None
    trend: str | None = None
    trend_at: datetime | None = None
    gex: Mapping[str, GexHistory] = field(default_factory=dict)
