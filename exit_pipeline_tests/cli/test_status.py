"""The command that says how everything stands, as a person and a watching program call it."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import group
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.desk import CALL, MORNING, Desk

Run = Callable[..., Any]


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk whose one position was looked at by the tick of 10:00."""
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    return desk


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the computer's clock."""
    return lambda at: monkeypatch.setattr(SystemClock, "now", lambda _: at)


def status(*arguments: str) -> Result:
    result = CliRunner().invoke(group, ["status", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_an_empty_database_says_what_to_do(run: Run) -> None:
    assert "exit-pipeline positions import FILE.csv" in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["accounts"] == []


def test_it_tells_how_every_account_stands(run: Run) -> None:
    run("sample")
    (account,) = json.loads(run("status", "--json").stdout)["accounts"]
    assert (account["environment"], account["account"]) == ("simulated", "sample")
    assert account["last_tick_at"] == "2026-03-18T19:30:00+00:00"
    shown = run("status").stdout
    assert "2026-03-18 15:30 New York" in shown
    assert f" {account['open_positions']} " in shown


def test_the_first_line_is_the_trading_state_with_who_moved_it_when_and_why(
    desk: Desk, now: Callable[[datetime], None]
) -> None:
    now(MORNING)
    assert status().stdout.splitlines()[0] == "trading is ACTIVE"
    desk.database.control.move(TradingState.HALT_NEW, "odd fills", "ann")
    shown = status()
    assert shown.exit_code == 0
    first = shown.stdout.splitlines()[0]
    assert first.startswith("trading is HALT_NEW since ")
    assert first.endswith(", moved by ann: odd fills")
    trading = json.loads(status("--json").stdout)["trading"]
    assert (trading["state"], trading["changed_by"]) == ("HALT_NEW", "ann")


def test_alerts_are_counted_by_severity_and_orders_in_doubt_are_named(
    desk: Desk, now: Callable[[datetime], None]
) -> None:
    now(MORNING)
    assert "acknowledged: none" in status().stdout
    desk.database.runs.raise_alerts([
        Alert(severity=severity, cause="C", subject=subject, message="m.")
        for severity, subject in (("WARNING", "x"), ("WARNING", "y"), ("CRITICAL", "z"))
    ])  # fmt: skip
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status) VALUES ('x-1', 'a', 'FULL', 1, 'UNKNOWN')"
    )
    shown = status().stdout
    assert "alerts that nobody has acknowledged: 1 CRITICAL, 2 WARNING" in shown
    assert "orders in the state UNKNOWN: 1: a" in shown
    found = json.loads(status("--json").stdout)
    assert found["alerts"] == {"CRITICAL": 1, "WARNING": 2, "INFO": 0}
    assert [order["position_id"] for order in found["unknown_orders"]] == ["a"]


@pytest.mark.parametrize(
    ("minutes", "exit_code"),
    [
        pytest.param(10, 0, id="two slots"),
        pytest.param(11, 1, id="more than two slots"),
        pytest.param(6 * 60, 0, id="after the close"),
    ],
)
def test_it_fails_where_no_good_tick_has_come_for_two_slots_of_the_session(
    desk: Desk, now: Callable[[datetime], None], minutes: int, exit_code: int
) -> None:
    now(desk.clock.now() + timedelta(minutes=minutes))
    shown, as_json = status(), status("--json")
    assert (shown.exit_code, as_json.exit_code) == (exit_code, exit_code)
    found = [one["account"] for one in json.loads(as_json.stdout)["overdue"]]
    assert found == ["desk"] * exit_code
    late = "LATE: paper/desk has 1 open positions and no good tick for 11 minutes, 1 more than"
    assert (late in shown.stdout) is bool(exit_code)


@pytest.mark.parametrize(
    "config", [{"dry_run": True}, {"position_ids": ["a"]}], ids=["a dry run", "for one position"]
)
def test_a_launch_that_is_no_tick_of_the_account_keeps_no_heart_beating(
    desk: Desk, now: Callable[[datetime], None], config: dict[str, Any]
) -> None:
    desk.later(15)
    desk.quote(CALL, "2.00", "2.10")
    desk.tick(config)
    now(desk.clock.now())
    assert status().exit_code == 1


def test_a_failed_run_keeps_no_heart_beating(desk: Desk, now: Callable[[datetime], None]) -> None:
    desk.later(15)
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    now(desk.clock.now())
    assert status().exit_code == 0
    desk.rows_changed(
        "UPDATE decision_runs SET status = 'FAILED' WHERE tick_at = (SELECT max(tick_at)"
        " FROM decision_runs)"
    )
    assert status().exit_code == 1
