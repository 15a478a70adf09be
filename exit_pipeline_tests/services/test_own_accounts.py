"""Ticks at brokers of vendors only ever work accounts that the broker says are ours."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from exit_pipeline.adapters.brokers import alpaca, tradier
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Surroundings
from exit_pipeline.services.import_book import import_book
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT, Desk, decision
from exit_pipeline_tests.fake_brokers import tradier as fake_tradier
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT as ALPACA_ACCOUNT
from exit_pipeline_tests.fake_brokers.server import Request

STRANGER = "XX00000042"


@dataclass
class Vendor:
    """A desk at a vendor's fake server.

    Attributes:
        desk: Whose broker is the vendor's.
        account: The account that the keys belong to.
        identity: Path of the request that tells so.
        reads: Paths of the requests that tell what works and what is held.
        requests: What the server was asked.
        ledger: The account's books at the vendor.
        fail: Lets the next so many requests of identity fail.
        connect: The vendor's broker as another process makes it, with other variables.
    """

    desk: Desk
    account: str
    identity: str
    reads: list[str]
    requests: list[Request]
    ledger: Any
    fail: Callable[[int], None]
    connect: Callable[[dict[str, str]], Any]

    def hold(self, name: str, symbol: str = CALL, account: str = "") -> None:
        """Have a position of two contracts, bought at 2.00; the vendor has it too if it's ours."""
        if not account:
            self.ledger.hold(symbol, 2)
        position = NewPosition(
            id=name,
            symbol=symbol,
            side="LONG",
            quantity=2,
            entry_price=Decimal("2.00"),
            entry_time=MORNING - timedelta(days=1),
            account=account or self.account,
            broker=self.desk.broker.name,
            environment="paper",
        )
        import_book([position], broker=self.desk.broker, database=self.desk.database)

    def quote(self, bid: str, ask: str, *symbols: str) -> None:
        for symbol in symbols or (CALL,):
            self.desk.quote(symbol, bid, ask)
            self.ledger.quote(symbol, bid, ask)

    def asked(self, path: str = "") -> list[str]:
        return [one.path for one in self.requests if path in (one.path, "")]

    @property
    def sent(self) -> list[Request]:
        return [one for one in self.requests if one.method == "POST"]

    def alerts(self) -> list[dict[str, Any]]:
        return self.desk.rows(
            "SELECT severity, cause, subject, message FROM alerts ORDER BY raised_at"
        )


def surroundings(desk: Desk, environ: dict[str, str]) -> Surroundings:
    return Surroundings(
        environ=environ,
        clock=desk.clock,
        calendar=desk.calendar,
        environment="paper",
        database_url="",
        market_data=desk.market,
    )


@contextmanager
def at_alpaca(desk: Desk) -> Iterator[Vendor]:
    with FakeAlpaca(desk.clock) as fake:

        def connect(environ: dict[str, str]) -> Any:
            return alpaca.build(surroundings(desk, fake.environ | environ))

        desk.broker = connect({})
        yield Vendor(
            desk=desk,
            account=ALPACA_ACCOUNT,
            identity="/v2/account",
            reads=["/v2/orders", "/v2/positions"],
            requests=fake.requests,
            ledger=fake.ledger,
            fail=lambda times: fake.fail("server_error", "GET", "/v2/account", times),
            connect=connect,
        )


@contextmanager
def at_tradier(desk: Desk) -> Iterator[Vendor]:
    with fake_tradier.fake_tradier(desk.clock) as fake:
        known = {"TRADIER_API_KEY": fake_tradier.KEY, "TRADIER_ACCOUNT_ID": fake_tradier.ACCOUNT}
        known["TRADIER_BASE_URL"] = fake.url
        account = f"/v1/accounts/{fake_tradier.ACCOUNT}"

        def connect(environ: dict[str, str]) -> Any:
            return tradier.build(surroundings(desk, known | environ))

        desk.broker = connect({})
        yield Vendor(
            desk=desk,
            account=fake_tradier.ACCOUNT,
            identity="/v1/user/profile",
            reads=[f"{account}/orders", f"{account}/positions"],
            requests=fake.server.requests,
            ledger=fake.ledger,
            fail=lambda times: fake.fail("GET", "/user/profile", fake_tradier.DOWN, times=times),
            connect=connect,
        )


