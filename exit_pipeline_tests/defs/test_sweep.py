"""What a killed stack leaves behind is ended when the next one starts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.sweep import end_dead_runs
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.fakes import FixedClock

STATUSES = dg.DagsterRunStatus


@pytest.fixture
def on() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def left_behind(on: dg.DagsterInstance, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """A run as a kill leaves it; a launch gives it the tags of its job."""
    return on.create_run_for_job(exit_job, status=status, tags=exit_job.tags)


def swept(on: dg.DagsterInstance, desk: Desk, age: timedelta) -> list[str]:
    """What a start ends when the runs of just now are of that age."""
    (newest, *_) = on.get_run_records()
    began = newest.create_timestamp.astimezone(UTC)
    return end_dead_runs(on, runs=desk.database.runs, clock=FixedClock(began + age))


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (STATUSES.STARTED, True),
        (STATUSES.STARTING, True),
        (STATUSES.CANCELING, True),
        (STATUSES.NOT_STARTED, False),
        (STATUSES.SUCCESS, False),
        (STATUSES.FAILURE, False),
    ],
    ids=lambda value: value.value if isinstance(value, STATUSES) else "",
)
def test_a_run_that_counts_as_working_for_too_long_is_failed_and_no_other(
    on: dg.DagsterInstance, desk: Desk, status: dg.DagsterRunStatus, ended: bool
) -> None:
    run = left_behind(on, status)
    found = swept(on, desk, LEASE + timedelta(seconds=1))
    assert found == ([run.run_id] if ended else [])
    now = on.get_run_by_id(run.run_id)
    assert now is not None
    assert now.status is (STATUSES.FAILURE if ended else status)


def test_a_younger_run_may_be_alive_and_is_left_to_run_monitoring(
    on: dg.DagsterInstance, desk: Desk
) -> None:
    left_behind(on, STATUSES.STARTED)
    assert swept(on, desk, LEASE) == []


def test_a_run_of_another_job_is_nobodys_business(on: dg.DagsterInstance, desk: Desk) -> None:
    @dg.job
    def other() -> None:
        """Nothing."""

    on.create_run_for_job(other, status=STATUSES.STARTED)
    assert swept(on, desk, timedelta(days=1)) == []


def test_its_accounts_are_given_back_and_its_tick_is_told_as_failed(
    on: dg.DagsterInstance, desk: Desk
) -> None:
    desk.hold("a")
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    run = left_behind(on, STATUSES.STARTED)
    desk.rows_changed(
        f"UPDATE decision_runs SET status = 'STARTED', dagster_run_id = '{run.run_id}'"
    )
    desk.rows_changed(
        f"UPDATE account_leases SET holder = '{run.run_id}', expires_at = now() + interval '1 day'"
    )
    assert swept(on, desk, timedelta(hours=1)) == [run.run_id]
    (row,) = desk.rows("SELECT status, status_reason FROM decision_runs")
    assert row["status"] == "FAILED"
    assert row["status_reason"].endswith("by a stack that was killed")
    assert desk.rows("SELECT expires_at <= now() AS is_free FROM account_leases") == [
        {"is_free": True}
    ]


def test_the_time_is_that_of_its_start_where_it_has_one(on: dg.DagsterInstance, desk: Desk) -> None:
    """A run that waited in the queue for an hour has not worked for an hour."""
    run = left_behind(on, STATUSES.STARTING)
    on.report_engine_event("x", run)
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name
    )
    on.report_dagster_event(event, run.run_id)
    (record,) = on.get_run_records()
    assert record.start_time is not None
    started = datetime.fromtimestamp(record.start_time, UTC)
    clock = FixedClock(started + LEASE)
    assert end_dead_runs(on, runs=desk.database.runs, clock=clock) == []
    clock.advance(timedelta(seconds=1))
    assert end_dead_runs(on, runs=desk.database.runs, clock=clock) == [run.run_id]
