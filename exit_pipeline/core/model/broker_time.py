"""The broker's clock, and how far it is from ours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

RESOLUTION: Final = timedelta(seconds=1)
"""How exactly servers tell the time: an HTTP ``Date`` is cut to the second (RFC 9110, 5.6.7)."""

SKEW_NOTED: Final = timedelta(seconds=2)
"""A skew beyond this needs a person. Our own value: a machine that follows a time server (NTP) is
within milliseconds, and the youngest limit of age, that of a feed, is 30 seconds."""

SKEW_HALTS: Final = timedelta(seconds=60)
"""Beyond this nothing is sent. Our own value: quotes are then a minute older than they seem, and
the close is a minute nearer or gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerTime:
    """What a broker says of the time and of the session.

    Attributes:
        at: Its time, aware, UTC; some tell it to the second.
        is_open: Whether its regular session is on.
        next_open: When it opens next; None where it does not tell.
        next_close: When it closes next; None where it does not tell.
    """

    at: datetime
    is_open: bool
    next_open: datetime | None = None
    next_close: datetime | None = None


def sure_skew(told: datetime, asked_at: datetime, answered_at: datetime) -> timedelta:
    """How far another clock is from ours at the least, positive where ours is behind.

    The server read its clock at some moment between our request and its answer, and cut what it
    read to the second. So its clock less ours lies between ``told - answered_at`` and
    ``told + 1 s - asked_at``. Of all that this allows it is the value nearest to 0, and 0 where 0
    is allowed: neither a slow answer nor the cut second ever looks like a skew.

    Example: asked at 10:00:00.2 and answered at 10:00:00.9, a server that tells 10:00:04 is between
    3.1 and 4.8 seconds ahead, so surely 3.1 s; one that tells 10:00:00 is between 0.9 s behind and
    0.8 s ahead, so perhaps not at all: 0 s.

    Args:
        told: The server's time, cut to the second.
        asked_at: Our time when the request left.
        answered_at: Our time when the answer came.
    """
    least, most = told - answered_at, told + RESOLUTION - asked_at
    return max(least, timedelta(0)) + min(most, timedelta(0))


def say_skew(skew: timedelta) -> str:
    """A skew as a person reads it.

    Example: 75 seconds are "this machine's clock is 75.0 s behind the broker's".
    """
    side = "behind" if skew > timedelta(0) else "ahead of"
    return f"this machine's clock is {abs(skew).total_seconds():.1f} s {side} the broker's"