@pytest.fixture(params=[at_alpaca, at_tradier], ids=["alpaca", "tradier"])
def vendor(request: pytest.FixtureRequest, database_url: str) -> Iterator[Vendor]:
    # Retries without waiting.
    with stamina.set_testing(True, attempts=2), request.param(Desk(database_url)) as made:
        yield made


def test_an_idle_tick_asks_for_no_more_than_what_works_and_what_is_held(vendor: Vendor) -> None:
    vendor.hold("a")
    for _ in range(3):
        vendor.quote("2.05", "2.15")
        assert decision(vendor.desk.tick(), "a").decision == "HOLD"
        vendor.desk.later()
    assert vendor.asked() == [vendor.identity, *vendor.reads * 3]


def test_a_tick_without_positions_or_orders_asks_for_nothing_at_all(vendor: Vendor) -> None:
    vendor.desk.tick()
    assert vendor.asked() == []


def test_a_dry_run_asks_for_nothing_however_much_is_due(vendor: Vendor) -> None:
    vendor.hold("a")
    vendor.quote("3.15", "3.25")
    assert vendor.desk.tick({"dry_run": True}).counts["exits"] == 1
    assert vendor.asked() == []


def test_who_we_are_is_asked_once_for_all_orders_of_all_ticks(vendor: Vendor) -> None:
    for name, symbol in {"a": CALL, "b": PUT, "c": FAR_CALL}.items():
        vendor.hold(name, symbol)
    vendor.quote("3.15", "3.25", CALL, PUT)
    vendor.quote("2.05", "2.15", FAR_CALL)
    vendor.desk.tick()
    vendor.desk.later()
    vendor.quote("3.15", "3.25", FAR_CALL)
    vendor.desk.tick()
    assert len(vendor.sent) == 3
    assert len(vendor.asked(vendor.identity)) == 1
    assert vendor.alerts() == []


def test_a_row_of_another_account_is_marked_and_decided_and_never_sent(vendor: Vendor) -> None:
    vendor.hold("ours", CALL)
    vendor.hold("theirs", FAR_CALL, STRANGER)
    for _ in range(2):
        vendor.quote("3.15", "3.25", CALL, FAR_CALL)
        report = vendor.desk.tick()
        vendor.desk.later()
    assert decision(report, "theirs").exit_reason == "PROFIT_TARGET"
    assert vendor.desk.position("theirs").current_price == Decimal("3.20")
    assert vendor.desk.rows("SELECT DISTINCT refactored_position_id AS id FROM orders") == [
        {"id": "ours"}
    ]
    sentence = (
        f"the broker {vendor.desk.broker.name} does not say that account {STRANGER} is ours in its "
        "paper environment"
    )
    assert report.executed.notes["theirs"] == f"not sent: {sentence}"
    told = [tuple(alert.values()) for alert in vendor.alerts()]
    assert told == [
        ("CRITICAL", "WRONG_ACCOUNT", STRANGER, sentence),
        ("CRITICAL", "EXIT_BLOCKED", "theirs", f"PROFIT_TARGET is due, but {sentence}"),
    ]


