"""How everything stands now, for a person who looks on."""

from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline.services.watch import Watched, WatchedPosition, look
from exit_pipeline_tests.desk import CALL, FAR_CALL, MORNING, PUT, Desk


@pytest.fixture
def desk(database_url: str) -> Desk:
    """Three positions before their first tick."""
    desk = Desk(database_url)
    desk.hold("far", quantity=5)
    desk.hold("near", PUT, quantity=5, side="SHORT")
    desk.hold("dark", FAR_CALL, account="other")
    return desk


def seen(desk: Desk) -> Watched:
    return look(database=desk.database, calendar=desk.calendar, at=desk.clock.now())


def worked(desk: Desk) -> Watched:
    """After a tick with the call at +5 % and the short put at -25 %."""
    desk.quote(CALL, "2.09", "2.11")
    desk.quote(PUT, "2.49", "2.51")
    desk.tick()
    return seen(desk)


def by_name(found: Watched) -> dict[str, WatchedPosition]:
    return {one.line.id: one for lines in found.positions.values() for one in lines}


def test_before_the_first_tick_no_rule_is_known(desk: Desk) -> None:
    found = seen(desk)
    assert found.last_tick_at is None
    assert {place: len(lines) for place, lines in found.positions.items()} == {
        ("paper", "desk"): 2, ("paper", "other"): 1,
    }  # fmt: skip
    assert all(one.nearest is None and one.pnl_percent is None for one in by_name(found).values())


def test_after_a_tick_what_is_nearest_to_an_exit_goes_first(desk: Desk) -> None:
    found = worked(desk)
    assert found.last_tick_at == MORNING
    assert [one.line.id for one in found.positions["paper", "desk"]] == ["near", "far"]
    near = by_name(found)["near"]
    assert near.nearest
    assert (near.nearest.reason, near.nearest.distance_said) == ("STOP_LOSS", "5.0 %")
    # 5 % of 2.00 on 5 contracts of 100.
    assert near.dollars_to(near.nearest) == 50
    assert near.pnl_percent == pytest.approx(-25)
    assert by_name(found)["far"].pnl_percent == pytest.approx(5)


def test_a_rule_that_is_no_pnl_has_no_dollars(desk: Desk) -> None:
    near = by_name(worked(desk))["near"]
    dollars = {rule.reason: near.dollars_to(rule) for rule in near.rules}
    assert dollars["PROFIT_TARGET"] == Decimal(750)
    assert {name for name, value in dollars.items() if value is not None} == {
        "PROFIT_TARGET", "STOP_LOSS",
    }  # fmt: skip


def test_a_position_without_a_quote_is_not_judged_by_what_needs_one(desk: Desk) -> None:
    dark = by_name(worked(desk))["dark"]
    assert dark.line.current_price is None
    assert {rule.reason for rule in dark.rules} >= {"STOP_LOSS", "EXPIRY"}
    assert dark.nearest
    assert dark.nearest.reason not in {"STOP_LOSS", "PROFIT_TARGET"}


def test_an_account_with_an_older_tick_keeps_its_rules(desk: Desk) -> None:
    worked(desk)
    desk.later()
    desk.quote(CALL, "2.09", "2.11")
    desk.quote(PUT, "2.49", "2.51")
    desk.tick({"accounts": ["desk"]})
    assert by_name(seen(desk))["dark"].rules


def test_a_dry_run_moves_nothing_of_what_is_seen(desk: Desk) -> None:
    before = worked(desk)
    desk.later()
    desk.quote(CALL, "2.90", "2.91")
    desk.quote(PUT, "2.49", "2.51")
    desk.tick({"dry_run": True})
    said = [{rule.text for rule in by_name(one)["far"].rules} for one in (before, seen(desk))]
    assert said[0] == said[1]
    assert "P&L +5.0 % against a target of +50.0 %" in said[0]


def test_orders_alerts_and_the_switch_are_seen(desk: Desk) -> None:
    desk.database.control.move(TradingState.HALT_NEW, "odd fills", "ann")
    desk.database.runs.raise_alerts([
        Alert(severity="WARNING", cause="C", subject="s", message="m."),
    ])  # fmt: skip
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status) VALUES ('x-1', 'far', 'FULL', 1, 'UNKNOWN')"
    )
    found = seen(desk)
    assert found.control.state is TradingState.HALT_NEW
    assert {one.cause for one in found.alerts} == {"C", "HALTED"}
    assert [one.position_id for one in found.orders] == ["far"]
    assert (found.market_closed, list(found.late)) == (None, [])


def test_what_is_closed_is_not_watched_any_more(desk: Desk) -> None:
    desk.quote(CALL, "2.09", "2.11")
    desk.quote(PUT, "2.69", "2.70")
    desk.tick()
    assert "near" not in by_name(seen(desk))


def test_accounts_that_no_tick_looks_at_are_late(desk: Desk) -> None:
    worked(desk)
    desk.later(20)
    late: Any = seen(desk).late
    assert {one.account for one in late} == {"desk", "other"}


def test_looking_changes_nothing(desk: Desk) -> None:
    worked(desk)
    tables = ("refactored_positions", "orders", "alerts", "decision_runs", "refactored_decisions")
    before = [desk.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables]
    seen(desk)
    assert [desk.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables] == before
