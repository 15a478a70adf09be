"""How the whole stands, read from what ticks and people have left in the database."""

from datetime import timedelta

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.desk import CALL, MORNING, Desk

GOOD = "status = 'SUCCEEDED' AND NOT dry_run AND request_id = ''"


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.hold("a")
    desk.hold("b", account="other")
    return desk


def test_nothing_was_seen_before_the_first_tick(desk: Desk) -> None:
    found = desk.database.operation.vitals("paper")
    assert found.market is None
    assert found.control.state is TradingState.ACTIVE
    assert (found.alerts, found.wrong_accounts) == ({}, 0)
    assert [one.last_tick_at for one in found.accounts] == [None, None]


def test_the_newest_good_tick_of_the_environment_tells_of_the_market(desk: Desk) -> None:
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.00", "2.10")
    desk.tick({"dry_run": True})
    seen = desk.database.operation.vitals("paper").market
    assert seen is not None
    assert (seen.tick_at, seen.newest_quote_at) == (MORNING, MORNING)
    assert (seen.source, seen.positions, seen.refused) == (desk.market.source, 1, 0)
    assert desk.database.operation.vitals("live").market is None


def test_alerts_are_counted_until_somebody_has_seen_them(desk: Desk) -> None:
    runs = desk.database.runs
    runs.raise_alerts([
        Alert(severity=severity, cause=cause, subject=cause, message="m.")
        for severity, cause in (("CRITICAL", "WRONG_ACCOUNT"), ("WARNING", "X"), ("WARNING", "Y"))
    ])  # fmt: skip
    found = desk.database.operation.vitals("paper")
    assert (found.alerts, found.wrong_accounts) == ({"CRITICAL": 1, "WARNING": 2}, 1)
    runs.acknowledge([one.id for one in runs.alerts(only_open=True)], "ann", MORNING)
    found = desk.database.operation.vitals("paper")
    assert (found.alerts, found.wrong_accounts) == ({}, 0)


def test_the_overview_steps_to_the_newest_good_tick_of_every_account(desk: Desk) -> None:
    """It read every run that there ever was; whatever its way, it finds the same ticks."""
    for minutes, account, state, is_dry, request in (
        (0, "desk", "SUCCEEDED", False, ""),
        (5, "desk", "SUCCEEDED", False, ""),
        (10, "desk", "FAILED", False, ""),
        (15, "desk", "SUCCEEDED", True, ""),
        (20, "desk", "SUCCEEDED", False, "by hand"),
        (0, "other", "SKIPPED", False, ""),
        (25, "gone", "SUCCEEDED", False, ""),
    ):
        desk.rows_changed(
            "INSERT INTO decision_runs (account, tick_at, mode, dry_run, request_id, broker,"
            f" environment, code_version, status) VALUES ('{account}',"
            f" '{MORNING + timedelta(minutes=minutes)}', 'live', {is_dry}, '{request}', 'paper',"
            f" 'paper', '1', '{state}')"
        )
    found = {one.account: one.last_tick_at for one in desk.database.runs.overview()}
    expected = {
        row["account"]: row["tick_at"]
        for row in desk.rows(
            f"SELECT account, max(tick_at) AS tick_at FROM decision_runs"
            f" WHERE {GOOD} GROUP BY account"
        )
    }
    assert found == {"other": None} | expected
    assert expected.keys() == {"desk", "gone"}


def test_figures_count_from_their_moment_on_and_no_dry_run(desk: Desk) -> None:
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    desk.tick({"dry_run": True})
    operation = desk.database.operation
    found = operation.figures(MORNING)
    assert [(one.labels, one.count) for one in found.runs] == [
        ({"environment": "paper", "status": "SUCCEEDED"}, 2)
    ]
    assert sum(one.count for one in found.decisions) == 2
    later = operation.figures(MORNING + timedelta(seconds=1))
    assert (later.runs, later.decisions, later.orders, later.filled) == ([], [], [], [])


@pytest.mark.parametrize(
    ("side", "bid", "ask", "entry"),
    [("LONG", "4.00", "4.40", "2.00"), ("SHORT", "0.60", "1.00", "4.00")],
)
def test_slippage_is_what_a_fill_was_worse_than_the_mid_on_either_side(
    desk: Desk, side: str, bid: str, ask: str, entry: str
) -> None:
    desk.hold("s", side=side, entry=entry, quantity=2, account="apart")
    desk.quote(CALL, bid, ask)
    desk.tick({"position_ids": ["s"]})
    (order,) = desk.rows("SELECT side, avg_fill_price, filled_quantity FROM orders")
    assert order["filled_quantity"]
    mid = (float(bid) + float(ask)) / 2
    sign = 1 if order["side"].startswith("SELL") else -1
    (filled,) = desk.database.operation.figures(MORNING).filled
    expected = sign * (mid - float(order["avg_fill_price"])) * 100 * order["filled_quantity"]
    assert filled.slippage == pytest.approx(expected)
    assert filled.slippage >= 0
    assert filled.contracts == order["filled_quantity"]
