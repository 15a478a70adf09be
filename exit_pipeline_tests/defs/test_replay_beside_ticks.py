"""A replay never delays a tick: not in the database, and not in the queue of runs."""

import importlib
from datetime import date, timedelta

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import (
    QueuedRunCoordinatorDaemon,
)

from exit_pipeline.core.model.replayed import ReplayKey, ReplayKind
from exit_pipeline.services.audit_report import AuditRequest
from exit_pipeline_tests.defs.replays import run_replay
from exit_pipeline_tests.desk import CALL, Desk, decision

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


def test_a_tick_is_worked_while_a_replay_holds_the_rows_of_its_day(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    """The replay stands in the middle of its transaction; the tick neither waits nor is lost."""
    run_replay(called_desk.database, called_desk.calendar, "2026-03-18", on=on)
    key = ReplayKey(trading_day=date(2026, 3, 18), kind=ReplayKind.AUDIT, label="all")
    with called_desk.database.replays.replacing(key):
        called_desk.quote(CALL, "3.19", "3.21")
        report = called_desk.tick()
    assert decision(report, "a").exit_reason == "PROFIT_TARGET"
    assert called_desk.position("a").status == "CLOSED"


def test_a_tick_is_worked_while_the_rows_of_its_day_are_read(called_desk: Desk) -> None:
    first = date(2026, 3, 17)
    asked = AuditRequest(first=first, last=first + timedelta(days=1))
    whole = asked.range_of(asked.first, asked.last, called_desk.calendar.zone)
    parts = called_desk.database.replays.recorded(whole, chunk=1)
    assert len(next(parts)) == 1
    called_desk.quote(CALL, "3.19", "3.21")
    assert decision(called_desk.tick(), "a").exit_reason == "PROFIT_TARGET"
    assert sum(len(part) for part in parts) == 2


def test_in_the_queue_a_tick_passes_replays_that_wait_for_each_other(
    instance: dg.DagsterInstance,
) -> None:
    """The queue as the daemon works it, with one replay at work and more before the tick."""
    # Imported late, since importing makes resources.
    location = importlib.import_module("exit_pipeline.definitions").defs
    job, tick = (location.resolve_job_def(name) for name in ("replay_job", "exit_job"))

    code = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("a"), "b")

    def run_of(of: dg.JobDefinition, status: dg.DagsterRunStatus) -> str:
        where = RemoteJobOrigin(code, of.name)
        run = instance.create_run_for_job(of, status=status, tags=of.tags, remote_job_origin=where)
        return run.run_id

    at_work = run_of(job, dg.DagsterRunStatus.STARTED)
    waiting = [run_of(job, dg.DagsterRunStatus.QUEUED) for _ in range(12)]
    due = run_of(tick, dg.DagsterRunStatus.QUEUED)
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)

    def next_ones() -> list[str]:
        found = daemon._get_runs_to_dequeue(instance, instance.get_concurrency_config(), None)
        return [run.run_id for run in found]

    next_ones()  # A pool that was never heard of is limited from the second look on.
    assert next_ones() == [due]
    ended = instance.get_run_by_id(at_work)
    assert ended is not None
    instance.report_run_failed(ended)
    assert sorted(next_ones()) == sorted([waiting[0], due])
