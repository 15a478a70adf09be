"""What no tick can tell: that ticks no longer come, and that a position is about to expire open."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert
from exit_pipeline.core.model.session import Session
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.heartbeat import overdue
from exit_pipeline.services.last_close import last_trading_close

EXPIRING: Final = timedelta(minutes=30)
"""How long before the last close of its contract a person is told of an open position. The rule
EXPIRY leaves from 90 minutes before and must fill from 60 minutes before, so by then it has not."""

SEEN_FOR: Final = timedelta(minutes=15)
"""How long whoever acknowledged something that goes on is left to mend it, before it is raised
anew: as often as a critical alert is told by default."""

_OF_NOW: Final = ("paper", "live")


def look_out(
    database: Database, *, calendar: Calendar, at: datetime, standing: Sequence[Alert] = ()
) -> list[Alert]:
    """Raise alerts for accounts that no tick looks at, and for positions that expire open.

    It is asked again and again, so what is open already is not raised again, nor what somebody has
    just acknowledged. Outside the session neither can be.

    Args:
        database: What is kept.
        calendar: The exchange's sessions.
        at: Now.
        standing: What else stands until somebody changes it, and is raised likewise.

    Returns:
        The alerts that were raised.
    """
    found = list(standing)
    if calendar.why_closed(at) is None:
        found += [*_gaps(database, calendar, at), *_expiring(database, calendar, at)]
    if not found:
        return []
    known = {
        (one.cause, one.subject)
        for one in database.runs.alerts(only_open=False)
        if one.acknowledged_at is None or timedelta() <= at - one.acknowledged_at < SEEN_FOR
    }
    new = [one for one in found if (one.cause, one.subject) not in known]
    database.runs.raise_alerts(new)
    return new


def _gaps(database: Database, calendar: Calendar, at: datetime) -> list[Alert]:
    late = overdue(database.runs.overview(), calendar=calendar, at=at)
    return [
        Alert(
            severity="CRITICAL",
            cause="TICK_GAP",
            subject=f"{one.environment}/{one.account}",
            message=one.sentence,
        )
        for one in late
    ]


def _expiring(database: Database, calendar: Calendar, at: datetime) -> list[Alert]:
    session = calendar.session(at.astimezone(calendar.zone).date())
    if session is None or session.closes_at - at > EXPIRING:
        return []
    positions = {
        # Rows that no broker has yet are in both.
        one.id: one
        for environment in _OF_NOW
        for one in database.positions.open_positions(environment)
    }
    return [
        Alert(
            severity="CRITICAL",
            cause="EXPIRING_OPEN",
            subject=one.id,
            message=f"{one.open_quantity} of {one.contract.symbol} are open, and trading in it "
            f"ends at {session.closes_at.astimezone(calendar.zone):%H:%M %Z} for good",
        )
        for one in positions.values()
        if one.contract is not None and _ends_today(one, session, calendar)
    ]


def _ends_today(position: Position, session: Session, calendar: Calendar) -> bool:
    contract = position.contract
    return contract is not None and last_trading_close(contract, calendar) == session.closes_at
