"""How often one caller may ask."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

MOST_CALLERS: Final = 4_096
"""Callers that are remembered; the one that has not asked for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: so many at once, and so many more each second.

    Attributes:
        at_once: Requests.
        a_second: Requests.
    """

    at_once: int
    a_second: float


ASKING: Final = Rate(at_once=100, a_second=20)
"""Of any request: far more than probes, scrapes and scripts need."""

GUESSING: Final = Rate(at_once=10, a_second=0.2)
"""Of requests with a wrong token: one in five seconds, once ten were wrong."""


class Buckets:
    """A bucket of requests for each caller, which fills with time.

    Args:
        rate: How large a bucket is, and how fast it fills.
        now: Seconds that only ever grow.
    """

    def __init__(self, rate: Rate, now: Callable[[], float] = monotonic) -> None:
        self._rate = rate
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> float:
        """Seconds until the caller may ask; 0 where it may now. Nothing is taken."""
        return max(0.0, (1 - self._level(caller)) / self._rate.a_second)

    def take(self, caller: str) -> None:
        """Count one request of a caller."""
        self._left[caller] = (max(0.0, self._level(caller) - 1), self._now())
        self._left.move_to_end(caller)
        if len(self._left) > MOST_CALLERS:
            self._left.popitem(last=False)

    def _level(self, caller: str) -> float:
        left, at = self._left.get(caller, (float(self._rate.at_once), self._now()))
        filled = left + (self._now() - at) * self._rate.a_second
        return min(float(self._rate.at_once), filled)
