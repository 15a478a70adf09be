"""The computer's own clock: the one place of the project that asks for the present time."""

from datetime import UTC, datetime


class SystemClock:
    """Tells the time of the computer; implements the ``Clock`` port."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)  # noqa: TID251 this is the seam that everything else goes through
