"""The present time, and the exchange's sessions."""

from datetime import date, datetime
from typing import Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.session import Session


@runtime_checkable
class Clock(Protocol):
    """The only source of the present time."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...


@runtime_checkable
class Waiter(Clock, Protocol):
    """A clock that time can be spent by; one that stands still can't."""

    def wait(self, seconds: float) -> None:
        """Come back once so many seconds have passed by this clock; at once for none."""
        ...


@runtime_checkable
class Calendar(Protocol):
    """The exchange's sessions.

    Attributes:
        name: Such as ``XNYS``.
        zone: Time zone of the exchange.
    """

    name: str
    zone: ZoneInfo

    def session(self, day: date) -> Session | None:
        """The session of a date in exchange time; None when the exchange is closed all day."""
        ...

    def session_on_or_before(self, day: date) -> Session:
        """The last session that is not after `day`."""
        ...

    def why_closed(self, at: datetime) -> str | None:
        """Why nothing trades at `at`, such as "XNYS is closed: Christmas Day"; None while open.

        Sessions are ``[open, close)``.
        """
        ...
