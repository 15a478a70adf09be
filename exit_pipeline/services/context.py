"""Build the market context of a tick and keep it."""

from exit_pipeline.core.model.context import MarketContext
from exit_pipeline.ports import Database
from exit_pipeline.services.tick import ContextTick, MarketTick


def build_context(seen: MarketTick, *, database: Database) -> ContextTick:
    """What is known of volatility, trend and gamma at the tick's moment.

    VIX comes from the market data, trend and gamma signals from the database. Each keeps its own
    time, and what is not known stays None.
    """
    tick, market = seen.tick, seen.market
    if not tick.positions:
        return ContextTick(tick=tick, market=market, context=MarketContext())
    vix, vix3m = (market.underlyings.get(index) for index in ("VIX", "VIX3M"))
    trend = database.signals.newest_trend(tick.at)
    context = MarketContext(
        vix=vix.last if vix else None,
        vix_at=vix.quoted_at if vix else None,
        vix3m=vix3m.last if vix3m else None,
        trend=trend[0] if trend else None,
        trend_at=trend[1] if trend else None,
        gex=database.signals.gex_history(sorted({p.underlying for p in tick.positions}), tick.at),
    )
    if not tick.request.dry_run:
        snapshot = {
            "vix": context.vix,
            "vix_at": context.vix_at,
            "vix3m": context.vix3m,
            "trend": context.trend,
            "timestamp": tick.at,
            "source": market.source,
        }
        database.signals.record_context(list(tick.run_ids.values()), snapshot)
    return ContextTick(tick=tick, market=market, context=context)
