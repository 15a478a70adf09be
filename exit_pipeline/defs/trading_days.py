"""The partitions of what is kept by trading day."""

from datetime import date, datetime, time
from typing import Final

import dagster as dg

from exit_pipeline.defs.closed_days import closed_weekdays
from exit_pipeline.ports import Calendar

ZONE: Final = "America/New_York"

TRADING_DAYS: Final = dg.TimeWindowPartitionsDefinition(
    start="2005-01-03",
    fmt="%Y-%m-%d",
    timezone=ZONE,
    cron_schedule="0 0 * * 1-5",
    exclusions=[datetime.combine(day, time()) for day in closed_weekdays()],
    # The present day counts, so that it can be audited in the evening. On a holiday the next
    # session counts already, which has no decisions yet.
    end_offset=1,
)
"""Sessions of XNYS by date in New York: windows of time, of which Dagster's UI offers ranges and
which grow from day to day without anybody adding a key."""


def why_no_session(day: date, calendar: Calendar) -> str:
    """Why the exchange is closed on a date that turned out to be no session."""
    return f"{calendar.why_closed(datetime.combine(day, time(12), calendar.zone))}"
