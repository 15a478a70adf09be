"""How far a vendor's clock and ours are apart, as the answers to our own requests tell."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from exit_pipeline.core.model.broker_time import sure_skew
from exit_pipeline.ports import Clock


class SkewMeter:
    """Keeps the newest skew that an answer's ``Date`` header showed; safe between threads.

    Attributes:
        newest: The vendor's clock less ours, as far as it is sure (``sure_skew``); None before the
            first answer that tells the time.

    Args:
        clock: Ours.
    """

    def __init__(self, clock: Clock) -> None:
        self.newest: timedelta | None = None
        self._clock = clock

    def now(self) -> datetime:
        """Our time, to be kept when a request leaves."""
        return self._clock.now()

    def learn(self, headers: Mapping[str, str], asked_at: datetime) -> None:
        """Take over what an answer says, at the moment at which its headers are here.

        An answer out of a cache (RFC 9111: one with an ``Age``) tells when it was made, and a clock
        that was set back while the request was on its way tells nothing; both are passed over.

        Args:
            headers: Of the answer, by any case of name that the mapping understands.
            asked_at: Our time when the request left.
        """
        told, answered_at = server_time(headers), self._clock.now()
        if told is None or answered_at < asked_at or headers.get("age", "0").strip() != "0":
            return
        self.newest = sure_skew(told, asked_at, answered_at)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """When the server says that it answered, to the second; None where it does not say."""
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
