"""Fetch the market of a tick."""

from datetime import timedelta

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.quote import MarketSnapshot
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Database, MarketData
from exit_pipeline.services.tick import MarketTick, OpenTick

INDICES = ("VIX", "VIX3M")
"""Levels that every tick records: the 30-day and three-month volatility indices of Cboe."""


def fetch_market(tick: OpenTick, *, market_data: MarketData, database: Database) -> MarketTick:
    """The newest quotes and prices that the tick's positions need, in one request of the source.

    A source that does not answer leaves every quote missing: rules that need one are not evaluable,
    the others still decide, and an alert says so.
    """
    nothing = MarketSnapshot(source=market_data.source, feed_age_limit=timedelta(0))
    if not tick.positions:
        return MarketTick(tick=tick, market=nothing)
    contracts = sorted({p.contract.symbol for p in tick.positions if p.contract is not None})
    underlyings = sorted({p.underlying for p in tick.positions}.union(INDICES))
    try:
        market = market_data.snapshot(contracts, underlyings, tick.at)
        return MarketTick(tick=tick, market=market)
    except UnavailableError as error:
        alerts = [
            Alert(
                severity="CRITICAL",
                cause="MARKET_DATA_DOWN",
                subject=account,
                message=str(error),
                run_id=run_id,
            )
            for account, run_id in tick.run_ids.items()
        ]
        database.runs.raise_alerts(alerts)
        return MarketTick(tick=tick, market=nothing)
