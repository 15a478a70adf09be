"""Fetch the market of a tick."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import MarketSnapshot, SourceNote
from exit_pipeline.core.model.record import Alert
from exit_pipeline.ports import Clock, Database, KeepsTape, MarketData
from exit_pipeline.services.open_interest import with_open_interest
from exit_pipeline.services.tick import MarketTick, OpenTick

INDICES = ("VIX", "VIX3M", "VIX9D")
"""Levels that every tick records: Cboe's volatility indices of 30 days, three months and nine
days."""

_FOR_A_PERSON = {"FALLBACK_USED": "WARNING", "NOT_ANSWERED": "WARNING", "NOT_QUOTED": "WARNING"}
"""Severity of notes that need somebody; a contract without a quote has neither target nor stop."""


def fetch_market(
    tick: OpenTick, *, market_data: MarketData, database: Database, clock: Clock
) -> MarketTick:
    """The newest quotes and prices that the tick's positions need, in one request of the source.

    A source that does not answer leaves every quote missing: rules that need one are not evaluable,
    the others still decide, and an alert and a note say so. Each use of a fallback and each part
    that was not answered is an alert too. Quotes without open interest get the day's figure where
    the source tells it apart from them. A live source keeps what was seen on a tape, where it has
    one.
    """
    if market_data.is_live:
        # Bringing the books up to date takes its time, and quotes of now would seem of the future.
        tick = replace(tick, at=clock.now())
    nothing = MarketSnapshot(source=market_data.source, feed_age_limit=timedelta(0))
    if not tick.positions:
        return MarketTick(tick=tick, market=nothing)
    contracts = sorted({p.contract.symbol for p in tick.positions if p.contract is not None})
    underlyings = sorted({p.underlying for p in tick.positions}.union(INDICES))
    try:
        market = market_data.snapshot(contracts, underlyings, tick.at)
    except (UnavailableError, ConfigurationError) as error:
        # Keys that are refused in the middle of a day must not keep a position from its time exit.
        _alert(tick, database, "CRITICAL", "MARKET_DATA_DOWN", str(error))
        note = SourceNote(cause="NOT_ANSWERED", subject=market_data.source, message=str(error))
        return MarketTick(tick=tick, market=replace(nothing, notes=(note,)))
    if tick.session is not None and not tick.request.as_of:
        market = with_open_interest(
            market, tick.session.day, market_data=market_data, database=database
        )
    _pass_on(tick, market.notes, database)
    if isinstance(market_data, KeepsTape) and not tick.request.dry_run:
        market_data.keep(
            market,
            tick.identity.tick_at,
            lambda sentence: _alert(tick, database, "WARNING", "TAPE_NOT_WRITTEN", sentence),
        )
    return MarketTick(tick=tick, market=market)


def _alert(tick: OpenTick, database: Database, severity: str, cause: str, message: str) -> None:
    """One alert for each account that the tick works."""
    alerts = [
        Alert(severity=severity, cause=cause, subject=account, message=message, run_id=run_id)
        for account, run_id in tick.run_ids.items()
    ]
    database.runs.raise_alerts(alerts)


def _pass_on(tick: OpenTick, notes: Sequence[SourceNote], database: Database) -> None:
    alerts = [
        Alert(
            severity=_FOR_A_PERSON[note.cause],
            cause=f"MARKET_DATA_{note.cause}",
            subject=note.subject,
            message=note.message,
            run_id=run_id,
        )
        for note in notes
        if note.cause in _FOR_A_PERSON
        for run_id in tick.run_ids.values()
    ]
    if alerts:
        database.runs.raise_alerts(alerts)
