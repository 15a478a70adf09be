"""A value that is good for a moment, so that however many ask, it is made once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

GOOD_FOR: Final = timedelta(seconds=1)
"""Far below what a probe waits between two looks."""

T = TypeVar("T")


class Briefly(Generic[T]):
    """Keeps a value for a second; callers who come meanwhile share it.

    ``/health`` needs no token, and without this whoever asks it in a loop would have the database
    asked as often.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._kept: tuple[datetime, T] | None = None

    def get(self, now: Callable[[], datetime], make: Callable[[], T]) -> T:
        """The value, made anew where the kept one was made more than a second ago.

        Args:
            now: Tells the time; a clock that was set back makes it anew as well.
            make: Makes it. Where that takes long, those who came meanwhile share what it made.
        """
        with self._guard:
            if self._kept is None or abs(now() - self._kept[0]) >= GOOD_FOR:
                made = make()
                self._kept = (now(), made)
            return self._kept[1]
