"""Keep what a tick knew: gamma signals, the day's levels, and the context itself."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from exit_pipeline.core.model.context import GexSignal, MarketContext
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.ports import Database
from exit_pipeline.services.context_details import ContextDetails
from exit_pipeline.services.gamma_figures import GammaFigures
from exit_pipeline.services.tick import OpenTick

PROXIES = ("SPX", "SPY")
"""Underlyings that stand for the market, the first of them that is known."""


def keep_context(
    tick: OpenTick,
    market: MarketSnapshot,
    context: MarketContext,
    details: ContextDetails,
    database: Database,
) -> None:
    """Write all of it down, each under a natural key, so that doing it again changes nothing.

    The context comes last: it tells the next tick which chains were asked for.
    """
    runs = list(tick.run_ids.values())
    mode = tick.identity.mode
    database.signals.import_gex_signals(
        [
            _signal_row(ticker, figures, mode, runs, tick)
            for ticker in details.chains.fresh
            if (figures := details.chains.figures[ticker]).direction
        ]
    )
    _keep_levels(tick, market, database)
    database.signals.record_context(runs, _snapshot(tick, market, context, details))


def own_signal(figures: GammaFigures) -> GexSignal | None:
    """The gamma signal of a chain; None where it has none."""
    if figures.direction is None or figures.at is None or figures.strength is None:
        return None
    return GexSignal(
        direction=Direction[figures.direction], strength=figures.strength, at=figures.at
    )


def signal_id(mode: str, ticker: str, figures: GammaFigures) -> str:
    """A function of what the signal is about, in the form of a UUID, which any key column takes."""
    at = figures.at.isoformat() if figures.at else ""
    about = f"gex/{mode}/{figures.source}/{ticker}/{at}"
    return str(UUID(bytes=hashlib.sha256(about.encode()).digest()[:16]))


def _signal_row(
    ticker: str, figures: GammaFigures, mode: str, runs: list[str], tick: OpenTick
) -> Mapping[str, object]:
    """A row of ``refactored_gex_signals``; the strength carries the direction's sign."""
    sign = Direction[figures.direction or "NONE"]
    metadata = figures.metadata(mode, runs, tick.at)
    return {
        "id": signal_id(mode, ticker, figures),
        "symbol": ticker,
        "strength": round(sign * (figures.strength or 0.0), 4),
        "direction": figures.direction,
        "timestamp": figures.at,
        "age": metadata["age_seconds"],
        "metadata": metadata,
    }


def _keep_levels(tick: OpenTick, market: MarketSnapshot, database: Database) -> None:
    """The day's high, low and last price; none of a launch that works at another time."""
    session = tick.session
    if session is None or tick.request.as_of:
        return
    seen = [price for price in market.underlyings.values() if session.opens_at <= price.quoted_at]
    database.context.keep_levels(tick.identity.mode, session.day, market.source, seen)


def _snapshot(
    tick: OpenTick, market: MarketSnapshot, context: MarketContext, details: ContextDetails
) -> dict[str, Any]:
    """A row of ``refactored_context_snapshots``: of the market, and of underlyings in its details.

    The market's trend, bias, realised volatility and regime are those of SPX or SPY, where one of
    them is among the underlyings.
    """
    vix = details.vix
    proxy = next((one for one in PROXIES if one in details.underlyings), None)
    of_proxy = details.underlyings[proxy] if proxy else None
    regime = (of_proxy.regime if of_proxy else details.market).regime
    trend = of_proxy.trend.trend if of_proxy else None
    vix9d = details.readings["VIX9D"].value
    return {
        "vix": context.vix,
        "vix_at": context.vix_at,
        "vix3m": context.vix3m,
        "vix9d": vix9d,
        "vix_band": None if vix.band is None else vix.band.name,
        "vix_change": vix.change_percent,
        "vix_ratio": vix.vix3m_ratio,
        "vix_percentile": vix.percentile,
        "term_structure": None if vix.term_structure is None else vix.term_structure.name,
        "front_structure": None if vix.front_structure is None else vix.front_structure.name,
        "trend": context.trend if trend is None else trend.name,
        "bias": of_proxy.trend.bias if of_proxy else None,
        "regime": None if regime is None else regime.name,
        "realised_vol": of_proxy.days.realised_vol if of_proxy else None,
        "details": details.to_stored(),
        "timestamp": tick.at,
        "source": market.source,
    }
