"""The market context of a tick: what is known of volatility, trend and gamma, and how old it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.event import EventKind, MarketEvent
from exit_pipeline.core.model.market_state import Regime, Trend
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.core.model.signal import Signal

MODE_KEY: Final = "exit_pipeline_mode"
"""Key of a signal's metadata that marks it as our own and tells of whose market it is, such as
``live`` or ``simulated``; the signals of other programs have no such key."""


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
    """The newest signal of an underlying and the one before it.

    Attributes:
        newest: None is later.
        previous: Of the same series.
        is_own: They are our own, not those of another program.
    """

    newest: GexSignal
    previous: GexSignal | None = None
    is_own: bool = False

    def followed_by(self, signal: GexSignal) -> "GexHistory":
        """With a signal of our own that may be newer; another program's series stays as it is."""
        if not self.is_own or signal.at <= self.newest.at:
            return self
        return GexHistory(newest=signal, previous=self.newest, is_own=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendView:
    """The trend of one underlying, and whose judgement it is.

    Attributes:
        trend: None where not known.
        bias: Direction and strength in one number, -1..1; None where not known.
        source: Who judged it.
        at: When another program did; None for our own, which is of the session's earlier days.
    """

    trend: Trend | None = None
    bias: float | None = None
    source: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketContext:
    """What a tick knows of the market beyond quotes; None means not known, never calm.

    Attributes:
        vix: VIX level, index points.
        vix_at: Time of that level.
        vix_age_limit: How old a level of its source may be; None sets no limit.
        vix3m: Three-month VIX level, index points.
        vix_change: Change of a fresh VIX on the close of the session before, percent.
        vix_ratio: VIX over VIX3M, where both are fresh and of one time.
        trend: BULLISH, BEARISH or NEUTRAL, as another program recorded it last.
        trend_at: When it did.
        trends: By underlying.
        regimes: By underlying; absent where not known.
        gamma_signs: +1 in positive gamma, -1 in negative, by underlying; absent where not known.
        gex: Newest gamma signals by underlying.
        gex_entry: Direction of the signal in force at entry, or of the first after it, by position
            id, of positions that keep none yet.
        signals: Recent signals of strategies about the underlyings.
        events: The next event by underlying and kind.
    """

    vix: Decimal | None = None
    vix_at: datetime | None = None
    vix_age_limit: timedelta | None = None
    vix3m: Decimal | None = None
    vix_change: float | None = None
    vix_ratio: float | None = None
    trend: str | None = None
    trend_at: datetime | None = None
    trends: Mapping[str, TrendView] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
    gamma_signs: Mapping[str, int] = field(default_factory=dict)
    gex: Mapping[str, GexHistory] = field(default_factory=dict)
    gex_entry: Mapping[str, Direction] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()
    events: Mapping[tuple[str, EventKind], MarketEvent] = field(default_factory=dict)

    def fresh_vix(self, at: datetime) -> float | None:
        """The VIX level at a moment; None where it is not known or older than its source's limit.

        Example: a level of 10:00 with a limit of 30 minutes is known at 10:30 and not at 10:31.
        """
        if self.vix is None:
            return None
        if self.vix_age_limit is None:
            return float(self.vix)
        level = Reading(
            value=float(self.vix), at=self.vix_at, source="VIX", age_limit=self.vix_age_limit
        )
        return level.fresh(at)
