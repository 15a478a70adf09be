"""A person asks for positions to be closed; the next tick does it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.ports import Calendar, Clock, Database

EXPIRES: Final = timedelta(minutes=30)
"""How long a request is obeyed unless told otherwise: six ticks, enough for every repriced attempt,
and too short to act on a day that the person did not think of."""

LONGEST: Final = timedelta(days=7)
"""The longest that a request may be obeyed: over any weekend with its holidays."""

_OF_NOW: Final = frozenset({"paper", "live"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asks for.

    Attributes:
        position_ids: The positions to close.
        reason: Why.
        requested_by: Who.
        expires: How long it is obeyed.
    """

    position_ids: Sequence[str]
    reason: str
    requested_by: str
    expires: timedelta


def ask_to_close(
    wish: Wish, *, database: Database, calendar: Calendar, clock: Clock
) -> list[ExitRequest]:
    """Keep a request for each position, all or none.

    Raises:
        InputError: There is no reason, a position is not open at a broker, or no tick would come
            before the requests expire.
    """
    if not wish.reason.strip():
        message = f"--reason is {wish.reason!r}; expected why, which is kept with your name"
        raise InputError(message)
    wanted = list(dict.fromkeys(wish.position_ids))
    lines = {line.id: line for line in database.positions.listing()}
    for position_id in wanted:
        _check(position_id, lines.get(position_id))
    now = clock.now()
    _check_expiry(now, wish.expires, calendar)
    requests = [
        ExitRequest(
            id=str(uuid.uuid4()),
            position_id=position_id,
            reason=wish.reason.strip(),
            requested_by=wish.requested_by,
            requested_at=now,
            expires_at=now + wish.expires,
        )
        for position_id in wanted
    ]
    database.exit_requests.add(requests)
    return requests


def read_expiry(text: str) -> timedelta:
    """How long a request is obeyed, from a number of minutes.

    Raises:
        InputError: It is no whole number of minutes from 1 to a week.
    """
    most = LONGEST // timedelta(minutes=1)
    if text.isdecimal() and 1 <= int(text) <= most:
        return timedelta(minutes=int(text))
    message = f"--expires is {text!r}; expected a whole number of minutes from 1 to {most}"
    raise InputError(message)


def _check(position_id: str, line: PositionLine | None) -> None:
    if line is None or line.status != "OPEN":
        found = "is not known" if line is None else f"is {line.status}"
        message = f"ID is {position_id!r}, which {found}; expected an open position"
        raise InputError(message)
    if line.broker is None or line.environment is None:
        message = (
            f"ID is {position_id!r}, which no broker has yet; expected one that was given to a "
            f"broker (exit-pipeline positions adopt)"
        )
        raise InputError(message)
    if line.environment not in _OF_NOW:
        message = (
            f"ID is {position_id!r} of the environment {line.environment}, where no tick of now "
            f"comes; expected one of paper or live"
        )
        raise InputError(message)


def _check_expiry(now: datetime, expires: timedelta, calendar: Calendar) -> None:
    """Refuse what would expire unseen: a person who asks in the evening believes it was heard."""
    opens_at = _next_open(now, calendar)
    if opens_at is None or now + expires > opens_at:
        return
    minutes = (opens_at - now) // timedelta(minutes=1) + 1
    opens = opens_at.astimezone(calendar.zone)
    message = (
        f"--expires is {expires // timedelta(minutes=1)} minutes, and no tick comes before "
        f"{opens:%Y-%m-%d %H:%M %Z}; expected at least {minutes}, better {minutes + 30}"
    )
    raise InputError(message)


def _next_open(now: datetime, calendar: Calendar) -> datetime | None:
    """When the exchange opens next; None while it is open."""
    if calendar.why_closed(now) is None:
        return None
    day = now.astimezone(calendar.zone).date()
    while (session := calendar.session(day)) is None or session.opens_at <= now:
        day += timedelta(days=1)
    return session.opens_at
