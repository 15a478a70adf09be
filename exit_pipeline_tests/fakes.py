"""Small stand-ins for what is outside: a clock, a calendar and market data that tests set."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import ExitPipelineError, InputError, UnavailableError
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.order import (
    Fill,
    HeldPosition,
    OrderReport,
    OrderRequest,
    OrderStatus,
    Settlement,
)
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.core.model.session import Session

NEW_YORK = ZoneInfo("America/New_York")

TODAY = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
"""When fake vendors fill orders."""

Row = TypeVar("Row", Quote, UnderlyingPrice)


def new_york(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment given in New York time, in UTC."""
    return datetime.combine(day, time(hour, minute), NEW_YORK).astimezone(UTC)


class FixedClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class PassingClock(FixedClock):
    """A clock whose waits pass at once, and in which something may happen at the end of each.

    Attributes:
        waits: Seconds that were waited, in order.
        meanwhile: What happens at the end of the next wait, and of the ones after it.
    """

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.waits: list[float] = []
        self.meanwhile: list[Callable[[], None]] = []

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(timedelta(seconds=max(seconds, 0.0)))
        if self.meanwhile:
            self.meanwhile.pop(0)()


class FakeCalendar:
    """09:30 to 16:00 New York time on weekdays, with the holidays and early closes given."""

    name = "XNYS"
    zone = NEW_YORK

    def __init__(
        self,
        holidays: Mapping[date, str] | None = None,
        early_closes: Mapping[date, time] | None = None,
    ) -> None:
        self.last_day = date.max
        self.holidays = dict(holidays or {})
        self.early_closes = dict(early_closes or {})

    def session(self, day: date) -> Session | None:
        if day.weekday() >= 5 or day in self.holidays:
            return None
        closes = self.early_closes.get(day, time(16))
        return Session(
            day=day,
            opens_at=new_york(day, 9, 30),
            closes_at=new_york(day, closes.hour, closes.minute),
        )

    def session_on_or_before(self, day: date) -> Session:
        if day > self.last_day:
            message = f"date {day} is outside the calendar"
            raise InputError(message)
        while (session := self.session(day)) is None:
            day -= timedelta(days=1)
        return session

    def why_closed(self, at: datetime) -> str | None:
        day = at.astimezone(NEW_YORK).date()
        session = self.session(day)
        if session is None:
            return f"{self.name} is closed: {self.holidays.get(day, f'{day:%A}')}"
        if session.opens_at <= at < session.closes_at:
            return None
        return f"{self.name} is closed: outside the session of {day}"


class FakeMarketData:
    """Quotes and prices as they are set, each with its own time.

    With `is_live` it answers with what is newest, otherwise as of the time it is asked for. Chains
    are those that are set, by underlying; an error among them is raised.
    """

    source = "fake"
    tells_chains_unasked = True

    def __init__(self, *, is_live: bool = False) -> None:
        self.is_live = is_live
        self.is_down = False
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...], datetime]] = []
        self.chains: dict[str, Callable[[datetime], ListedChain] | ExitPipelineError] = {}
        self.chains_asked: list[tuple[str, datetime]] = []
        self._quotes: dict[str, list[Quote]] = {}
        self._prices: dict[str, list[UnderlyingPrice]] = {}

    def add_quote(self, quote: Quote) -> None:
        self._quotes.setdefault(quote.symbol, []).append(quote)

    def add_price(self, symbol: str, last: str, at: datetime) -> None:
        price = UnderlyingPrice(symbol=symbol, last=Decimal(last), quoted_at=at)
        self._prices.setdefault(symbol, []).append(price)

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        self.asked.append((tuple(options), tuple(underlyings), at))
        if self.is_down:
            message = "the fake source is down"
            raise UnavailableError(message)
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=timedelta(minutes=15),
            quotes=self._newest(self._quotes, options, at),
            underlyings=self._newest(self._prices, underlyings, at),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        quoted = self._newest(self._quotes, sorted(self._quotes), at)
        return [symbol for symbol in quoted if parse_contract(symbol).underlying == underlying]

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        self.chains_asked.append((underlying, at))
        found = self.chains.get(underlying)
        if isinstance(found, ExitPipelineError):
            raise found
        return found(at) if found else None

    def _newest(
        self, rows: Mapping[str, list[Row]], symbols: Sequence[str], at: datetime
    ) -> dict[str, Row]:
        known = {
            symbol: [row for row in rows.get(symbol, ()) if self.is_live or row.quoted_at <= at]
            for symbol in symbols
        }
        # Of two rows of one time the one that was set later counts.
        return {
            symbol: max(reversed(seen), key=lambda row: row.quoted_at)
            for symbol, seen in known.items()
            if seen
        }


class FakeVendor:
    """A broker with books of its own: holds what is set, and fills every order at its limit."""

    name = "vendor"
    environment = "paper"
    ids_are_unique = True

    def __init__(self, account: str = "V1") -> None:
        self.account = account
        self.held: dict[str, HeldPosition] = {}
        self.orders: dict[str, OrderReport] = {}
        self.asked: list[str] = []
        self.is_down = False

    def hold(
        self, symbol: str, quantity: int, price: str = "2.00", acquired_at: datetime | None = None
    ) -> None:
        self.held[symbol] = HeldPosition(
            account=self.account,
            symbol=symbol,
            quantity=quantity,
            average_price=Decimal(price),
            acquired_at=acquired_at,
        )

    def accounts(self) -> Sequence[str]:
        self._answer("accounts")
        return [self.account]

    def positions(self, account: str) -> Sequence[HeldPosition]:
        self._answer("positions")
        return [one for one in self.held.values() if one.account == account]

    def submit(
        self,
        request: OrderRequest,
        send_by: datetime | None = None,  # noqa: ARG002 - it is always in time
    ) -> OrderReport:
        self._answer("submit")
        fill = Fill(
            execution_id=f"{request.client_order_id}-1",
            quantity=request.quantity,
            price=request.limit_price,
            commission=Decimal(0),
            fees=Decimal(0),
            executed_at=TODAY,
        )
        report = OrderReport(
            client_order_id=request.client_order_id,
            broker_order_id=f"b-{len(self.orders)}",
            symbol=request.symbol,
            side=request.side,
            quantity=request.quantity,
            status=OrderStatus.FILLED,
            fills=(fill,),
            submitted_at=TODAY,
        )
        self.orders[request.client_order_id] = report
        del self.held[request.symbol]
        return report

    def find_order(
        self,
        account: str,  # noqa: ARG002 - it has one
        client_order_id: str,
        broker_order_id: str | None = None,  # noqa: ARG002 - it knows ours
    ) -> OrderReport | None:
        self._answer("find_order")
        return self.orders.get(client_order_id)

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        report = self.find_order(account, client_order_id)
        assert report is not None
        return report

    def working_orders(self, account: str) -> Sequence[OrderReport]:  # noqa: ARG002
        return ()

    def settlements(self, account: str) -> Sequence[Settlement]:  # noqa: ARG002
        self._answer("settlements")
        return ()

    def _answer(self, call: str) -> None:
        self.asked.append(call)
        if self.is_down:
            message = "the vendor does not answer"
            raise UnavailableError(message)
