"""Which day, and whose, a report is of."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from exit_pipeline.core.model.day_record import DayAsked
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.session import Session
from exit_pipeline.ports import Calendar, Database

_DAY: Final = timedelta(days=1)

_ENVIRONMENTS: Final = ("live", "paper", "tape", "simulated")
"""Where several have a record, the first of these is reported: what money hangs on goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """What a person asks for.

    Attributes:
        day: The trading day; None is the last one with a record.
        environment: Only this one; None is the first with a record of live, paper, tape, simulated.
        account: Only this account; None is all.
    """

    day: date | None = None
    environment: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDay:
    """A day of which there is a record.

    Attributes:
        session: Its trading hours.
        asked: What is read of it.
        others: What else is recorded of the day, such as "simulated/sample".
    """

    session: Session
    asked: DayAsked
    others: tuple[str, ...]


def choose_day(
    request: ReportRequest, *, database: Database, calendar: Calendar, at: datetime
) -> ReportedDay:
    """The day that is asked for, held against the calendar and the record.

    Raises:
        InputError: It is still to come, no session, or not recorded; the sentence says which, and
            which day is.
    """
    today = at.astimezone(calendar.zone).date()
    if request.day is not None and request.day > today:
        message = f"{request.day} is still to come; expected a day until today, {today}"
        raise InputError(message)
    if request.day is None:
        session = _newest(today, request, database, calendar)
    else:
        session = _session(request.day, calendar)
    found = _recorded(session, database, calendar)
    chosen = [one for one in found if _matches(one, request)]
    if not chosen:
        raise InputError(_no_record(session.day, today, found, request, database, calendar))
    environment = min((one[0] for one in chosen), key=_ENVIRONMENTS.index)
    asked = _asked(session.day, environment, request.account, calendar)
    told = {one for one in chosen if one[0] == environment}
    others = tuple("/".join(one) for one in found if one not in told)
    return ReportedDay(session=session, asked=asked, others=others)


def _asked(day: date, environment: str, account: str | None, calendar: Calendar) -> DayAsked:
    start, end = _bounds(day, calendar)
    return DayAsked(start=start, end=end, environment=environment, account=account)


def _bounds(day: date, calendar: Calendar) -> tuple[datetime, datetime]:
    """From midnight to midnight in exchange time."""
    start, end = (datetime.combine(one, time(), calendar.zone) for one in (day, day + _DAY))
    return start.astimezone(UTC), end.astimezone(UTC)


def _session(day: date, calendar: Calendar) -> Session:
    session = calendar.session(day)
    if session is None:
        noon = datetime.combine(day, time(12), calendar.zone)
        message = f"there is no trading day {day}: {calendar.why_closed(noon)}"
        raise InputError(message)
    return session


def _newest(today: date, request: ReportRequest, database: Database, calendar: Calendar) -> Session:
    """The last trading day with a record, today among them.

    Raises:
        InputError: There is none.
    """
    before = _bounds(today, calendar)[1]
    whose = (request.environment, request.account)
    # A launch by hand on a weekend is no day of trading, so the one before it is asked for.
    while (tick := database.day.newest_tick(before, *whose)) is not None:
        day = tick.astimezone(calendar.zone).date()
        if session := calendar.session(day):
            return session
        before = _bounds(day, calendar)[0]
    of = "/".join(one for one in whose if one)
    message = f"there is no record of any trading day{of and f' of {of}'} yet: no tick has worked"
    raise InputError(message)


def _recorded(session: Session, database: Database, calendar: Calendar) -> list[tuple[str, str]]:
    return database.day.accounts(*_bounds(session.day, calendar))


def _matches(one: tuple[str, str], request: ReportRequest) -> bool:
    environment, account = one
    return request.environment in {None, environment} and request.account in {None, account}


def _no_record(
    day: date,
    today: date,
    found: list[tuple[str, str]],
    request: ReportRequest,
    database: Database,
    calendar: Calendar,
) -> str:
    of = "/".join(one for one in (request.environment, request.account) if one)
    said = f"there is no record of {day}{of and f' of {of}'}"
    if found:
        known = ", ".join(sorted("/".join(one) for one in found))
        return f"{said}; that day has records of {known}"
    last = _newest(today, ReportRequest(), database, calendar).day
    return f"{said}; the last trading day with one is {last}"
