"""Runs of this code location that failed, as alerts: also those whose process told nobody."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from exit_pipeline.core.model import errors
from exit_pipeline.core.model.record import Alert
from exit_pipeline.defs.ops import TICK_AT_TAG

OVERLAP: Final = timedelta(minutes=1)
"""How far each look goes back behind the newest failure that the last one saw: a run that failed
before it may have been written after it."""

FIRST_LOOK: Final = timedelta(hours=1)
"""How far the very first look goes back."""

LONGEST: Final = 200
"""Characters of a sentence of Dagster's."""

MOST: Final = 100
"""Failures of one look."""


def failed_runs(
    on: dg.DagsterInstance, cursor: str | None, at: datetime
) -> tuple[list[Alert], str]:
    """Alerts for the runs that failed since the last look, the oldest first.

    A failed tick of the schedule is CRITICAL; whoever launches a run by hand, over HTTP or from a
    script is told by its outcome, so that is a WARNING. The subject is the job, so that it is one
    alert until it is acknowledged, and counted.

    Args:
        on: Keeps the runs.
        cursor: What the last look left; None at the first one.
        at: Now.

    Returns:
        The alerts, and the cursor for the next look, which is to be kept once they are.
    """
    since, seen = _read(cursor, at)
    records = on.get_run_records(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since),
        limit=MOST,
        order_by="update_timestamp",
        ascending=True,
    )
    new = [one for one in records if one.dagster_run.run_id not in seen]
    times = {one.dagster_run.run_id: one.update_timestamp.astimezone(UTC) for one in records}
    newest = max(times.values(), default=since + OVERLAP)
    if len(records) == MOST:
        # There may be more of the same minute: the next look goes on at the last of these.
        newest += OVERLAP - timedelta(microseconds=1)
    kept = sorted(run_id for run_id, time in times.items() if time >= newest - OVERLAP)
    return [_alert(on, one.dagster_run) for one in new], json.dumps(
        {"newest": newest.isoformat(), "seen": kept}
    )


def _read(cursor: str | None, at: datetime) -> tuple[datetime, frozenset[str]]:
    """From when on failures are looked for, and the runs that were told of."""
    if not cursor:
        return at - FIRST_LOOK, frozenset()
    last = json.loads(cursor)
    return datetime.fromisoformat(last["newest"]) - OVERLAP, frozenset(last["seen"])


def _alert(on: dg.DagsterInstance, run: dg.DagsterRun) -> Alert:
    return Alert(
        severity="CRITICAL" if TICK_AT_TAG in run.tags else "WARNING",
        cause="RUN_FAILED",
        subject=run.job_name,
        message=f"run {run.run_id} of {run.job_name} failed: {_why(on, run.run_id)}",
    )


def _why(on: dg.DagsterInstance, run_id: str) -> str:
    """Why a run failed, in one sentence: the first of its failures that says it.

    The text of an error that nobody expected is left in Dagster: it may show what is secret.
    """
    kinds = {dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE}
    for record in on.get_records_for_run(run_id, of_type=kinds).records:
        event = record.event_log_entry.get_dagster_event()
        data: Any = event.event_specific_data
        if told := getattr(data, "user_failure_data", None):
            return str(told.description)
        if error := getattr(data, "error", None):
            return _named(error)
        if event.message:
            # Of Dagster itself, such as that the run has worked for too long.
            return " ".join(event.message.split())[:LONGEST]
    return "its event log says why"


def _named(error: SerializableErrorInfo) -> str:
    """A sentence of ours, or the class of an error of somebody else's."""
    chain = [error]
    while chain[-1].cause:
        chain.append(chain[-1].cause)
    for link in chain:
        kind, _, text = link.message.partition(": ")
        if kind.startswith(f"{errors.__name__}."):
            return str(text.strip())
    return f"an unexpected {chain[-1].cls_name}; its event log says more"
