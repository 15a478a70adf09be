"""A day's report: what was worked at a desk, read back and summed up."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline.services.day_report import DayReport, report_day
from exit_pipeline.services.day_request import ReportRequest, choose_day
from exit_pipeline_tests.days import (
    CHOSEN,
    Day,
    a_leaving,
    a_position,
    a_random_day,
    a_tick,
    an_alert,
    an_order,
)
from exit_pipeline_tests.desk import CALL, MORNING, PUT, Desk

FIVE = timedelta(minutes=5)
DUE = [MORNING + n * FIVE for n in range(4)]


@pytest.fixture
def desk(database_url: str) -> Desk:
    """At 10:00 two of four calls leave at their target, at 10:10 the put at its stop."""
    desk = Desk(database_url)
    desk.hold("a", quantity=4)
    desk.hold("b", PUT, quantity=3)
    for call, put, minutes in (("3.00", "1.90", 10), ("2.50", "1.20", 5)):
        desk.quote(CALL, call, f"{Decimal(call) + Decimal('0.04')}")
        desk.quote(PUT, put, f"{Decimal(put) + Decimal('0.10')}")
        desk.tick()
        desk.later(minutes)
    return desk


def report(desk: Desk) -> DayReport:
    at = desk.clock.now()
    chosen = choose_day(ReportRequest(), database=desk.database, calendar=desk.calendar, at=at)
    return report_day(chosen, DUE, database=desk.database, at=at)


def test_a_day_at_the_desk_is_summed_up(desk: Desk) -> None:
    found = report(desk)
    summary = found.summary
    # Two calls from 2.00 to 3.00, three puts from 2.00 to 1.20, 0.67 dollars a contract.
    assert (summary.realised, summary.net) == (Decimal(-40), Decimal("-43.35"))
    # Two calls are held at a mid of 2.52.
    assert summary.open_pnl == Decimal(104)
    assert (summary.held, summary.left, summary.contracts, summary.unmarked) == (1, 2, 5, 0)
    assert (summary.orders, summary.denied, summary.exits, summary.holds) == (2, 0, 2, 2)
    # 0.02 on two calls, and 0.05 on three puts.
    assert summary.slippage == Decimal(19)
    assert [(one.reason, one.contracts, one.net) for one in found.reasons] == [
        ("STOP_LOSS", 3, Decimal("-242.01")), ("PROFIT_TARGET", 2, Decimal("198.66")),
    ]  # fmt: skip
    assert [day.position.id for day in found.positions] == ["a", "b"]
    assert found.not_sent == []
    assert (found.accounts, found.sources) == (["desk"], ["fake"])
    assert found.last_tick_at == MORNING + 2 * FIVE


def test_ticks_that_were_due_until_now_are_held_against_what_was_worked(desk: Desk) -> None:
    found = report(desk)
    # 10:15 is now, and is not missed yet.
    assert (found.ticks.due, found.ticks.run) == (3, 2)
    assert found.missed == [(MORNING + FIVE, MORNING + FIVE)]


def test_what_was_realised_and_what_is_open_stays_with_its_day(desk: Desk) -> None:
    """A report of a day is the same whenever it is made, whatever happened since."""
    before = report(desk)
    desk.later(24 * 60)
    desk.quote(CALL, "9.00", "9.04")
    desk.tick()
    request = ReportRequest(day=before.session.day)
    at = desk.clock.now()
    chosen = choose_day(request, database=desk.database, calendar=desk.calendar, at=at)
    after = report_day(chosen, DUE, database=desk.database, at=at)
    for name in ("realised", "net", "open_pnl", "held", "contracts", "exits", "holds"):
        assert getattr(after.summary, name) == getattr(before.summary, name)
    assert [day.left for day in after.positions] == [day.left for day in before.positions]


def test_on_simulated_days_no_tick_is_missed() -> None:
    simulated = replace(CHOSEN, asked=replace(CHOSEN.asked, environment="simulated"))
    found = a_random_day(1).report(DUE, chosen=simulated)
    assert (found.ticks.due, found.missed) == (None, [])


def test_the_days_pnl_is_the_sum_over_accounts_of_their_last_known() -> None:
    day = a_random_day(1)
    day.ticks = [
        a_tick(10, day_pnl=Decimal(5)),
        a_tick(10, account="b", day_pnl=Decimal(7)),
        a_tick(10, 5, day_pnl=None),
        a_tick(10, 5, account="b", day_pnl=Decimal(-1)),
    ]
    found = day.report()
    assert found.summary.day_pnl == 4
    assert [point.mark for point in found.pnl] == [12, None]
    day.ticks = [a_tick(10, day_pnl=None)]
    assert day.report().summary.day_pnl is None


def test_a_sum_of_which_a_part_is_not_known_is_not_known() -> None:
    day = Day(decisions=a_random_day(1).decisions, positions=[a_position(), a_position("b")])
    day.leavings = [a_leaving(), a_leaving("b", price=None, costs=None)]
    day.orders = [an_order(), an_order("b", bid=None)]
    (one,) = day.report().reasons
    assert (one.positions, one.contracts) == (2, 10)
    assert (one.realised, one.net, one.slippage) == (None, None, None)
    # The summary gives the sum of the rest, and says of how many contracts it is not.
    summary = day.report().summary
    assert (summary.realised, summary.net, summary.unpriced) == (Decimal(450), Decimal("446.65"), 5)
    assert summary.slippage == 50


def test_the_day_is_said_in_one_sentence() -> None:
    day = Day(decisions=a_random_day(1).decisions, positions=[a_position()])
    day.leavings = [a_leaving(contracts=1, costs=Decimal("0.67"))]
    day.orders = [an_order(status="DENIED", average_price=None, filled_quantity=0)]
    day.alerts = [an_alert(), an_alert(subject="b")]
    assert day.report().summary.sentence == (
        "+89.33 dollars realised after costs, +0.00 open; 1 contract left 1 position, 0 are held; "
        "1 order denied, 2 alerts that nobody has acknowledged."
    )
