"""Live money: what refuses to start, and what starts, at local servers for the live hosts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
import stamina
from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.defs.launch import built, run_exit_job
from exit_pipeline.defs.resources import resources
from exit_pipeline.settings import Settings
from exit_pipeline_tests.desk import CALL, MORNING
from exit_pipeline_tests.fake_brokers import tradier as fake_tradier
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_ledger import Ledger as AlpacaLedger
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT as ALPACA_ACCOUNT
from exit_pipeline_tests.fake_brokers.server import Request
from exit_pipeline_tests.fake_brokers.tradier_ledger import Ledger as TradierLedger
from exit_pipeline_tests.fake_brokers.tradier_ledger import option_row, share_row
from exit_pipeline_tests.fakes import FixedClock

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

LONG = "9999-12-31"
"""A date that is not past when this test is run."""

NOBODY_THERE = "http://127.0.0.1:1"
OURS = {"ALPACA": ALPACA_ACCOUNT, "TRADIER": fake_tradier.ACCOUNT}


@dataclass
class Live:
    """A vendor whose live host is a server of the test's own."""

    name: str
    requests: list[Request]
    monkeypatch: pytest.MonkeyPatch
    ledger: AlpacaLedger | TradierLedger
    quotes: dict[str, Any]
    engine: Engine

    def set(self, variable: str, value: str | None) -> None:
        """Set a variable of the environment, or take it out of it."""
        if value is None:
            self.monkeypatch.delenv(variable, raising=False)
        else:
            self.monkeypatch.setenv(variable, value)

    def hold(self, name: str, *, environment: str) -> None:
        """Take a position in that is at its profit target, and have the vendor hold it."""
        self.ledger.hold(CALL, 1)
        self.ledger.quote(CALL, "3.15", "3.25")
        self.quotes[CALL] = option_row(CALL, MORNING, bid=3.15, ask=3.25)
        self.quotes["ACME"] = share_row("ACME", 101.25, MORNING)
        position = NewPosition(
            id=name,
            symbol=CALL,
            side="LONG",
            quantity=1,
            entry_price=Decimal("2.00"),
            entry_time=MORNING - timedelta(days=1),
            broker=self.name.lower(),
            environment=environment,
            account=OURS[self.name],
        )
        PostgresDatabase(self.engine).positions.import_positions([position])

    def tick(self, config: dict[str, Any] | None = None) -> None:
        """Run the job once, on Tradier's quotes."""
        self.set("EXIT_MARKET_DATA", "tradier")
        parts = resources(Settings.from_env(), at=MORNING.isoformat())
        with dg.DagsterInstance.ephemeral() as on:
            run_exit_job(config or {}, parts, on)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

    def refusal(self, at: str = "") -> str:
        """The one sentence with which it refuses to start."""
        with (
            pytest.raises(ExitPipelineError) as caught,
            built(resources(Settings.from_env(), at=at)),
        ):
            pass
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture(params=["ALPACA", "TRADIER"])
def live(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Live]:
    """Everything set as it has to be; tests take away from it."""
    clock, name = FixedClock(MORNING), request.param
    with (
        stamina.set_testing(True, attempts=1),
        FakeAlpaca(clock) as alpaca,
        fake_tradier.fake_tradier(clock) as tradier,
    ):
        environ = alpaca.environ | {
            "DATABASE_URL": database_url,
            "TRADIER_API_KEY": fake_tradier.KEY,
            "TRADIER_BASE_URL": tradier.url,
            f"{name}_ACCOUNT_ID": OURS[name],
            "EXIT_LIVE_ARM": f"{OURS[name]}:{LONG}",
            "EXIT_BROKER": name.lower(),
            "EXIT_BROKER_ENV": "live",
            # The other vendor's, so that a key that is missing is missed by the broker.
            "EXIT_MARKET_DATA": "tradier" if name == "ALPACA" else "alpaca",
        }
        for variable in ("ALPACA_ACCOUNT_ID", "TRADIER_ACCOUNT_ID", "EXIT_TAPE_OUT"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in environ.items():
            monkeypatch.setenv(variable, value)
        is_alpaca = name == "ALPACA"
        engine = make_engine(database_url)
        yield Live(
            name,
            alpaca.requests if is_alpaca else tradier.server.requests,
            monkeypatch,
            alpaca.ledger if is_alpaca else tradier.ledger,
            tradier.quotes,
            engine,
        )
        engine.dispose()


def test_with_both_keys_live_starts_and_the_account_is_all_that_is_asked_for(live: Live) -> None:
    with built(resources(Settings.from_env())) as parts:
        assert (parts.broker.name, parts.broker.environment) == (live.name.lower(), "live")
    identity = {"ALPACA": "/v2/account", "TRADIER": "/v1/user/profile"}[live.name]
    assert [(one.method, one.path) for one in live.requests] == [("GET", identity)]


def test_a_due_exit_of_a_live_position_is_sent_once_and_a_paper_one_stays(live: Live) -> None:
    live.hold("ours", environment="live")
    live.hold("on-paper", environment="paper")
    for _ in range(2):
        live.tick()
    assert live.rows(
        "SELECT refactored_position_id AS id, mode, environment, status FROM orders"
    ) == [{"id": "ours", "mode": "LIVE", "environment": "live", "status": "FILLED"}]
    assert sum(one.method == "POST" and "order" in one.path for one in live.requests) == 1


def test_a_launch_of_a_live_run_with_a_force_close_needs_a_dry_run(live: Live) -> None:
    live.hold("ours", environment="live")
    with pytest.raises(ExitPipelineError, match="force_close is given for the broker"):
        live.tick({"force_close": True})
    assert live.rows("SELECT * FROM orders") == []


def test_a_halt_holds_back_live_orders(live: Live) -> None:
    live.hold("ours", environment="live")
    PostgresDatabase(live.engine).control.move(TradingState.HALT_NEW, "looking", "a person")
    live.tick()
    assert live.rows("SELECT status, denial_code FROM orders") == [
        {"status": "DENIED", "denial_code": "TRADING_HALTED"}
    ]


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        pytest.param(
            "EXIT_LIVE_ARM",
            None,
            "EXIT_LIVE_ARM is not set; EXIT_BROKER_ENV=live expects <account id>:<YYYY-MM-DD>, "
            "with the account of {name}_ACCOUNT_ID and a date that is not past",
            id="no arm",
        ),
        pytest.param(
            "EXIT_LIVE_ARM",
            "XX42:9999-12-31",
            "EXIT_LIVE_ARM is for account 'XX42' and {name}_ACCOUNT_ID is '{ours}'; expected the "
            "same account in both",
            id="arm of another account",
        ),
        pytest.param(
            "{name}_ACCOUNT_ID",
            None,
            "{name}_ACCOUNT_ID is not set; EXIT_BROKER_ENV=live expects the id of the account to "
            "work at {broker}",
            id="no configured account",
        ),
    ],
)
def test_a_key_that_does_not_fit_is_refused_without_a_request(
    live: Live, variable: str, value: str | None, sentence: str
) -> None:
    words = {"name": live.name, "broker": live.name.lower(), "ours": OURS[live.name]}
    live.set(variable.format(**words), value)
    assert live.refusal() == sentence.format(**words)
    assert live.requests == []


