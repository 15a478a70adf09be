"""When the books are checked without a tick: where ticks no longer come."""

import dagster as dg

from exit_pipeline.defs.book_checks import check_job
from exit_pipeline.defs.trading_days import ZONE
from exit_pipeline.ports import Calendar, Clock, Database
from exit_pipeline.services.heartbeat import overdue


@dg.schedule(
    job=check_job,
    cron_schedule="*/10 9-16 * * 1-5",
    execution_timezone=ZONE,
    # It reads, and touches no order.
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every ten minutes of the session, where an account with open positions waits for "
    "its tick too long: check the books, so that `no_tick_gap` fails where it can be seen. Skips "
    "while ticks come, since each of them checks the books itself.",
)
def check_schedule(
    context: dg.ScheduleEvaluationContext,  # noqa: ARG001 Dagster passes it by name
    calendar: dg.ResourceParam[Calendar],
    clock: dg.ResourceParam[Clock],
    database: dg.ResourceParam[Database],
) -> dg.RunRequest | dg.SkipReason:
    """A run where ticks are overdue."""
    now = clock.now()
    if closed := calendar.why_closed(now):
        return dg.SkipReason(closed)
    late = overdue(database.runs.overview(), calendar=calendar, at=now)
    if not late:
        return dg.SkipReason("ticks come, and each checks the books itself")
    return dg.RunRequest(run_key=None, tags={"exit_pipeline/why": late[0].sentence})
