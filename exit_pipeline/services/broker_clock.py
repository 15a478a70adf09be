"""Compare the broker's clock and session with ours, for a person who asks."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from exit_pipeline.core.model.broker_time import (
    SKEW_HALTS,
    SKEW_NOTED,
    BrokerTime,
    say_skew,
    sure_skew,
)
from exit_pipeline.core.model.session import Session
from exit_pipeline.ports import Calendar, Clock, TellsTime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockCheck:
    """What came of it.

    Attributes:
        said: A few words: the skew, and whether the sessions agree.
        may_send: Whether orders would be sent by this clock.
    """

    said: str
    may_send: bool


def check_broker_clock(broker: TellsTime, *, calendar: Calendar, clock: Clock) -> ClockCheck:
    """Ask the broker once for its time and its session.

    Raises:
        UnavailableError: No answer.
        ConfigurationError: The credentials are refused.
    """
    asked_at = clock.now()
    told = broker.broker_time()
    skew = sure_skew(told.at.replace(microsecond=0), asked_at, clock.now())
    return ClockCheck(
        said=f"{_say(skew)}; {_compare(told, calendar)}", may_send=abs(skew) <= SKEW_HALTS
    )


def _say(skew: timedelta) -> str:
    if abs(skew) > SKEW_HALTS:
        return f"{say_skew(skew)}, by which nothing is sent: set it by a time server"
    if abs(skew) > SKEW_NOTED:
        return f"{say_skew(skew)}: set it by a time server"
    return f"skew {skew.total_seconds():.1f} s" if skew else "skew below a second"


def _compare(told: BrokerTime, calendar: Calendar) -> str:
    """Whether what the broker tells of its session is what our calendar has."""
    zone = calendar.zone
    ours_is_open = calendar.why_closed(told.at) is None
    if told.is_open is not ours_is_open:
        ours = "open" if ours_is_open else "closed"
        return f"its session is {'open' if told.is_open else 'closed'}, {calendar.name} is {ours}"
    for at, is_close in ((told.next_open, False), (told.next_close, True)):
        session = calendar.session(at.astimezone(zone).date()) if at else None
        if at and at != _edge(session, is_close=is_close):
            what = "closes" if is_close else "opens"
            return f"it {what} at {at.astimezone(zone):%H:%M on %Y-%m-%d}, {calendar.name} does not"
    return f"its session is that of {calendar.name}, now {'open' if ours_is_open else 'closed'}"


def _edge(session: Session | None, *, is_close: bool) -> datetime | None:
    if session is None:
        return None
    return session.closes_at if is_close else session.opens_at
