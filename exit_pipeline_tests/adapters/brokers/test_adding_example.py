"""The broker that docs/adding.md shows how to write is one: all of the contract holds for it."""

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.order import OrderRequest, OrderSide
from exit_pipeline.ports import Broker, Surroundings
from exit_pipeline_tests.adapters.brokers import test_broker_contract
from exit_pipeline_tests.adapters.brokers.test_paper import CALL, TEN
from exit_pipeline_tests.fake_brokers.acme import ACCOUNT, FakeAcme
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock

PAGE = Path(__file__).parents[3] / "docs" / "adding.md"
BLOCK = re.compile(r"```python\n# (exit_pipeline/[a-z_/]+)\.py\n(.*?)```", re.DOTALL)
CONTRACT = {
    name: test
    for name, test in vars(test_broker_contract).items()
    if name.startswith("test_") and list(inspect.signature(test).parameters) == ["rig"]
}


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Callable[[Surroundings], Broker]:
    """The example's ``build``, of the page's blocks in their order."""
    module = ModuleType("nothing")
    for path, code in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        module = ModuleType(path.replace("/", "."))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(code, f"adding.md: {Path(path).name}", "exec"), vars(module))  # noqa: S102
    assert module.__name__ == "exit_pipeline.adapters.brokers.acme"
    made: Callable[[Surroundings], Broker] = vars(module)["build"]
    return made


class AcmeRig:
    """The example before a server that runs here."""

    account = ACCOUNT

    def __init__(self, fake: FakeAcme, clock: FixedClock, broker: Broker) -> None:
        self.fake, self.clock, self.broker = fake, clock, broker

    def hold(self, quantity: int) -> None:
        self.fake.ledger.hold(CALL, quantity)

    def quote(self, bid: str, ask: str, size: int | None = None) -> None:
        self.clock.advance(timedelta(seconds=1))
        self.fake.ledger.quote(CALL, bid, ask, size)

    def order(
        self, client_order_id: str, side: OrderSide, quantity: int, limit: str
    ) -> OrderRequest:
        return OrderRequest(
            client_order_id=client_order_id,
            account=self.account,
            symbol=CALL,
            side=side,
            quantity=quantity,
            limit_price=Decimal(limit),
        )


def surroundings(clock: FixedClock, environ: dict[str, str]) -> Surroundings:
    return Surroundings(
        environ=environ,
        clock=clock,
        calendar=FakeCalendar(),
        environment="paper",
        database_url="",
    )


@pytest.fixture
def rig(build: Callable[[Surroundings], Broker]) -> Iterator[AcmeRig]:
    clock = FixedClock(TEN)
    with FakeAcme(clock) as fake:
        yield AcmeRig(fake, clock, build(surroundings(clock, fake.environ)))


@pytest.mark.parametrize("holds", CONTRACT.values(), ids=CONTRACT)
def test_of_the_example(rig: AcmeRig, holds: Callable[[AcmeRig], None]) -> None:
    holds(rig)


@pytest.mark.parametrize("key", ["", "another-key"])
def test_a_key_that_is_missing_or_wrong_is_told(
    build: Callable[[Surroundings], Broker], key: str
) -> None:
    clock = FixedClock(TEN)
    with FakeAcme(clock) as fake, pytest.raises(ConfigurationError, match="ACME_KEY"):
        build(surroundings(clock, fake.environ | {"ACME_KEY": key})).accounts()
