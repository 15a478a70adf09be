"""When the day that has just ended is audited."""

import dagster as dg

from exit_pipeline.defs.replay import replay_job
from exit_pipeline.defs.trading_days import ZONE
from exit_pipeline.ports import Calendar


@dg.schedule(
    job=replay_job,
    cron_schedule="30 17 * * 1-5",
    execution_timezone=ZONE,
    # It reads decisions and writes what comes of them, and touches no order.
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="At 17:30 in New York, audit the decisions of the day. A difference raises an "
    "alert and fails the check.",
)
def replay_schedule(
    context: dg.ScheduleEvaluationContext, calendar: dg.ResourceParam[Calendar]
) -> dg.RunRequest | dg.SkipReason:
    """One run for each session."""
    due = context.scheduled_execution_time.astimezone(calendar.zone)
    if calendar.session(due.date()) is None:
        return dg.SkipReason(f"there is no day to audit: {calendar.why_closed(due)}")
    return dg.RunRequest(partition_key=str(due.date()), run_key=str(due.date()))
