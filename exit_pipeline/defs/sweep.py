"""What a killed stack leaves behind: runs that count as working and keep later ones queued."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs.jobs import EXCLUSIVE_TAG
from exit_pipeline.ports import Clock, RunStore

_AT_WORK = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def end_dead_runs(on: dg.DagsterInstance, *, runs: RunStore, clock: Clock) -> list[str]:
    """End runs of the job that have worked for longer than any may, and give their accounts back.

    Run monitoring would end them too, once the daemon is up. A younger run is left to it: it may be
    alive, in another process on the same storage, and until then its lease keeps its accounts
    from later ticks in any case.

    Args:
        on: The instance.
        runs: Where the run's accounts are held.
        clock: Now.

    Returns:
        The ids of the runs that were ended.
    """
    now = clock.now()
    ended = []
    for record in _records_at_work(on):
        began = _began(record)
        if now - began <= LEASE:
            continue
        run = record.dagster_run
        reason = f"it was left behind at {began:%Y-%m-%d %H:%M:%S} UTC by a stack that was killed"
        on.report_run_failed(run, message=f"ExitWorker: {reason}")
        runs.fail(run.run_id, reason)
        ended.append(run.run_id)
    return ended


def at_work(on: dg.DagsterInstance) -> list[tuple[str, datetime]]:
    """Runs of the job that count as working: their ids, and when each began."""
    return [(record.dagster_run.run_id, _began(record)) for record in _records_at_work(on)]


def _records_at_work(on: dg.DagsterInstance) -> Sequence[dg.RunRecord]:
    filters = dg.RunsFilter(statuses=_AT_WORK, tags={EXCLUSIVE_TAG: "exit_job"})
    return on.get_run_records(filters)


def _began(record: dg.RunRecord) -> datetime:
    if record.start_time is not None:
        return datetime.fromtimestamp(record.start_time, UTC)
    return record.create_timestamp.astimezone(UTC)
