"""Alpaca in crash runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from exit_pipeline_tests.crash.desks import BrokerOrder, signed, take_in
from exit_pipeline_tests.crash.scenarios import Held, Step
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fake_brokers import alpaca_rows
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Order
from exit_pipeline_tests.fakes import FixedClock


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
        take_in(self, self._url, name, held)

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


@contextmanager
def open_alpaca(database_url: str) -> Iterator[AlpacaDesk]:
    """Alpaca, with its server."""
    clock = FixedClock(MORNING)
    with FakeAlpaca(clock) as fake:
        yield AlpacaDesk(fake, database_url, clock)
