"""One trading day as it is kept."""

from datetime import datetime
from typing import Protocol

from exit_pipeline.core.model.day_record import DayAsked, DayRecord


class DayStore(Protocol):
    """What is kept of one trading day, apart from its decisions, which ``ReplayStore`` gives."""

    def newest_tick(
        self, before: datetime, environment: str | None, account: str | None
    ) -> datetime | None:
        """The time of the newest run before a moment, no dry run and none that was skipped.

        Args:
            before: None as late as this.
            environment: Only of this environment; None means all. Likewise account.
            account: Only of this account.
        """
        ...

    def accounts(self, start: datetime, end: datetime) -> list[tuple[str, str]]:
        """Environment and account of each account with a run in ``[start, end)``, no dry run."""
        ...

    def record(self, asked: DayAsked) -> DayRecord:
        """Everything of a day but its decisions, in one transaction."""
        ...
