"""When ticks run: a cron in New York time, or a sensor at an interval."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.ops import TICK_AT_TAG
from exit_pipeline.ports import Calendar, Clock
from exit_pipeline.settings import Settings

ZONE = "America/New_York"

LATEST_START = timedelta(seconds=60)
"""A tick that is evaluated later than this after its time is left to the next one: after an outage
Dagster still evaluates the newest missed tick, however old it is."""


def why_not(settings: Settings, calendar: Calendar, at: datetime) -> str | None:
    """Why no tick runs at `at`, as a person would say it; None where one does."""
    if not settings.worker_enabled:
        return "EXIT_WORKER_ENABLED is false"
    return calendar.why_closed(at)


def make_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """``exit_schedule``: one run of the job at each time of the cron within the session.

    Raises:
        ConfigurationError: ``EXIT_WORKER_CRON`` is no cron expression.
    """

    def evaluate(
        context: dg.ScheduleEvaluationContext,
        calendar: dg.ResourceParam[Calendar],
        clock: dg.ResourceParam[Clock],
    ) -> dg.RunRequest | dg.SkipReason:
        due = context.scheduled_execution_time.astimezone(UTC)
        return _request(due, why_not(settings, calendar, due) or _why_late(due, clock.now()))

    try:
        return dg.schedule(
            job=exit_job,
            name="exit_schedule",
            cron_schedule=settings.worker_cron,
            execution_timezone=ZONE,
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"One tick at each {settings.worker_cron} in New York, while XNYS is open.",
        )(evaluate)
    except dg.DagsterInvalidDefinitionError:
        message = f"EXIT_WORKER_CRON is {settings.worker_cron!r}; expected a cron expression"
        raise ConfigurationError(message) from None


def make_sensor(settings: Settings, interval_seconds: int) -> dg.SensorDefinition:
    """``exit_sensor``: one run of the job at each interval within the session."""

    def evaluate(
        context: dg.SensorEvaluationContext,  # noqa: ARG001 Dagster passes it by name
        calendar: dg.ResourceParam[Calendar],
        clock: dg.ResourceParam[Clock],
    ) -> dg.RunRequest | dg.SkipReason:
        now = clock.now()
        seconds = int(now.timestamp()) // interval_seconds * interval_seconds
        # A sensor is evaluated anywhere within its interval, so none of its ticks is late.
        return _request(datetime.fromtimestamp(seconds, UTC), why_not(settings, calendar, now))

    return dg.sensor(
        job=exit_job,
        name="exit_sensor",
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"One tick every {interval_seconds} seconds while the exchange is open.",
    )(evaluate)


def _why_late(due: datetime, now: datetime) -> str | None:
    if now - due <= LATEST_START:
        return None
    return f"the tick of {due:%H:%M:%S} UTC is {(now - due).total_seconds():.0f} seconds late"


def _request(due: datetime, reason: str | None) -> dg.RunRequest | dg.SkipReason:
    if reason:
        return dg.SkipReason(f"ExitWorker: {reason}")
    return dg.RunRequest(run_key=due.isoformat(), tags={TICK_AT_TAG: due.isoformat()})
