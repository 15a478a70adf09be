"""The sensor that tells people: it looks for what no tick can tell, and sends what is due."""

import dagster as dg

from exit_pipeline.core.model.record import Alert
from exit_pipeline.defs.failed_runs import failed_runs
from exit_pipeline.defs.notifiers import Notifying
from exit_pipeline.ports import Calendar, Clock, Database
from exit_pipeline.services.look_out import look_out
from exit_pipeline.services.notify import FAILING, notify

SECONDS = 30
"""Between two evaluations: what is raised in a tick is told well within the next."""


@dg.sensor(
    name="alert_sensor",
    minimum_interval_seconds=SECONDS,
    # It launches nothing and writes to no broker.
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells people of alerts, through the notifiers of EXIT_NOTIFY: one message for "
    "each severity and cause, a critical one again until it is acknowledged. Raises alerts for "
    "failed runs, for ticks that no longer come, and for positions about to expire open.",
)
def alert_sensor(
    context: dg.SensorEvaluationContext,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
    clock: dg.ResourceParam[Clock],
    notifying: dg.ResourceParam[Notifying],
) -> dg.SkipReason:
    """One evaluation; it never asks for a run."""
    raised = 0
    try:
        raised = _raise(context, database, calendar, clock, notifying)
    finally:
        # What is open is told, whatever went wrong in looking for more.
        told = notify(notifying.notifiers, database=database, clock=clock, pace=notifying.pace)
    return dg.SkipReason("; ".join([f"{raised} alerts raised", *(one.sentence for one in told)]))


def _raise(
    context: dg.SensorEvaluationContext,
    database: Database,
    calendar: Calendar,
    clock: Clock,
    notifying: Notifying,
) -> int:
    """Raise what no tick can tell; returns how much of it there is."""
    now = clock.now()
    failed, cursor = failed_runs(context.instance, context.cursor, now)
    database.runs.raise_alerts(failed)
    # Only now: where raising fails, the next evaluation finds the same failures again.
    context.update_cursor(cursor)
    watched = look_out(database, calendar=calendar, at=now, standing=_faults(notifying))
    return len(failed) + len(watched)


def _faults(notifying: Notifying) -> list[Alert]:
    """That the settings can't be read."""
    if not notifying.fault:
        return []
    return [Alert(severity="CRITICAL", cause=FAILING, subject="settings", message=notifying.fault)]
