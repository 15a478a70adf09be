"""The context of a tick with all that a person should see of it, and what the next tick needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any, Final

from exit_pipeline.core.context.regime import RegimeContext, RegimeMemory
from exit_pipeline.core.context.vix import VixContext
from exit_pipeline.core.model.context import TrendView
from exit_pipeline.core.model.market_state import Regime, Trend, VixBand
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.services.gamma_figures import Chains, GammaFigures

MARKET: Final = "MARKET"
"""Name of the regime of VIX and its term alone, beside those of underlyings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What follows from the daily levels of the sessions before, and so holds all day.

    Attributes:
        session: The session that it holds in.
        trend: None where it is not known.
        bias: -1..1; None where it is not known.
        realised_vol: Of a year, as a fraction; None where it is not known.
        notes: Why something is not known, one sentence each.
    """

    session: date
    trend: Trend | None = None
    bias: float | None = None
    realised_vol: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingContext:
    """What is known around one underlying.

    Attributes:
        days: From its daily levels.
        trend: The trend that counts, and whose it is.
        regime: Its regime, with reasons.
        gamma: Figures of its chain; None where none was asked for.
        gamma_sign: +1 or -1; None where not known or too old.
    """

    days: DayFigures
    trend: TrendView
    regime: RegimeContext
    gamma: GammaFigures | None
    gamma_sign: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextDetails:
    """The context of a tick.

    Attributes:
        at: The tick's moment.
        vix: What follows from the volatility indices.
        readings: The indices and each chain's net gamma (``gamma SPY``), with their ages.
        market: Regime of VIX and its term alone.
        underlyings: By ticker.
        chains: What was asked for in this tick.
        notes: What went wrong or is missing, one sentence each.
    """

    at: datetime
    vix: VixContext
    readings: Mapping[str, Reading]
    market: RegimeContext
    underlyings: Mapping[str, UnderlyingContext]
    chains: Chains
    notes: tuple[str, ...] = ()

    def to_stored(self) -> dict[str, Any]:
        """As a snapshot keeps it; ``ContextMemory`` reads it back."""
        return {
            "readings": {
                name: _stored_reading(reading, self.at) for name, reading in self.readings.items()
            },
            "vix_memory": _name(self.vix.memory),
            MARKET: _stored_regime(self.market),
            "underlyings": {
                ticker: {
                    "session": one.days.session.isoformat(),
                    "trend": _name(one.days.trend),
                    "bias": one.days.bias,
                    "realised_vol": one.days.realised_vol,
                    "day_notes": list(one.days.notes),
                    "trend_source": one.trend.source,
                    **_stored_regime(one.regime),
                    "gamma": one.gamma and one.gamma.to_stored(),
                }
                for ticker, one in self.underlyings.items()
            },
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextMemory:
    """What the tick before left: regimes, the band of the VIX, figures of the day and of chains.

    Attributes:
        band: Last known band of the VIX.
        regimes: By underlying, and of ``MARKET``.
        days: Of underlyings, in the session of then.
        gammas: Figures of chains by underlying.
    """

    band: VixBand | None = None
    regimes: Mapping[str, RegimeMemory] = field(default_factory=dict)
    days: Mapping[str, DayFigures] = field(default_factory=dict)
    gammas: Mapping[str, GammaFigures] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ContextMemory":
        """What a snapshot kept; empty of one that kept nothing, or not in this form.

        Another version may have kept something else, and no tick must fail because of it.
        """
        try:
            return cls._read(stored)
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls()

    @classmethod
    def _read(cls, stored: Mapping[str, Any]) -> "ContextMemory":
        underlyings: Mapping[str, Any] = stored.get("underlyings") or {}
        kept = {**underlyings, MARKET: stored.get(MARKET) or {}}
        band = stored.get("vix_memory")
        return cls(
            band=VixBand[band] if band else None,
            regimes={
                ticker: RegimeMemory(
                    regime=Regime[one["regime_memory"]], calmer_hits=one["calmer_hits"]
                )
                for ticker, one in kept.items()
                if one.get("regime_memory")
            },
            days={ticker: _days(one) for ticker, one in underlyings.items()},
            gammas={
                ticker: GammaFigures.from_stored(one["gamma"])
                for ticker, one in underlyings.items()
                if one.get("gamma")
            },
        )


def _days(one: Mapping[str, Any]) -> DayFigures:
    return DayFigures(
        session=date.fromisoformat(one["session"]),
        trend=Trend[one["trend"]] if one["trend"] is not None else None,
        bias=one["bias"],
        realised_vol=one["realised_vol"],
        notes=tuple(one["day_notes"]),
    )


def _name(word: IntEnum | None) -> str | None:
    # Not by its truth: CALM and NEUTRAL have the number 0.
    return None if word is None else word.name


def _stored_regime(regime: RegimeContext) -> dict[str, Any]:
    memory = regime.memory
    return {
        "regime": _name(regime.regime),
        "score": regime.score,
        "regime_memory": memory and memory.regime.name,
        "calmer_hits": memory and memory.calmer_hits,
        "reasons": list(regime.reasons),
    }


def _stored_reading(reading: Reading, moment: datetime) -> dict[str, Any]:
    age = None if reading.at is None else int((moment - reading.at).total_seconds())
    return {
        "value": reading.value,
        "at": reading.at and reading.at.isoformat(),
        "age_seconds": age,
        "limit_seconds": int(reading.age_limit.total_seconds()),
        "source": reading.source,
        "state": reading.state(moment).value,
    }
