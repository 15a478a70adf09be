"""One trading day as ticks, orders and people have left it in the database."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.day_record import DayAsked, DayRecord
from exit_pipeline.core.model.record import Alert
from exit_pipeline_tests.desk import CALL, MORNING, PUT, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york

ASKED = DayAsked(
    start=new_york(TUESDAY, 0), end=new_york(TUESDAY, 0) + timedelta(days=1), environment="paper"
)
YESTERDAY = MORNING - timedelta(days=1)


@pytest.fixture
def desk(database_url: str) -> Desk:
    """Two accounts; at 10:00 half of the four calls leaves at its target."""
    desk = Desk(database_url)
    desk.hold("a", quantity=4)
    desk.hold("b", PUT, account="other")
    desk.quote(CALL, "3.00", "3.20")
    desk.quote(PUT, "2.00", "2.10")
    desk.tick()
    return desk


def record(desk: Desk, asked: DayAsked = ASKED) -> DayRecord:
    return desk.database.day.record(asked)


def test_a_day_has_its_ticks_positions_orders_and_what_left(desk: Desk) -> None:
    found = record(desk)
    assert [(one.account, one.tick_at, one.status) for one in found.ticks] == [
        ("desk", MORNING, "SUCCEEDED"), ("other", MORNING, "SUCCEEDED"),
    ]  # fmt: skip
    assert [one.market_source for one in found.ticks] == ["fake", "fake"]
    assert [(one.id, one.account, one.quantity) for one in found.positions] == [
        ("a", "desk", 4), ("b", "other", 1),
    ]  # fmt: skip
    (order,) = found.orders
    assert (order.position_id, order.exit_reason, order.status) == ("a", "PROFIT_TARGET", "FILLED")
    assert (order.bid, order.ask, order.average_price) == (Decimal(3), Decimal("3.2"), Decimal(3))
    assert order.slippage == 20
    (left,) = found.leavings
    assert (left.position_id, left.contracts, left.price, left.costs, left.reason) == (
        "a", 2, Decimal(3), Decimal("1.34"), "PROFIT_TARGET",
    )  # fmt: skip
    assert left.at == MORNING


def test_another_day_environment_or_account_has_nothing_of_it(desk: Desk) -> None:
    day = timedelta(days=1)
    for asked in (
        replace(ASKED, environment="live"),
        replace(ASKED, start=ASKED.start - day, end=ASKED.end - day),
        replace(ASKED, start=ASKED.end, end=ASKED.end + day),
        replace(ASKED, account="x"),
    ):
        found = record(desk, asked)
        assert not any((found.ticks, found.positions, found.orders, found.leavings, found.alerts))
    other = record(desk, replace(ASKED, account="other"))
    assert ([one.id for one in other.positions], other.orders, other.leavings) == (["b"], [], [])
    assert [one.account for one in other.ticks] == ["other"]


def test_a_dry_run_is_no_part_of_a_day(desk: Desk) -> None:
    desk.later()
    desk.quote(CALL, "3.00", "3.20")
    desk.tick({"dry_run": True})
    assert {one.tick_at for one in record(desk).ticks} == {MORNING}
    assert desk.database.day.newest_tick(ASKED.end, None, None) == MORNING


def test_a_launch_for_some_positions_is_told_from_a_tick(desk: Desk) -> None:
    desk.later()
    desk.quote(PUT, "2.00", "2.10")
    desk.tick({"position_ids": ["b"]})
    by_time = {
        one.tick_at: one.is_scheduled for one in record(desk).ticks if one.account == "other"
    }
    assert by_time == {MORNING: True, MORNING + timedelta(minutes=5): False}


def test_contracts_that_left_without_a_price_are_there_without_one(desk: Desk) -> None:
    desk.rows_changed(
        "UPDATE refactored_positions SET exited_quantity = 1, external_quantity = 1,"
        f" status = 'CLOSED', close_kind = 'EXTERNAL', external_at = '{MORNING}' WHERE id = 'b'"
    )
    (_, left) = sorted(record(desk).leavings, key=lambda one: one.position_id)
    assert (left.position_id, left.contracts, left.price, left.costs, left.reason) == (
        "b", 1, None, None, "EXTERNAL",
    )  # fmt: skip


def test_alerts_belong_to_the_day_of_their_tick_and_stay_until_they_are_acknowledged(
    desk: Desk,
) -> None:
    # Raised by a tick of Tuesday, whenever the database's own clock says that it was.
    (run, *_) = desk.rows("SELECT id FROM decision_runs ORDER BY account")
    desk.database.runs.raise_alerts([
        Alert(severity="WARNING", cause="OF_THE_DAY", subject="a", message="m.",
              run_id=str(run["id"])),
    ])  # fmt: skip
    for cause, raised, seen in (
        ("OPEN_FROM_BEFORE", YESTERDAY, "NULL"),
        ("SEEN_BEFORE", YESTERDAY, f"'{YESTERDAY + timedelta(hours=1)}'"),
        ("SEEN_ON_THE_DAY", YESTERDAY, f"'{MORNING}'"),
        ("LATER", MORNING + timedelta(days=1), "NULL"),
    ):
        desk.rows_changed(
            "INSERT INTO alerts (severity, cause, subject, message, raised_at, acknowledged_at)"
            f" VALUES ('INFO', '{cause}', 'x', 'm.', '{raised}',"
            f" {seen})"
        )
    found = record(desk).alerts
    assert found[0].cause == "OF_THE_DAY"
    assert {one.cause for one in found} == {"OF_THE_DAY", "OPEN_FROM_BEFORE", "SEEN_ON_THE_DAY"}
    others = record(desk, replace(ASKED, account="other")).alerts
    assert {one.cause for one in others} == {"OPEN_FROM_BEFORE", "SEEN_ON_THE_DAY"}


def test_an_order_that_was_denied_is_there_with_its_ground(desk: Desk) -> None:
    desk.hold("c", quantity=9, entry="2.00")
    desk.limits = OrderLimits(contracts_per_order=3)
    desk.later()
    desk.quote(CALL, "1.00", "1.02")
    desk.quote(PUT, "2.00", "2.10")
    desk.tick()
    denied = [one for one in record(desk).orders if one.status == "DENIED"]
    assert [one.position_id for one in denied] == ["c"]
    assert denied[0].why
    assert denied[0].slippage is None


def test_the_newest_tick_is_found_by_environment_and_account(desk: Desk) -> None:
    newest = desk.database.day.newest_tick
    assert newest(ASKED.end, None, None) == MORNING
    assert newest(ASKED.end, "paper", "other") == MORNING
    assert newest(MORNING, None, None) is None
    assert newest(ASKED.end, "live", None) is None
    assert newest(ASKED.end, None, "x") is None
    assert desk.database.day.accounts(ASKED.start, ASKED.end) == [
        ("paper", "desk"), ("paper", "other"),
    ]  # fmt: skip
    assert desk.database.day.accounts(ASKED.end, ASKED.end + timedelta(days=1)) == []
