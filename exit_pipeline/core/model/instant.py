"""Instants as integers of a microsecond since 1970-01-01 UTC, the form of every time column."""

from datetime import UTC, datetime, timedelta
from typing import Final

from exit_pipeline.core.model.price import UNKNOWN

MICROSECOND: Final = timedelta(microseconds=1)
SECONDS: Final = 1_000_000
MINUTES: Final = 60 * SECONDS
DAYS: Final = 24 * 60 * MINUTES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_micros(at: datetime | None) -> int:
    """Convert an aware datetime to microseconds since the epoch; ``None`` is ``UNKNOWN``.

    Raises:
        ValueError: The datetime carries no time zone.
    """
    if at is None:
        return UNKNOWN
    if at.tzinfo is None:
        message = f"instant {at.isoformat()} must carry a time zone"
        raise ValueError(message)
    return (at - _EPOCH) // MICROSECOND


def to_datetime(micros: int) -> datetime | None:
    """Convert microseconds since the epoch to an aware UTC datetime; ``UNKNOWN`` is ``None``."""
    return None if micros == UNKNOWN else _EPOCH + timedelta(microseconds=int(micros))
