"""``GET /metrics``."""

from datetime import datetime, time
from typing import Final

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from exit_pipeline.ports import Calendar
from exit_pipeline.services.heartbeat import overdue
from exit_pipeline.web.exchange import Answer, Ask
from exit_pipeline.web.metrics_text import Figures, metrics_text
from exit_pipeline.web.operation import Operation

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4


def metrics(ask: Ask) -> Answer:
    """Figures of now, and of the day in New York that it is."""
    desk = ask.desk
    now = desk.clock.now()
    operation = desk.database().operation
    vitals = operation.vitals(desk.place.environment)
    figures = Figures(
        at=now,
        vitals=vitals,
        day=operation.figures(_day_began(now, desk.calendar)),
        overdue=overdue(vitals.accounts, calendar=desk.calendar, at=now),
    )
    return Answer(value=metrics_text(figures), media_type=MEDIA_TYPE)


def _day_began(now: datetime, calendar: Calendar) -> datetime:
    today = now.astimezone(calendar.zone).date()
    return datetime.combine(today, time(), calendar.zone)


METRICS = Operation(
    method="GET",
    path="/metrics",
    handle=metrics,
    summary="Figures for Prometheus, in its text format 0.0.4.",
    description="Counters begin anew at midnight in New York, which Prometheus takes for a "
    "restart. Dry runs are in none of them.",
    answers={200: str},
    media_type=MEDIA_TYPE,
)
