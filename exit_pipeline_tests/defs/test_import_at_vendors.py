"""Ticks that import at Alpaca and Tradier, over HTTP to servers that behave like them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.adapters.brokers.alpaca import AlpacaBroker
from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.ports import Broker
from exit_pipeline.services.adopt import adopt
from exit_pipeline_tests.adapters.brokers.alpaca_rig import AT_ONCE, alpaca_rig
from exit_pipeline_tests.adapters.brokers.test_tradier import tradier_rig
from exit_pipeline_tests.desk import Desk, decision
from exit_pipeline_tests.fake_brokers.server import Request
from exit_pipeline_tests.fake_brokers.tradier import HTML

CALL = "GOOG160115C00750000"
HIGHER_CALL = "GOOG160115C00760000"


class VendorDesk(Desk):
    """A desk at a vendor: each tick connects anew, as each run of the worker does."""

    def __init__(self, database_url: str, vendor: str, rig: Any) -> None:
        super().__init__(database_url)
        self.vendor, self.rig = vendor, rig
        self.account, self.ledger = rig.account, rig.fake.ledger
        self.clock = rig.fake.clock
        self._open: list[Any] = []
        self.connect()

    def connect(self) -> None:
        self.broker = self._connected()
        self._open.append(self.broker)

    def _connected(self) -> Broker:
        if self.vendor == "tradier":
            return self.rig.connect()
        fake = self.rig.fake
        api = AlpacaTrading(fake.environ, "paper", fake.clock, retries=AT_ONCE)
        return AlpacaBroker(api, "paper", fake.clock, self.market)

    def next_tick(self, bid: str = "2.00", ask: str = "2.10") -> Any:
        """Five minutes later, at a quote of the calls, in a process of its own."""
        self.later()
        self.connect()
        now = self.clock.now()
        self.market.add_price("GOOG", "751.00", now)
        for symbol in (CALL, HIGHER_CALL):
            quote = Quote(symbol=symbol, bid=Decimal(bid), ask=Decimal(ask), quoted_at=now)
            self.market.add_quote(quote)
        self.ledger.quote(CALL, bid, ask)
        self.requests.clear()
        return self.tick()

    @property
    def requests(self) -> list[Request]:
        server = self.rig.fake if self.vendor == "alpaca" else self.rig.fake.server
        requests: list[Request] = server.requests
        return requests

    def asked(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.requests]

    def imported(self, symbol: str = CALL) -> str:
        return f"{self.vendor}-{self.account}-{symbol}"

    def close(self) -> None:
        for broker in self._open:
            broker.close()


RIGS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "alpaca": alpaca_rig,
    "tradier": tradier_rig,
}


@pytest.fixture(params=sorted(RIGS))
def desk(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VendorDesk]:
    monkeypatch.setenv("EXIT_IMPORT_POSITIONS", "true")
    with RIGS[request.param](database_url) as rig:
        made = VendorDesk(database_url, request.param, rig)
        yield made
        made.close()


def hold(desk: VendorDesk, quantity: int, symbol: str = CALL) -> None:
    """Have the account hold contracts that cost 2.00 a share."""
    if desk.vendor == "alpaca":
        desk.ledger.trade(symbol, quantity)
    else:
        desk.ledger.hold(symbol, quantity)


def sell_by_hand(desk: VendorDesk, quantity: int) -> None:
    """Have a person sell all that the account holds of the call."""
    if desk.vendor == "alpaca":
        desk.ledger.trade(CALL, -quantity)
    else:
        del desk.ledger.positions[CALL]


def test_a_holding_is_imported_adopted_sent_and_closed(desk: VendorDesk) -> None:
    bought = desk.clock.now() if desk.vendor == "alpaca" else datetime(2015, 12, 1, 15, tzinfo=UTC)
    hold(desk, 2)
    hold(desk, 100, "GOOG")
    report = desk.next_tick("1.15", "1.25")
    name = desk.imported()
    (position,) = desk.database.positions.open_positions("paper")
    assert (position.id, position.open_quantity, position.entry_price) == (name, 2, Decimal(2))
    assert position.entry_time == bought
    assert decision(report, name).exit_reason == "STOP_LOSS"
    assert report.executed.notes[name].startswith("not sent: imported and not managed yet")
    assert {request.method for request in desk.requests} == {"GET"}
    adopt([name], None, "stop_loss.percent=25", broker=desk.broker, database=desk.database)
    desk.next_tick("1.15", "1.25")
    assert (desk.position(name).status, desk.position(name).close_kind) == ("CLOSED", "EXIT")
    report = desk.next_tick()
    assert report.executed.decided.tick.notes == ()
    assert len(desk.database.positions.listing()) == 1


@pytest.mark.parametrize(("imports", "looks"), [("true", 2), ("false", 1)])
def test_a_tick_without_orders_makes_three_requests_on_the_account_and_one_more_to_import(
    desk: VendorDesk, monkeypatch: pytest.MonkeyPatch, imports: str, looks: int
) -> None:
    hold(desk, 2)
    desk.next_tick()
    adopt([desk.imported()], None, None, broker=desk.broker, database=desk.database)
    monkeypatch.setenv("EXIT_IMPORT_POSITIONS", imports)
    desk.next_tick()
    of_alpaca = desk.vendor == "alpaca"
    identity = "/v2/account" if of_alpaca else "/v1/user/profile"
    account = "/v2" if of_alpaca else f"/v1/accounts/{desk.account}"
    held = [f"GET {account}/positions"] * looks
    assert desk.asked() == [f"GET {identity}", f"GET {account}/orders", *held]


def test_a_spread_is_flagged_and_neither_leg_is_sent(desk: VendorDesk) -> None:
    hold(desk, 1)
    desk.next_tick()
    adopt([desk.imported()], None, None, broker=desk.broker, database=desk.database)
    hold(desk, -1, HIGHER_CALL)
    report = desk.next_tick("1.15", "1.25")
    assert report.executed.notes[desk.imported()] == (
        f"not sent: {desk.imported()} looks like a leg of a spread with "
        f"{desk.imported(HIGHER_CALL)}"
    )
    assert {request.method for request in desk.requests} == {"GET"}


def test_what_is_sold_by_hand_is_closed_as_external(desk: VendorDesk) -> None:
    hold(desk, 2)
    desk.next_tick()
    sell_by_hand(desk, 2)
    desk.next_tick()
    closed = desk.position(desk.imported())
    assert (closed.status, closed.close_kind, closed.realized_pnl) == ("CLOSED", "EXTERNAL", None)


def test_an_empty_account_is_worked_and_imports_nothing(desk: VendorDesk) -> None:
    report = desk.next_tick()
    assert [run.account for run in report.runs] == [desk.account]
    assert desk.database.positions.listing() == []


def test_a_holding_that_costs_nothing_is_left_to_a_csv(desk: VendorDesk) -> None:
    if desk.vendor == "tradier":
        desk.ledger.positions[CALL] = (1, Decimal(0))
    else:
        desk.ledger.hold(CALL, 1, "0")
    report = desk.next_tick()
    (note,) = report.executed.decided.tick.notes
    assert note.endswith("import it as a CSV (exit-pipeline positions import FILE.csv)")
    assert desk.database.positions.listing() == []


def test_a_broken_answer_changes_nothing_and_the_rest_is_decided(desk: VendorDesk) -> None:
    hold(desk, 2)
    desk.next_tick()
    if desk.vendor == "alpaca":
        desk.rig.fake.fail("html", method="GET", path="/v2/positions", times=9)
    else:
        desk.rig.fake.fail("GET", "/positions$", HTML, times=9)
    report = desk.next_tick()
    assert [one.position_id for one in report.decisions] == [desk.imported()]
    not_reconciled, not_imported = report.executed.decided.tick.notes
    assert not_reconciled.startswith(f"{desk.account} could not be reconciled: ")
    assert not_imported.startswith(f"what account {desk.account} holds could not be imported: ")
    causes = desk.rows("SELECT cause FROM alerts ORDER BY cause")
    assert [row["cause"] for row in causes] == ["IMPORT_FAILED", "NOT_RECONCILED"]


def test_an_adjusted_contract_is_imported_and_not_decided(desk: VendorDesk) -> None:
    adjusted = "GOOG1160115C00750000"
    hold(desk, 2, adjusted)
    report = desk.next_tick()
    made = decision(report, desk.imported(adjusted))
    assert made.decision == "HOLD"
    assert "adjusted" in made.reasoning[0]


def test_nothing_is_asked_where_the_setting_is_off(
    desk: VendorDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_IMPORT_POSITIONS", "no")
    hold(desk, 2)
    desk.next_tick()
    assert desk.asked() == []
