"""What a run shows of the context: readings with their ages, and a row for each underlying."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from exit_pipeline.core.context.gex_signal import CONVENTION
from exit_pipeline.core.model.context import GexHistory
from exit_pipeline.core.model.reading import Reading
from exit_pipeline.defs.views import Metadata, bullets, table
from exit_pipeline.services.context_details import ContextDetails, UnderlyingContext
from exit_pipeline.services.gamma_figures import GammaFigures
from exit_pipeline.services.tick import ContextTick

SHORT_CONVENTION = "calls plus, puts minus: a convention about who holds what, no forecast"
_NOT_KNOWN = "not known"


def context(tick: ContextTick) -> Metadata:
    """Volatility, trend, regime and gamma, each with its age, source and state."""
    at, known, details = tick.tick.at, tick.context, tick.details
    shown: Metadata = {
        "vix": _or_not(None if known.vix is None else float(known.vix)),
        "vix_age_seconds": _or_not(
            None if known.vix_at is None else int((at - known.vix_at).total_seconds())
        ),
        "vix3m": _or_not(None if known.vix3m is None else float(known.vix3m)),
        "trend": known.trend or _NOT_KNOWN,
        "gamma_signals": table(signal_rows(known.gex, at)),
    }
    if details is None:
        return shown
    return shown | {
        "vix_says": say_vix(details),
        "readings": table(reading_rows(details)),
        "underlyings": table(underlying_rows(details)),
        "gamma": table(gamma_rows(details)),
        "gamma_convention": f"{SHORT_CONVENTION}. {CONVENTION}",
        "notes": dg.MetadataValue.md(bullets(details.notes)),
    }


def signal_rows(gex: Mapping[str, GexHistory], at: datetime) -> list[dict[str, Any]]:
    """The newest gamma signals, whose they are, and how old."""
    return [
        {
            "underlying": ticker,
            "direction": history.newest.direction.name,
            "strength": round(history.newest.strength, 4),
            "age_minutes": int((at - history.newest.at).total_seconds() // 60),
            "before": history.previous.direction.name if history.previous else "none",
            "from": "chain" if history.is_own else "another program",
        }
        for ticker, history in sorted(gex.items())
    ]


def reading_rows(details: ContextDetails) -> list[dict[str, Any]]:
    """Each input with its age, source and state."""
    return [
        {
            "input": name,
            "value": _figure(reading.value),
            "age_minutes": _age(reading, details.at),
            "limit_minutes": reading.age_limit.total_seconds() / 60,
            "source": reading.source,
            "state": reading.state(details.at).value,
        }
        for name, reading in details.readings.items()
    ]


def underlying_rows(details: ContextDetails) -> list[dict[str, Any]]:
    """What is known of the movement of each underlying, and why its regime is what it is."""
    return [_row(ticker, one) for ticker, one in sorted(details.underlyings.items())]


def _row(ticker: str, one: UnderlyingContext) -> dict[str, Any]:
    regime, trend = one.regime.regime, one.trend
    return {
        "underlying": ticker,
        "regime": _NOT_KNOWN if regime is None else regime.name,
        "trend": _NOT_KNOWN if trend.trend is None else trend.trend.name,
        "trend_from": trend.source or "nobody",
        "bias": _or_not(trend.bias, 2),
        "realised_vol": _or_not(one.days.realised_vol, 4),
        "why": " ".join(one.regime.reasons),
    }


def gamma_rows(details: ContextDetails) -> list[dict[str, Any]]:
    """The gamma exposure of each underlying; net and gross in millions of dollars per 1 % move."""
    return [
        _gamma(ticker, one.gamma, details) for ticker, one in sorted(details.underlyings.items())
    ]


def _gamma(ticker: str, gamma: GammaFigures | None, details: ContextDetails) -> dict[str, Any]:
    known = gamma or GammaFigures(asked_at=datetime.min)  # noqa: DTZ901 never shown
    state = details.readings[f"gamma {ticker}"].state(details.at).value if gamma else "MISSING"
    return {
        "underlying": ticker,
        "net_millions": _millions(known.net),
        "gross_millions": _millions(known.gross),
        "zero_gamma": _or_not(known.zero_gamma, 2),
        "call_wall": _or_not(known.call_wall, 2),
        "put_wall": _or_not(known.put_wall, 2),
        "zero_dte_share": _or_not(known.zero_dte_share, 3),
        "chain_from": known.source or "nobody",
        "state": state,
        "note": _reason(gamma),
    }


def _millions(dollars: float | None) -> Any:
    return _or_not(None if dollars is None else dollars / 1e6, 2)


def _reason(gamma: GammaFigures | None) -> str:
    """Why nothing, or no zero, is known."""
    return "no chain was asked for" if gamma is None else gamma.reason or ""


def say_vix(details: ContextDetails) -> str:
    """What follows from the volatility indices, in a line."""
    vix = details.vix
    parts = [
        f"state {vix.state.value}",
        f"band {vix.band.name}" if vix.band is not None else "band not known",
        f"{vix.term_structure.name} at VIX / VIX3M {vix.vix3m_ratio:.3f}"
        if vix.term_structure is not None and vix.vix3m_ratio is not None
        else "term structure not known",
        f"{vix.change_percent:+.1f} % since the session before"
        if vix.change_percent is not None
        else "change not known",
        f"above {vix.percentile:.0%} of stored closes"
        if vix.percentile is not None
        else "percentile not known",
    ]
    return ", ".join(parts)


def _age(reading: Reading, at: datetime) -> Any:
    return _or_not(None if reading.at is None else (at - reading.at).total_seconds() / 60, 1)


def _figure(value: float | None) -> Any:
    """An index has cents; nobody reads those of an exposure."""
    return _or_not(value, 2 if value is None or abs(value) < 10_000 else 0)


def _or_not(value: float | None, digits: int | None = None) -> Any:
    if value is None:
        return _NOT_KNOWN
    return value if digits is None else round(value, digits)
