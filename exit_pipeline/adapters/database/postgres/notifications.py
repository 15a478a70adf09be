"""What people were told of, through which notifier."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, session_lock, transaction
from exit_pipeline.adapters.database.postgres.control import REPLAYED
from exit_pipeline.core.model.notice import NotifierRecord, OpenAlert, Told

_OPEN: Final = """
    SELECT CAST(a.id AS text) AS id, a.severity, a.cause, a.subject, a.message, a.raised_at,
           a.times, r.environment, r.account,
           n.severity AS told_severity, coalesce(n.messages, 0) AS messages, n.last_sent_at,
           coalesce(n.attempts, 0) AS attempts, n.last_tried_at
    FROM alerts a
    LEFT JOIN decision_runs r ON r.id = a.run_id
    LEFT JOIN notifications n ON n.alert_id = a.id AND n.notifier = :notifier
    WHERE a.acknowledged_at IS NULL AND (r.id IS NULL OR r.environment <> ALL(:replayed))
    ORDER BY a.raised_at, a.subject COLLATE "C", a.id
"""

# An alert that was deleted in the meantime is told all the same, and has no row to note it in.
_SENT: Final = """
    INSERT INTO notifications AS n (alert_id, notifier, severity, messages, first_sent_at,
                                    last_sent_at, last_tried_at)
    SELECT a.id, :notifier, s.severity, 1, :at, :at, :at
    FROM json_to_recordset(CAST(:rows AS json)) AS s(id uuid, severity text)
    JOIN alerts a ON a.id = s.id
    ON CONFLICT (alert_id, notifier) DO UPDATE SET
        severity = excluded.severity, messages = n.messages + 1,
        first_sent_at = coalesce(n.first_sent_at, excluded.first_sent_at),
        last_sent_at = excluded.last_sent_at, last_tried_at = excluded.last_tried_at,
        attempts = 0, last_error = NULL
"""

_FAILED: Final = """
    INSERT INTO notifications AS n (alert_id, notifier, attempts, last_error, last_tried_at)
    SELECT a.id, :notifier, 1, :error, :at FROM alerts a WHERE a.id = ANY(CAST(:ids AS uuid[]))
    ON CONFLICT (alert_id, notifier) DO UPDATE SET
        attempts = n.attempts + 1, last_error = excluded.last_error,
        last_tried_at = excluded.last_tried_at
"""

_NOTIFIERS: Final = """
    SELECT DISTINCT ON (notifier) notifier, last_tried_at, attempts, last_error,
           max(last_sent_at) OVER (PARTITION BY notifier) AS last_sent_at
    FROM notifications ORDER BY notifier, last_tried_at DESC, attempts DESC
"""


class PostgresNotifications:
    """The ``NotificationStore``, in ``notifications`` beside ``alerts``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def turn(self, notifier: str) -> Iterator[bool]:
        """Hold a notifier while it tells; a process that ends lets go of it.

        No transaction is open meanwhile: what is sent takes seconds.
        """
        with session_lock(self._engine, f"notifier {notifier}") as is_mine:
            yield is_mine

    def open_alerts(self, notifier: str) -> list[OpenAlert]:
        """Alerts that nobody has acknowledged, the oldest first, as this notifier has them."""
        with transaction(self._engine) as connection:
            rows = run(connection, _OPEN, notifier=notifier, replayed=sorted(REPLAYED))
            return [
                OpenAlert(
                    id=row.id,
                    severity=row.severity,
                    cause=row.cause,
                    subject=row.subject,
                    message=row.message,
                    raised_at=row.raised_at,
                    times=row.times,
                    environment=row.environment,
                    account=row.account,
                    told=Told(
                        severity=row.told_severity,
                        messages=row.messages,
                        last_sent_at=row.last_sent_at,
                        attempts=row.attempts,
                        last_tried_at=row.last_tried_at,
                    ),
                )
                for row in rows
            ]

    def record_sent(self, notifier: str, severities: Mapping[str, str], at: datetime) -> None:
        """Note that alerts were told, by their ids, and at which severity each."""
        rows = as_json({"id": one, "severity": severity} for one, severity in severities.items())
        with transaction(self._engine) as connection:
            run(connection, _SENT, notifier=notifier, rows=rows, at=at)

    def record_failed(
        self, notifier: str, alert_ids: Sequence[str], error: str, at: datetime
    ) -> None:
        """Note that telling alerts failed, and why."""
        with transaction(self._engine) as connection:
            run(connection, _FAILED, notifier=notifier, ids=list(alert_ids), error=error, at=at)

    def notifiers(self) -> list[NotifierRecord]:
        """How each notifier that was ever tried did when it was tried last, by name."""
        with transaction(self._engine) as connection:
            return [NotifierRecord(**row._asdict()) for row in run(connection, _NOTIFIERS)]
