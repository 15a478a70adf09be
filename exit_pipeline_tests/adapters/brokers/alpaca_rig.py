"""Alpaca's broker in front of the fake Alpaca, for its own tests and those of every broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from typing import Any

from exit_pipeline.adapters.brokers.alpaca import AlpacaBroker, build
from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.http import Retries
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderSide
from exit_pipeline.ports import Surroundings
from exit_pipeline_tests.adapters.brokers.test_paper import CALL, TEN
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT
from exit_pipeline_tests.fake_brokers.openapi import FOLDER, Spec
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock

AT_ONCE = Retries(wait_initial=0, wait_max=0, wait_jitter=0)
HAS_SPEC = (FOLDER / "alpaca-trading.json").exists() and find_spec("jsonschema") is not None


@cache
def published() -> Spec:
    return Spec("alpaca-trading.json")


class AlpacaRig:
    """A broker at 10:00 on 2015-12-23 whose market a test moves."""

    account = ACCOUNT

    def __init__(self, fake: FakeAlpaca, **settings: Any) -> None:
        self.fake = fake
        self.ledger = fake.ledger
        self.market = FakeMarketData(is_live=True)
        plain = {"retries": AT_ONCE, "environ": fake.environ, "environment": "paper"}
        self._settings = plain | settings
        self.broker = self.another()

    def another(self) -> AlpacaBroker:
        """Another broker before the same server, as in another process."""
        api = AlpacaTrading(clock=self.fake.clock, **self._settings)
        return AlpacaBroker(api, "paper", self.fake.clock, self.market)

    def expire(self) -> None:
        self.ledger.settle(CALL, "OPEXP")

    def close_by_hand(self, quantity: int, price: str) -> None:
        held = self.ledger.holdings[CALL].quantity
        self.fake.clock.advance(timedelta(seconds=1))
        self.ledger.trade(CALL, -quantity if held > 0 else quantity, price)

    def next_day(self) -> None:
        self.ledger.end_day()
        self.fake.clock.advance(timedelta(days=1))

    def delay_cancels(self) -> None:
        self.fake.confirms_cancels = False

    def connect(self, **environ: str) -> AlpacaBroker:
        """Another broker before the same server, as in another process."""
        around = Surroundings(
            environ=self.fake.environ | environ,
            clock=self.fake.clock,
            calendar=FakeCalendar(),
            environment="paper",
            database_url="",
        )
        return build(around)

    def hold(self, quantity: int, symbol: str = CALL) -> None:
        self.ledger.hold(symbol, quantity)

    def quote(self, bid: str, ask: str, size: int | None = None) -> None:
        self.fake.clock.advance(timedelta(seconds=1))
        self.ledger.quote(CALL, bid, ask, size)

    def order(
        self, client_order_id: str, side: OrderSide, quantity: int, limit: str, symbol: str = CALL
    ) -> OrderRequest:
        return OrderRequest(
            client_order_id=client_order_id,
            account=self.account,
            symbol=symbol,
            side=side,
            quantity=quantity,
            limit_price=Decimal(limit),
        )

    def sell(self, quantity: int, limit: str = "1.00") -> OrderReport:
        return self.broker.submit(self.order("a-1", OrderSide.SELL_TO_CLOSE, quantity, limit))

    def find(self) -> OrderReport:
        found = self.broker.find_order(self.account, "a-1")
        assert found is not None
        return found


@contextmanager
def alpaca_rig(_database_url: str = "", **settings: Any) -> Iterator[AlpacaRig]:
    """At the end, all that was sent and answered must be as Alpaca's published file has it."""
    with FakeAlpaca(FixedClock(TEN)) as fake:
        rig = AlpacaRig(fake, **settings)
        yield rig
        rig.broker.close()
        if HAS_SPEC:
            exchanges = fake.honest
            assert [p for sent, got in exchanges for p in published().problems(sent, got)] == []
