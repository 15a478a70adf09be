"""When the configured schedule asks for ticks."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import dagster as dg

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.trading_days import ZONE
from exit_pipeline.ports import Calendar
from exit_pipeline.settings import Settings

_FORMAT: Final = "%Y-%m-%d %H:%M:%S%z"
_DAY: Final = timedelta(days=1)
_LONGEST_BREAK: Final = 10
"""Days without a session that are passed over in the search for the next tick; exchanges close for
four at most, and were closed for six from 2001-09-11 on."""


def slots(settings: Settings, start: datetime, end: datetime) -> list[datetime]:
    """The times in ``[start, end)`` at which the schedule, or the sensor, asks for a tick.

    Whether the exchange is open then is not asked.

    Raises:
        ConfigurationError: ``EXIT_WORKER_CRON`` is no cron expression.
    """
    if start >= end:
        return []
    interval = settings.worker_interval_seconds
    if interval:
        first = -(-int(start.timestamp()) // interval)
        last = -(-int(end.timestamp()) // interval)
        return [datetime.fromtimestamp(n * interval, UTC) for n in range(first, last)]
    try:
        # Dagster's own reading of a cron expression, without a scheduler: its times are those at
        # which windows begin, of which the last one may still be open at the end.
        windows = dg.TimeWindowPartitionsDefinition(
            start=start.astimezone(ZoneInfo(ZONE)),
            fmt=_FORMAT,
            cron_schedule=settings.worker_cron,
            timezone=ZONE,
            end_offset=1,
        )
        keys = windows.get_partition_keys(current_time=end)
    except dg.DagsterInvalidDefinitionError:
        message = f"EXIT_WORKER_CRON is {settings.worker_cron!r}; expected a cron expression"
        raise ConfigurationError(message) from None
    times = [datetime.strptime(key, _FORMAT).astimezone(UTC) for key in keys]
    return [at for at in times if start <= at < end]


def next_tick(settings: Settings, calendar: Calendar, at: datetime) -> datetime | None:
    """The next time within a session at which a tick is due; None where nothing asks for one."""
    if not settings.worker_enabled:
        return None
    day = at.astimezone(calendar.zone).date()
    for _ in range(_LONGEST_BREAK):
        if session := calendar.session(day):
            due = slots(settings, max(at, session.opens_at), session.closes_at)
            if due:
                return due[0]
        day += _DAY
    return None
