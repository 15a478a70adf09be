"""Tradier in crash runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from exit_pipeline_tests.crash.desks import BrokerOrder, signed, take_in
from exit_pipeline_tests.crash.scenarios import Held, Step
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fake_brokers import tradier
from exit_pipeline_tests.fake_brokers.tradier import KEY, LOST, fake_tradier
from exit_pipeline_tests.fakes import FixedClock


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
        take_in(self, self._url, name, held)

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
            if "tag" in order
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
        for symbol, quantity in self.holdings().items():
            self.fake.ledger.trade(symbol, quantity)

    def end_the_day(self) -> None:
        for order in self.fake.ledger.orders:
            if order["status"] in tradier.WORKING:
                order |= {"status": "expired", "remaining_quantity": 0.0}

    def expire_holdings(self) -> None:
        self.fake.ledger.positions.clear()


@contextmanager
def open_tradier(database_url: str) -> Iterator[TradierDesk]:
    """Tradier, with its server."""
    clock = FixedClock(MORNING)
    with fake_tradier(clock) as fake:
        yield TradierDesk(fake, database_url, clock)


def _executions(order: dict[str, Any]) -> tuple[tuple[int, Decimal], ...]:
    """The vendor tells all contracts and their average price, as one."""
    done = int(order["exec_quantity"])
    return ((done, Decimal(str(order["avg_fill_price"]))),) if done else ()
