"""The computer's own clock: the one place of the project that asks for the present time."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final


class SystemClock:
    """Tells the time of the computer; implements the ``Waiter`` port.

    It is set once, when it is made, and then counts on by itself: a step of the computer's clock in
    the middle of a run neither makes an order late nor a quote old. What it counts includes the
    time that the machine was suspended, so that a sender that slept knows it. A run takes minutes
    at most, in which such a clock drifts by milliseconds.
    """

    def __init__(self) -> None:
        self._began: Final = _elapsed()
        self._set_to: Final = datetime.now(UTC)  # noqa: TID251 this is the seam for the time

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return self._set_to + timedelta(seconds=_elapsed() - self._began)

    def wait(self, seconds: float) -> None:
        """Sleep for so many seconds; at once back for none."""
        time.sleep(max(seconds, 0.0))  # noqa: TID251 this is the seam for the time


def _elapsed() -> float:
    """Seconds from some moment on, also while the machine is suspended, where it can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(boot)
