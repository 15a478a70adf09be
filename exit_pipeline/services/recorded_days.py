"""The recorded decisions of some trading days, as audits and what-ifs are asked for them."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.recorded import RecordedRange

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDays:
    """Which days, and which runs of them.

    Attributes:
        first: First trading day, in the exchange's time.
        last: Last trading day, itself included.
        environment: Only of this environment; None means all.
        mode: Only of this mode, such as ``live``; None means all.
        dry_run: Only of dry runs, or of none; None means all.
        chunk: Decisions in memory at a time.
    """

    first: date
    last: date
    environment: str | None = None
    mode: str | None = None
    dry_run: bool | None = None
    chunk: int

    def __post_init__(self) -> None:
        if self.first > self.last:
            message = f"from {self.first} is after to {self.last}; expected the earlier day first"
            raise InputError(message)
        if self.chunk < 1:
            message = f"chunk is {self.chunk}; expected 1 or more decisions"
            raise InputError(message)

    def range_of(self, first: date, last: date, zone: ZoneInfo) -> RecordedRange:
        """The recorded decisions of some of the days, from midnight to midnight."""
        return RecordedRange(
            start=datetime.combine(first, time(), zone).astimezone(UTC),
            end=datetime.combine(last + DAY, time(), zone).astimezone(UTC),
            environment=self.environment,
            mode=self.mode,
            dry_run=self.dry_run,
        )

    def whole_range(self, zone: ZoneInfo) -> RecordedRange:
        """The recorded decisions of all of the days."""
        return self.range_of(self.first, self.last, zone)
