"""Opening a tick: a late one, and one after a later one, only bring the books up to date."""

from datetime import datetime, timedelta

import dagster as dg
import pytest

from exit_pipeline.core.model.record import RunStatus
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.ops import TICK_AT_TAG
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, MORNING, Desk, orders


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk on live market data, with a profit order of 2 of 4 contracts that rests."""
    desk = Desk(database_url)
    desk.stand_apart()
    desk.market.is_live = True
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.trade(CALL, "3.15", "3.25")
    desk.later()
    desk.quote(CALL, "1.00", "1.05")
    return desk


def scheduled(desk: Desk, tick_at: datetime) -> TickReport:
    """Run the job as the schedule launches it, whatever the time is by now."""
    with dg.DagsterInstance.ephemeral() as on:
        result = exit_job.execute_in_process(
            resources=desk.resources, instance=on, tags={TICK_AT_TAG: tick_at.isoformat()}
        )
    report: TickReport = result.output_for_node("persist")
    return report


def test_a_tick_that_is_a_slot_late_books_what_has_filled_and_decides_nothing(desk: Desk) -> None:
    at = desk.clock.now()
    desk.later()
    report = scheduled(desk, at)
    assert report.decisions == ()
    assert orders(desk, "status", "filled_quantity") == [("FILLED", 2)]
    (run,) = report.runs
    assert run.status is RunStatus.SKIPPED
    assert run.reason == "this tick is 5 minutes late: the books are brought up to date, no more"


def test_a_tick_that_is_less_than_a_slot_late_decides(desk: Desk) -> None:
    at = desk.clock.now()
    desk.clock.advance(timedelta(minutes=4, seconds=59))
    desk.quote(CALL, "1.00", "1.05")
    report = scheduled(desk, at)
    assert [one.exit_reason for one in report.decisions] == ["STOP_LOSS"]


def test_a_tick_after_a_later_one_books_what_has_filled_and_decides_nothing(desk: Desk) -> None:
    report = scheduled(desk, MORNING - timedelta(minutes=1))
    assert report.decisions == ()
    assert orders(desk, "status", "filled_quantity") == [("FILLED", 2)]
    assert [run.status for run in report.runs] == [RunStatus.SKIPPED]


def test_a_replayed_tick_is_never_late(desk: Desk) -> None:
    desk.market.is_live = False
    at = desk.clock.now()
    desk.later(60)
    desk.quote(CALL, "1.00", "1.05")
    assert [one.exit_reason for one in scheduled(desk, at).decisions] == ["STOP_LOSS"]


def test_the_account_is_free_again_after_a_late_tick(desk: Desk) -> None:
    at = desk.clock.now()
    desk.later()
    scheduled(desk, at)
    desk.quote(CALL, "1.00", "1.05")
    assert [run.status for run in desk.tick().runs] == [RunStatus.SUCCEEDED]
