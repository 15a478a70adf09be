"""A trading session of the exchange."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One day's trading hours, ``[opens_at, closes_at)``.

    Attributes:
        day: The date in exchange time.
        opens_at: Aware, UTC.
        closes_at: Aware, UTC.
    """

    day: date
    opens_at: datetime
    closes_at: datetime

    def ticks(self, every: timedelta = timedelta(minutes=5)) -> Iterator[datetime]:
        """The scheduled times of the session: 78 on a full day, 42 on one that closes at 13:00."""
        at = self.opens_at
        while at < self.closes_at:
            yield at
            at += every
