"""Alerts and messages as tests need them."""

from datetime import UTC, datetime
from typing import Any

from exit_pipeline.core.model.notice import Notice, OpenAlert

TEN = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
"""10:00 in New York."""


def an_alert(name: str = "a", **other: Any) -> OpenAlert:
    values: dict[str, Any] = {
        "severity": "CRITICAL",
        "cause": "EXIT_ESCALATED",
        "subject": name,
        "message": "STOP_LOSS has not filled",
        "raised_at": TEN,
    }
    return OpenAlert(id=f"{name}-0123456789", **values | other)


def a_notice(*alerts: OpenAlert, **other: Any) -> Notice:
    told = alerts or (an_alert(),)
    first = told[0]
    values: dict[str, Any] = {"id": "n1", "at": TEN}
    return Notice(severity=first.severity, cause=first.cause, alerts=told, **values | other)
