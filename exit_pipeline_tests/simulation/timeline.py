"""The true time of a simulated day, what happens by itself in it, and clocks that may be wrong."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count


class Timeline:
    """The true time; it moves only when it is told to.

    What was arranged for a moment happens while time moves past it, in order.

    Attributes:
        at: Now. The fake brokers take a timeline for their clock.
    """

    def __init__(self, start: datetime) -> None:
        self.at = start
        self._start = start
        self._order = count()
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        """Seconds since the beginning."""
        return (self.at - self._start).total_seconds()

    def arrange(self, at: datetime, event: Callable[[], None]) -> None:
        """Let something happen at a moment, at once if that has passed."""
        heapq.heappush(self._events, (max(at, self.at), next(self._order), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        self.arrange(self.at + timedelta(seconds=seconds), event)

    def advance(self, seconds: float) -> None:
        self.advance_to(self.at + timedelta(seconds=seconds))

    def advance_to(self, at: datetime) -> None:
        """Move to a moment; one that has passed moves nothing."""
        while self._events and self._events[0][0] <= at:
            due, _, event = heapq.heappop(self._events)
            self.at = max(self.at, due)
            event()
        self.at = max(self.at, at)


class WallClock:
    """The clock of one machine, which may go wrong.

    Attributes:
        offset: How far it is ahead of the true time.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.offset = timedelta(0)

    def now(self) -> datetime:
        return self._timeline.at + self.offset

    def wait(self, seconds: float) -> None:
        """True time passes, with all that happens in it."""
        self._timeline.advance(max(seconds, 0.0))
