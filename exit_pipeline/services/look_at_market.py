"""The market of a moment without a tick: nothing is recorded and nothing decided."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.record import TickIdentity
from exit_pipeline.ports import Calendar, Clock, Database, MarketData
from exit_pipeline.services.market import fetch_market
from exit_pipeline.services.tick import MarketTick, OpenTick, TickRequest

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def look_at_market(
    underlyings: Sequence[str],
    *,
    environment: str,
    database: Database,
    market_data: MarketData,
    calendar: Calendar,
    clock: Clock,
) -> MarketTick:
    """What a dry run of now would see, of some underlyings or of the open positions'.

    ``build_context`` of the answer records nothing either.

    Raises:
        InputError: The exchange is closed, or there is no open position and no underlying named.
    """
    at = clock.now()
    if why := calendar.why_closed(at):
        raise InputError(why)
    positions = [_stand_in(ticker, environment) for ticker in underlyings]
    positions = positions or database.positions.open_positions(environment)
    if not positions:
        message = "there is no open position; name underlyings, such as: exit-pipeline context SPY"
        raise InputError(message)
    tick = OpenTick(
        request=TickRequest(run_key="context", dry_run=True),
        identity=TickIdentity(
            environment=environment,
            broker="",
            tick_at=at,
            mode="live" if market_data.is_live else market_data.source,
            dry_run=True,
        ),
        at=at,
        session=calendar.session(at.astimezone(calendar.zone).date()),
        runs=(),
        positions=tuple(positions),
        opened_at=at,
    )
    return fetch_market(tick, market_data=market_data, database=database, clock=clock)


def _stand_in(ticker: str, environment: str) -> Position:
    """Nothing is held: only the underlying of it is looked at."""
    return Position(
        id=ticker,
        broker=None,
        environment=environment,
        account=None,
        contract=None,
        underlying=ticker,
        side=PositionSide.LONG,
        quantity=1,
        entry_price=Decimal(1),
        entry_time=_LONG_AGO,
    )
