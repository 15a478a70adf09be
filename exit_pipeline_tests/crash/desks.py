"""The brokers of crash runs, as they stand outside the process that is killed, with their books."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

import psycopg2

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.services.import_book import import_book
from exit_pipeline_tests.crash.scenarios import Held, Step
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fake_brokers import alpaca_rows, tradier
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Order
from exit_pipeline_tests.fake_brokers.tradier import KEY, LOST, fake_tradier
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock

PAPER_ACCOUNT = "desk"


@dataclass(frozen=True, kw_only=True)
class BrokerOrder:
    """An order as the broker's own books have it.

    Attributes:
        fills: Contracts and price of each.
    """

    client_order_id: str
    symbol: str
    side: str
    quantity: int
    limit: Decimal
    is_open: bool
    fills: tuple[tuple[int, Decimal], ...]

    @property
    def filled(self) -> int:
        return sum(quantity for quantity, _ in self.fills)

    @property
    def at_stake(self) -> int:
        """Contracts that it has closed or may still close."""
        return self.quantity if self.is_open else self.filled


class Desk(Protocol):
    """One broker with one account.

    Besides what is here it has one method for each event that its scenarios name.

    Attributes:
        name: Of its adapter.
        account: The broker's.
        clock: Its time.
    """

    name: str
    account: str
    clock: FixedClock

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a client."""
        ...

    def hold(self, name: str, held: Held) -> None:
        """Put a position into the broker's books and into ours."""
        ...

    def trade_at(self, step: Step) -> None:
        """Move the market that orders fill against."""
        ...

    def drain(self) -> None:
        """Let the server finish what a client that is dead has sent."""
        ...

    def orders(self) -> list[BrokerOrder]:
        """Every order that the broker has."""
        ...

    def holdings(self) -> dict[str, int]:
        """Contracts that the broker holds, by symbol, negative when short."""
        ...


class AlpacaDesk:
    """Alpaca."""

    name, account = "alpaca", alpaca_rows.ACCOUNT

    def __init__(self, fake: FakeAlpaca, database_url: str, clock: FixedClock) -> None:
        self.fake, self.clock, self._url = fake, clock, database_url
        self._place = fake.ledger.place

    @property
    def environ(self) -> dict[str, str]:
        return self.fake.environ

    def hold(self, name: str, held: Held) -> None:
        self.fake.ledger.hold(held.symbol, self.holdings().get(held.symbol, 0) + signed(held))
        _take_in(self, self._url, name, held)

    def trade_at(self, step: Step) -> None:
        for symbol, (bid, ask) in (step.exchange or step.market).items():
            self.fake.ledger.quote(symbol, bid, ask, step.size)

    def drain(self) -> None:
        self.fake.drain()

    def orders(self) -> list[BrokerOrder]:
        return [
            BrokerOrder(
                client_order_id=order.body["client_order_id"],
                symbol=order.symbol,
                side="SELL_TO_CLOSE" if order.sells else "BUY_TO_CLOSE",
                quantity=order.quantity,
                limit=Decimal(str(order.body["limit_price"])),
                is_open=order.is_open,
                fills=tuple((quantity, price) for quantity, price, _ in order.fills),
            )
            for order in self.fake.ledger.orders.values()
        ]

    def holdings(self) -> dict[str, int]:
        return {symbol: one.quantity for symbol, one in self.fake.ledger.holdings.items()}

    def delay_cancels(self) -> None:
        self.fake.confirms_cancels = False

    def confirm_cancels(self) -> None:
        self.fake.confirms_cancels = True

    def fill_one_of_cancelling(self) -> None:
        for order in self.fake.ledger.orders.values():
            if order.status == "pending_cancel":
                self.fake.ledger.execute(order, 1, Decimal(str(order.body["limit_price"])))

    def reject_orders(self) -> None:
        def place(body: dict[str, Any]) -> Order:
            order = self._place(body)
            self.fake.ledger.end(order, "rejected")
            return order

        for symbol in self.fake.ledger.quotes:
            self.fake.ledger.quote(symbol, "0", "0")
        self.fake.ledger.place = place  # type: ignore[method-assign]

    def take_orders(self) -> None:
        self.fake.ledger.place = self._place  # type: ignore[method-assign]

    def lose_an_answer(self) -> None:
        self.fake.fail("lost_response", "POST", "/v2/orders")

    def lose_a_request(self) -> None:
        self.fake.fail("lost_request", "POST", "/v2/orders")

    def sell_by_hand(self) -> None:
        for symbol, quantity in self.holdings().items():
            self.fake.ledger.trade(symbol, -quantity)

    def end_the_day(self) -> None:
        for order in self.fake.ledger.orders.values():
            if order.is_open:
                self.fake.ledger.end(order, "expired")

    def expire_holdings(self) -> None:
        for symbol in self.holdings():
            self.fake.ledger.settle(symbol, "OPEXP")