class Elsewhere:
    """The same broker, whose keys belong to another account by now."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def accounts(self) -> list[str]:
        return [STRANGER]


def test_orders_of_an_account_that_is_no_longer_ours_are_not_read(vendor: Vendor) -> None:
    vendor.hold("a")
    vendor.desk.quote(CALL, "3.15", "3.25")
    vendor.ledger.quote(CALL, "2.05", "2.15")  # so that the order rests
    vendor.desk.tick()
    (before,) = vendor.desk.rows("SELECT status FROM orders")
    vendor.desk.broker = Elsewhere(vendor.desk.broker)
    vendor.requests.clear()
    vendor.desk.later()
    vendor.desk.quote(CALL, "2.05", "2.15")
    report = vendor.desk.tick()
    assert vendor.asked() == []
    assert vendor.desk.rows("SELECT status FROM orders") == [before]
    assert f"account {vendor.account} is left alone" in report.executed.decided.tick.notes[0]
    assert [(one["cause"], one["subject"]) for one in vendor.alerts()] == [
        ("WRONG_ACCOUNT", vendor.account)
    ]


def test_an_expired_row_of_another_account_is_not_settled_here(vendor: Vendor) -> None:
    vendor.hold("theirs", "ACME260316C00100000", STRANGER)
    report = vendor.desk.tick()
    assert vendor.asked() == [vendor.identity]
    assert f"account {STRANGER} is left alone" in report.executed.decided.tick.notes[0]
    assert [one["cause"] for one in vendor.alerts()] == ["WRONG_ACCOUNT"]
    assert vendor.desk.position("theirs").status == "OPEN"


def test_while_the_broker_does_not_say_who_we_are_nothing_is_sent(vendor: Vendor) -> None:
    vendor.hold("a")
    vendor.fail(9)
    vendor.quote("3.15", "3.25")
    report = vendor.desk.tick()
    assert vendor.sent == []
    assert report.executed.notes["a"].startswith("not sent: ")
    assert vendor.desk.rows("SELECT * FROM orders") == []
    assert [(one["severity"], one["cause"], one["subject"]) for one in vendor.alerts()] == [
        ("WARNING", "ACCOUNT_NOT_KNOWN", vendor.account),
        ("CRITICAL", "EXIT_BLOCKED", "a"),
    ]


def test_keys_that_failed_before_an_exit_was_due_are_told_again_with_the_exit(
    vendor: Vendor,
) -> None:
    """Seed 49: the alert on the account was an hour old when the stop was due, and hid it."""
    vendor.hold("a")
    vendor.fail(9)
    vendor.quote("2.05", "2.15")
    vendor.desk.tick()
    assert [one["cause"] for one in vendor.alerts()] == ["ACCOUNT_NOT_KNOWN"]
    vendor.desk.later()
    vendor.quote("1.00", "1.05")
    vendor.desk.tick()
    blocked = vendor.alerts()[-1]
    assert (blocked["cause"], blocked["subject"]) == ("EXIT_BLOCKED", "a")
    assert blocked["message"].startswith("STOP_LOSS is due, but ")


def test_the_next_tick_asks_again_who_we_are(vendor: Vendor) -> None:
    vendor.hold("a")
    vendor.fail(2)
    for _ in range(2):
        vendor.quote("3.15", "3.25")
        vendor.desk.tick()
        vendor.desk.later()
    assert len(vendor.sent) == 1


def test_a_configured_account_that_is_not_the_keys_own_has_nothing_sent_and_says_so(
    vendor: Vendor,
) -> None:
    vendor.hold("a")
    setting = f"{vendor.desk.broker.name.upper()}_ACCOUNT_ID"
    vendor.desk.broker = vendor.connect({setting: STRANGER})
    vendor.quote("3.15", "3.25")
    vendor.desk.tick()
    assert vendor.sent == []
    assert vendor.desk.rows("SELECT * FROM orders") == []
    alert, blocked = vendor.alerts()
    assert (blocked["cause"], blocked["subject"]) == ("EXIT_BLOCKED", "a")
    assert (alert["severity"], alert["cause"]) == ("CRITICAL", "ACCOUNT_NOT_KNOWN")
    assert alert["message"].startswith(
        f"{setting} is '{STRANGER}'; the broker says that its keys belong to "
    )


def test_each_time_that_who_we_are_is_needed_stands_in_the_log_of_calls(vendor: Vendor) -> None:
    vendor.hold("a")
    vendor.quote("3.15", "3.25")
    vendor.desk.tick()
    calls = vendor.desk.rows("SELECT broker_call, outcome, detail FROM adapter_logs")
    assert {"broker_call": "accounts", "outcome": "ok", "detail": vendor.account} in calls
