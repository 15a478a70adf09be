"""Desks whose broker is a vendor's, before a server that runs here; the market is the test's."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from exit_pipeline.adapters.brokers.alpaca import AlpacaBroker
from exit_pipeline.adapters.brokers.tradier import build as build_tradier
from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.http import Retries
from exit_pipeline.ports import Broker, Surroundings
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.fake_brokers import tradier
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT as ALPACA_ACCOUNT
from exit_pipeline_tests.fake_brokers.tradier import FakeTradier, fake_tradier

AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)


class VendorDesk(Desk):
    """A desk at a vendor.

    Attributes:
        fake: The vendor.
        account: The account of the keys there.
    """

    fake: FakeAlpaca | FakeTradier
    account: str

    def connect(self) -> Broker:
        """The broker, as in a process of its own."""
        raise NotImplementedError

    def hold_at_vendor(self, name: str, symbol: str = CALL, quantity: int = 1) -> None:
        """Hold contracts there, and take them in."""
        self.fake.ledger.hold(symbol, quantity)
        self.hold(name, symbol, quantity=quantity, account=self.account)

    def tick_anew(self, config: Mapping[str, Any] | None = None) -> Any:
        """Run the job once with a new connection, as each scheduled run does."""
        self.broker = self.connect()
        try:
            return self.tick(config)
        finally:
            self.broker.close()  # type: ignore[attr-defined]

    def posts(self) -> int:
        """How many orders were posted."""
        server = self.fake.server if isinstance(self.fake, FakeTradier) else self.fake
        return sum(one.method == "POST" for one in server.requests)


class AlpacaDesk(VendorDesk):
    account = ALPACA_ACCOUNT
    fake: FakeAlpaca

    def connect(self) -> Broker:
        api = AlpacaTrading(self.fake.environ, "paper", self.clock, retries=AT_ONCE)
        return AlpacaBroker(api, "paper", self.clock, self.market)


class TradierDesk(VendorDesk):
    account = tradier.ACCOUNT
    fake: FakeTradier

    def connect(self) -> Broker:
        environ = {
            "TRADIER_API_KEY": tradier.KEY,
            "TRADIER_ACCOUNT_ID": self.account,
            "TRADIER_BASE_URL": self.fake.url,
        }
        around = Surroundings(
            environ=environ,
            clock=self.clock,
            calendar=self.calendar,
            environment="paper",
            database_url="",
        )
        return build_tradier(around)


@contextmanager
def alpaca_desk(database_url: str) -> Iterator[AlpacaDesk]:
    desk = AlpacaDesk(database_url)
    with FakeAlpaca(desk.clock) as desk.fake:
        desk.broker = desk.connect()
        yield desk


@contextmanager
def tradier_desk(database_url: str) -> Iterator[TradierDesk]:
    desk = TradierDesk(database_url)
    with fake_tradier(desk.clock) as desk.fake:
        desk.broker = desk.connect()
        yield desk


VENDORS: dict[str, Callable[[str], AbstractContextManager[VendorDesk]]] = {
    "alpaca": alpaca_desk,
    "tradier": tradier_desk,
}