class TradierDesk:
    """Tradier."""

    name, account = "tradier", tradier.ACCOUNT

    def __init__(self, fake: tradier.FakeTradier, database_url: str, clock: FixedClock) -> None:
        self.fake, self.clock, self._url = fake, clock, database_url

    @property
    def environ(self) -> dict[str, str]:
        return {
            "TRADIER_API_KEY": KEY,
            "TRADIER_ACCOUNT_ID": self.account,
            "TRADIER_BASE_URL": self.fake.url,
        }

    def hold(self, name: str, held: Held) -> None:
        self.fake.ledger.hold(held.symbol, self.holdings().get(held.symbol, 0) + signed(held))
        _take_in(self, self._url, name, held)

    def trade_at(self, step: Step) -> None:
        for symbol, (bid, ask) in (step.exchange or step.market).items():
            self.fake.ledger.quote(symbol, bid, ask, step.size)

    def drain(self) -> None:
        self.fake.server.drain()

    def orders(self) -> list[BrokerOrder]:
        return [
            BrokerOrder(
                client_order_id=order["tag"],
                symbol=order["option_symbol"],
                side=order["side"].upper(),
                quantity=int(order["quantity"]),
                limit=Decimal(str(order["price"])),
                is_open=order["status"] in tradier.WORKING,
                fills=_executions(order),
            )
            for order in self.fake.ledger.orders
        ]

    def holdings(self) -> dict[str, int]:
        return {symbol: quantity for symbol, (quantity, _) in self.fake.ledger.positions.items()}

    def delay_cancels(self) -> None:
        self.fake.ledger.stays_pending = True

    def confirm_cancels(self) -> None:
        self.fake.ledger.stays_pending = False

    def fill_one_of_cancelling(self) -> None:
        for order in self.fake.ledger.orders:
            if order["status"] == "pending_cancel":
                self.fake.ledger.execute(order, 1, Decimal(str(order["price"])))

    def reject_orders(self) -> None:
        self.fake.ledger.rejects_later = "the account may not trade this contract today"

    def take_orders(self) -> None:
        self.fake.ledger.rejects_later = ""

    def lose_an_answer(self) -> None:
        self.fake.fail("POST", "orders$", LOST, before=False)

    def lose_a_request(self) -> None:
        self.fake.fail("POST", "orders$", LOST)

    def sell_by_hand(self) -> None:
        self.fake.ledger.positions.clear()

    def end_the_day(self) -> None:
        for order in self.fake.ledger.orders:
            if order["status"] in tradier.WORKING:
                order |= {"status": "expired", "remaining_quantity": 0.0}

    def expire_holdings(self) -> None:
        self.fake.ledger.positions.clear()


class PaperDesk:
    """The paper broker, which is in the killed process itself; its books are in the database."""

    name, account = "paper", PAPER_ACCOUNT

    def __init__(self, connection: Any, database_url: str, clock: FixedClock) -> None:
        self.clock, self._connection, self._url = clock, connection, database_url

    @property
    def environ(self) -> dict[str, str]:
        return {}

    def hold(self, name: str, held: Held) -> None:
        _take_in(self, self._url, name, held)

    def trade_at(self, step: Step) -> None:
        """The runner gives the broker its market."""

    def drain(self) -> None:
        """There is no server."""

    def end_the_day(self) -> None:
        """It knows the calendar."""

    def expire_holdings(self) -> None:
        """It settles by the calendar and the underlying's price."""

    def orders(self) -> list[BrokerOrder]:
        found = self._read(
            "SELECT id, client_order_id, symbol, side, quantity, limit_price,"
            " status IN ('ACCEPTED', 'PARTIAL_FILL') FROM paper.orders"
        )
        return [
            BrokerOrder(
                client_order_id=name,
                symbol=symbol,
                side=side,
                quantity=quantity,
                limit=limit,
                is_open=is_open,
                fills=tuple(
                    self._read(f"SELECT quantity, price FROM paper.fills WHERE order_id = '{key}'")
                ),
            )
            for key, name, symbol, side, quantity, limit, is_open in found
        ]

    def holdings(self) -> dict[str, int]:
        return dict(self._read("SELECT symbol, quantity FROM paper.positions"))

    def _read(self, query: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            found: list[Any] = cursor.fetchall()
        return found


@contextmanager
def _alpaca(database_url: str) -> Iterator[AlpacaDesk]:
    clock = FixedClock(MORNING)
    with FakeAlpaca(clock) as fake:
        yield AlpacaDesk(fake, database_url, clock)


@contextmanager
def _tradier(database_url: str) -> Iterator[TradierDesk]:
    clock = FixedClock(MORNING)
    with fake_tradier(clock) as fake:
        yield TradierDesk(fake, database_url, clock)


@contextmanager
def _paper(database_url: str) -> Iterator[PaperDesk]:
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        yield PaperDesk(connection, database_url, FixedClock(MORNING))


OPENED_BY: dict[str, Callable[[str], AbstractContextManager[Desk]]] = {
    "alpaca": _alpaca,
    "tradier": _tradier,
    "paper": _paper,
}


def signed(held: Held) -> int:
    """Contracts, negative when short."""
    return held.quantity if held.side == "LONG" else -held.quantity


def _take_in(desk: Desk, database_url: str, name: str, held: Held) -> None:
    engine, calendar = make_engine(database_url), FakeCalendar()
    position = NewPosition(
        id=name,
        symbol=held.symbol,
        side=held.side,
        quantity=held.quantity,
        entry_price=Decimal(held.entry),
        entry_time=MORNING - timedelta(days=1),
        account=desk.account,
        broker=desk.name,
        environment="paper",
    )
    database = PostgresDatabase(engine)
    if desk.name == "paper":
        broker = PaperBroker(engine, FakeMarketData(), desk.clock, "paper", calendar=calendar)
        import_book([position], broker=broker, database=database)
    else:
        database.positions.import_positions([position])
    engine.dispose()


def _executions(order: dict[str, Any]) -> tuple[tuple[int, Decimal], ...]:
    """The vendor tells all contracts and their average price, as one."""
    done = int(order["exec_quantity"])
    return ((done, Decimal(str(order["avg_fill_price"]))),) if done else ()
