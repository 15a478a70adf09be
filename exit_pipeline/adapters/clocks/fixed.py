"""A clock that stands where it was put: for a past day, the sample day, and tests."""

from datetime import UTC, datetime

from exit_pipeline.core.model.errors import InputError


class FixedClock:
    """Tells the moment it was last set to; implements the ``Clock`` port.

    Args:
        at: The moment, with a time zone.

    Raises:
        InputError: The moment carries no time zone.
    """

    def __init__(self, at: datetime) -> None:
        self.set(at)

    def now(self) -> datetime:
        """The moment that the clock stands at, aware, UTC."""
        return self._at

    def set(self, at: datetime) -> None:
        """Move the clock, forwards or back, such as to the next tick of a replayed day.

        Raises:
            InputError: The moment carries no time zone.
        """
        if at.tzinfo is None:
            message = f"clock time {at.isoformat()} must carry a time zone, such as +00:00"
            raise InputError(message)
        self._at = at.astimezone(UTC)
