"""What is kept about telling people of alerts."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.notice import NotifierRecord, OpenAlert


class NotificationStore(Protocol):
    """Which alerts were told, through which notifier."""

    def turn(self, notifier: str) -> AbstractContextManager[bool]:
        """Hold a notifier while it tells; False where another process holds it."""
        ...

    def open_alerts(self, notifier: str) -> list[OpenAlert]:
        """Alerts that nobody has acknowledged, the oldest first, as this notifier has them.

        Those of recorded and simulated days are left out: they are nobody's money.
        """
        ...

    def record_sent(self, notifier: str, severities: Mapping[str, str], at: datetime) -> None:
        """Note that alerts were told, by their ids, and at which severity each."""
        ...

    def record_failed(
        self, notifier: str, alert_ids: Sequence[str], error: str, at: datetime
    ) -> None:
        """Note that telling alerts failed, and why."""
        ...

    def notifiers(self) -> list[NotifierRecord]:
        """How each notifier that was ever tried did when it was tried last, by name."""
        ...
