"""A demonstration book for today, so that a schedule on a new machine has something to manage."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.contract import OptionRight, parse_contract
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import MarketData

DEMO_ACCOUNT: Final = "demo"
"""Account of the demonstration book."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OPEN: Final = time(9, 30)
_ALL_ENTERED: Final = time(10, 30)
"""New York time from which a session's own book is there; before it, the last session's is."""

_CENT: Final = Decimal("0.01")
_WIDEST: Final = Decimal("0.25")
"""Widest market, as a share of its mid, that a plan is entered in."""


class _Plan(NamedTuple):
    """How one position is chosen.

    Attributes:
        underlying: Ticker.
        right: CALL or PUT.
        side: LONG or SHORT.
        days: The first expiration at least this many days after the entry.
        moneyness: Strike aimed at, as a multiple of the underlying's price.
        quantity: Contracts.
        timeframe: Of the made-up strategy.
        minute: Entry, minutes after the open.
    """

    underlying: str
    right: OptionRight
    side: PositionSide
    days: int
    moneyness: float
    quantity: int
    timeframe: str | None
    minute: int


_CALL, _PUT = OptionRight.CALL, OptionRight.PUT
_LONG, _SHORT = PositionSide.LONG, PositionSide.SHORT
_PLANS: Final = (
    _Plan("SPY", _CALL, _LONG, 1, 1.003, 10, "1d", 15),
    _Plan("SPY", _PUT, _LONG, 1, 0.997, 4, "15m", 20),
    _Plan("QQQ", _CALL, _LONG, 2, 1.004, 6, "1h", 15),
    _Plan("QQQ", _PUT, _LONG, 2, 0.996, 1, "1d", 25),
    _Plan("NVDA", _CALL, _LONG, 3, 1.02, 8, "1d", 30),
    _Plan("NVDA", _PUT, _SHORT, 14, 0.96, 2, "1d", 30),
    _Plan("TSLA", _CALL, _SHORT, 14, 1.06, 1, "1d", 35),
    _Plan("TSLA", _PUT, _LONG, 3, 0.98, 5, "30m", 40),
    _Plan("AAPL", _CALL, _LONG, 7, 1.01, 3, "1d", 40),
    _Plan("AAPL", _PUT, _LONG, 30, 0.98, 2, "1d", 45),
    _Plan("IWM", _PUT, _SHORT, 21, 0.96, 3, "1d", 45),
    _Plan("SPY", _CALL, _LONG, 300, 1.05, 1, None, 45),
)


def demo_book(market: MarketData, at: datetime) -> list[NewPosition]:
    """About twelve positions of the paper broker, opened at the market earlier in the session.

    The book depends on the session alone: asked for again the same day it is the same, so that
    importing it twice adds nothing. Before 10:30 New York time, and on weekends, it is the book of
    the last weekday before. A plan whose market is not usable at its entry time is left out.

    Args:
        market: The simulated market.
        at: The present.

    Raises:
        InputError: The market knows nothing of that day.
    """
    day = _session_day(at)
    positions = []
    for number, plan in enumerate(_PLANS, start=1):
        opened_at = datetime.combine(day, _OPEN, _NEW_YORK) + timedelta(minutes=plan.minute)
        entry = _entry(market, plan, opened_at)
        if entry is not None:
            symbol, price = entry
            positions.append(
                NewPosition(
                    id=f"demo-{day:%Y%m%d}-{number:02d}",
                    symbol=symbol,
                    side=plan.side,
                    quantity=plan.quantity,
                    entry_price=price,
                    entry_time=opened_at.astimezone(UTC),
                    account=DEMO_ACCOUNT,
                    broker="paper",
                    environment="paper",
                    timeframe=plan.timeframe,
                )
            )
    return positions


def _session_day(at: datetime) -> date:
    now = at.astimezone(_NEW_YORK)
    day = now.date()
    if now.time() < _ALL_ENTERED:
        day -= timedelta(days=1)
    return day - timedelta(days=max(day.weekday() - 4, 0))


def _entry(market: MarketData, plan: _Plan, at: datetime) -> tuple[str, Decimal] | None:
    """The contract with a usable market whose strike is nearest to the plan's, and its mid."""
    spot = market.snapshot([], [plan.underlying], at).underlyings[plan.underlying].last
    contracts = [parse_contract(symbol) for symbol in market.chain(plan.underlying, at)]
    earliest = at.date() + timedelta(days=plan.days)
    suited = [c for c in contracts if c.right is plan.right and c.expiration >= earliest]
    expiration = min(c.expiration for c in suited)
    aim = spot * Decimal(str(plan.moneyness))
    listed = sorted((abs(c.strike - aim), c.symbol) for c in suited if c.expiration == expiration)
    symbols = [symbol for _, symbol in listed]
    quotes = market.snapshot(symbols, [], at).quotes
    mids = ((symbol, _usable_mid(quotes.get(symbol))) for symbol in symbols)
    return next(((symbol, mid) for symbol, mid in mids if mid is not None), None)


def _usable_mid(quote: Quote | None) -> Decimal | None:
    """The mid in whole cents; None where the quote is missing, crossed or wide."""
    if quote is None or not quote.bid or not quote.ask or quote.bid > quote.ask:
        return None
    mid = (quote.bid + quote.ask) / 2
    if quote.ask - quote.bid > _WIDEST * mid:
        return None
    return mid.quantize(_CENT, rounding=ROUND_HALF_EVEN)
