"""How many requests a vendor still takes, as its own answers say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Literal

from exit_pipeline.adapters.clients.skew import server_time
from exit_pipeline.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """Where a vendor writes its limits. Without header names nothing is limited.

    Attributes:
        remaining: Response header with the requests left in the window.
        reset: Response header with the unix time at which the window ends.
        reset_unit: Unit of that time. Vendors differ, and reading one as the other blocks for ever.
        reserve: Requests of each window that only urgent requests, such as cancels, may use.
        window_seconds: Length of a window: nothing is believed to stay blocked for longer.
    """

    remaining: str | None = None
    reset: str | None = None
    reset_unit: Literal["seconds", "milliseconds"] = "seconds"
    reserve: int = 0
    window_seconds: float = 60.0


@dataclass(slots=True)
class _Window:
    """One bucket's window: what is left of it, and until when."""

    left: int
    reset: int
    until: datetime


@dataclass(slots=True)
class Budgets:
    """Token budgets, one per bucket of the vendor; safe to share between threads.

    A bucket that no answer has told of yet, or whose window has passed, is open.

    Args:
        limits: Where the vendor writes its limits.
        clock: Tells when a window has passed.
    """

    limits: RateLimits
    clock: Clock
    _windows: dict[str, _Window] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, bucket: str, *, urgent: bool) -> datetime | None:
        """Take one request; where none is left, until when, and nothing is taken."""
        with self._lock:
            window = self._windows.get(bucket)
            if window is None:
                return None
            if self.clock.now() >= window.until:
                del self._windows[bucket]
                return None
            if window.left <= (0 if urgent else self.limits.reserve):
                return window.until
            window.left -= 1
            return None

    def learn(self, bucket: str, headers: Mapping[str, str], *, refused: bool) -> float | None:
        """Take over what an answer says.

        Args:
            bucket: Which the request was taken from.
            headers: Of the answer, by any case of name that the mapping understands.
            refused: The answer was a 429: nothing is left, whatever the headers say.

        Returns:
            Seconds until the window ends; None where the answer does not tell.
        """
        reset = _number(headers, self.limits.reset)
        left = 0 if refused else _number(headers, self.limits.remaining)
        seconds = self._seconds_left(headers, reset)
        if left is None or seconds is None:
            return seconds
        until = self.clock.now() + timedelta(seconds=seconds)
        with self._lock:
            known = self._windows.get(bucket)
            ended = known is not None and self.clock.now() >= known.until
            if known is None or refused or ended or (reset or 0) > known.reset:
                self._windows[bucket] = _Window(left, reset or 0, until)
            elif reset == known.reset:
                # Answers overtake each other; a request on its way is not in an older count.
                known.left = min(known.left, left)
        return seconds

    def _seconds_left(self, headers: Mapping[str, str], reset: int | None) -> float | None:
        """Judged by the vendor's own clock where it tells the time: ours may be wrong."""
        if reset is None:
            seconds = _number(headers, "retry-after")
            left = None if seconds is None else float(seconds)
        else:
            now = server_time(headers) or self.clock.now()
            left = reset / _PER_SECOND[self.limits.reset_unit] - now.timestamp()
        return None if left is None else min(max(left, 0.0), self.limits.window_seconds)


_PER_SECOND: Final = {"seconds": 1, "milliseconds": 1_000}


def _number(headers: Mapping[str, str], name: str | None) -> int | None:
    text = headers.get(name, "").strip() if name else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