@pytest.mark.parametrize("at", ["", "2015-12-24T11:00:00-05:00"], ids=["now", "a moment before"])
def test_an_arm_that_is_past_is_not_revived_by_the_moment_that_a_launch_asks_for(
    live: Live, at: str
) -> None:
    live.set("EXIT_LIVE_ARM", f"{OURS[live.name]}:2016-01-01")
    sentence = live.refusal(at)
    assert sentence.startswith("EXIT_LIVE_ARM is until 2016-01-01 and it is 2")
    assert sentence.endswith(" in New York; expected a date that is not past")
    assert live.requests == []


def test_a_malformed_arm_is_refused(live: Live) -> None:
    live.set("EXIT_LIVE_ARM", "yes")
    assert live.refusal() == (
        "EXIT_LIVE_ARM is 'yes'; expected <account id>:<YYYY-MM-DD>, such as 123:2026-03-17"
    )


def test_two_keys_for_an_account_that_is_not_the_brokers_are_refused(live: Live) -> None:
    live.set(f"{live.name}_ACCOUNT_ID", "XX42")
    live.set("EXIT_LIVE_ARM", f"XX42:{LONG}")
    theirs = {"ALPACA": "PA...001", "TRADIER": "VA...887"}[live.name]
    assert live.refusal() == (
        f"{live.name}_ACCOUNT_ID is 'XX42'; the broker says that its keys belong to {theirs}"
    )


def test_without_the_brokers_own_key_it_is_refused(live: Live) -> None:
    live.set(f"{live.name}_API_KEY", None)
    needs = {
        "ALPACA": "Alpaca needs ALPACA_API_KEY and ALPACA_SECRET_KEY",
        "TRADIER": "expected the access token for api.tradier.com",
    }[live.name]
    assert live.refusal() == f"{live.name}_API_KEY is not set; {needs}"
    assert live.requests == []


def test_a_wrong_key_is_refused(live: Live) -> None:
    live.set(f"{live.name}_API_KEY", "another-key")
    words = {
        "ALPACA": "Alpaca refuses ALPACA_API_KEY and ALPACA_SECRET_KEY in its live environment",
        "TRADIER": "Tradier refuses the access token",
    }[live.name]
    sentence = live.refusal()
    assert sentence.startswith(words)
    assert "another-key" not in sentence


def test_a_broker_that_does_not_answer_is_no_reason_to_take_another_one(live: Live) -> None:
    live.set(f"{live.name}_BASE_URL", NOBODY_THERE)
    sentence = live.refusal()
    assert sentence.startswith(f"{live.name.capitalize()}: GET /v")
    assert "failed" in sentence


def test_keys_of_the_other_vendor_open_nothing(live: Live) -> None:
    """The account that is configured at one broker does not stand for another's."""
    other = "tradier" if live.name == "ALPACA" else "alpaca"
    live.set("EXIT_BROKER", other)
    assert live.refusal().startswith(f"{other.upper()}_ACCOUNT_ID is not set; ")
    assert live.requests == []


def test_on_paper_no_arm_is_needed_and_nothing_is_asked_at_the_start(live: Live) -> None:
    live.set("EXIT_BROKER_ENV", "paper")
    live.set("EXIT_LIVE_ARM", None)
    with built(resources(Settings.from_env())) as parts:
        assert (parts.broker.name, parts.broker.environment) == (live.name.lower(), "paper")
    assert live.requests == []


@pytest.mark.parametrize("name", ["DATABASE_URL", "DAGSTER_POSTGRES_URL"])
def test_live_money_is_refused_over_a_database_that_others_could_read_on_the_way(
    live: Live, name: str
) -> None:
    live.set(name, "postgresql://me:hunter2@db.example.com/book")
    sentence = live.refusal()
    assert sentence.startswith(f"EXIT_BROKER_ENV is 'live' and {name} goes to db.example.com with")
    assert "hunter2" not in sentence
    assert live.requests == []
