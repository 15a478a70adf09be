"""Sessions of an exchange, from the ``exchange_calendars`` package.

The package, with pandas behind it, takes half a second to import; it is loaded when the first date
is asked for, so that a code location which only names the calendar stays light.
"""

import warnings
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.core.model.session import Session

FIRST_DAY: Final = date(2005, 1, 1)
"""First date that is answered for: older option tapes are not to be had."""

LAST_DAY: Final = date(2049, 12, 31)
"""Last date that is answered for. It is far ahead because the close of a contract's last trading
day is asked for on every tick, and LEAPS run for three years; a bound that moved with the present
would make the answer depend on when it was asked. Later years follow from the exchange's rules as
they are known now."""

_NEW_YORK_EXCHANGE: Final = "XNYS"
_NEW_YORK: Final = ZoneInfo("America/New_York")

_LONGEST_CLOSURE: Final = timedelta(days=14)
"""Sessions are loaded from this long before the first day, so that it has one before it."""

_OFFICIAL_NAMES: Final = {
    "New Year's Day": ("New Year's Day", (1, 1)),
    "Dr. Martin Luther King Jr. Day": ("Martin Luther King, Jr. Day", None),
    "President's Day": ("Washington's Birthday", None),
    "July 4th": ("Independence Day", (7, 4)),
    "Juneteenth National Independence Day": ("Juneteenth National Independence Day", (6, 19)),
    "Thanksgiving": ("Thanksgiving Day", None),
    "Christmas": ("Christmas Day", (12, 25)),
}
"""The package's holiday names as NYSE writes them ("Holidays & Trading Hours"), with month and day
of those that have a fixed date and are observed on another day when it falls on a weekend."""


@dataclass(frozen=True, slots=True)
class _Schedule:
    """Everything asked of the package, in plain types, sessions in ascending order."""

    zone: ZoneInfo
    days: list[date]
    opens: list[datetime]
    closes: list[datetime]
    holidays: Mapping[date, str]


class ExchangeCalendar:
    """The sessions of one exchange; implements the ``Calendar`` port.

    Args:
        name: ISO 10383 market identifier code, as the package knows it; XNYS is the New York
            Stock Exchange, whose hours the option exchanges keep for equity options.

    Attributes:
        name: The same.
        zone: Time zone of the exchange.

    Raises:
        ConfigurationError: There is no calendar of this name.
    """

    def __init__(self, name: str = _NEW_YORK_EXCHANGE) -> None:
        self.name = name
        # The zone of the usual exchange is known without loading anything.
        self.zone = _NEW_YORK if name == _NEW_YORK_EXCHANGE else _load(name).zone

    def session(self, day: date) -> Session | None:
        """The session of a date in exchange time; None when the exchange is closed all day.

        Raises:
            InputError: The date is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        found = self.session_on_or_before(day)
        return found if found.day == day else None

    def session_on_or_before(self, day: date) -> Session:
        """The last session that is not after `day`.

        Raises:
            InputError: The date is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        if not FIRST_DAY <= day <= LAST_DAY:
            message = (
                f"date {day} is outside the {self.name} calendar, which serves"
                f" {FIRST_DAY} to {LAST_DAY}"
            )
            raise InputError(message)
        schedule = _load(self.name)
        row = bisect_right(schedule.days, day) - 1
        return Session(
            day=schedule.days[row], opens_at=schedule.opens[row], closes_at=schedule.closes[row]
        )

    def why_closed(self, at: datetime) -> str | None:
        """Why nothing trades at `at`, such as "XNYS is closed: Christmas Day"; None while open.

        Sessions are ``[open, close)``.

        Raises:
            InputError: `at` has no time zone, or is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        if at.tzinfo is None:
            message = f"time {at.isoformat()} must carry a time zone, such as +00:00"
            raise InputError(message)
        day = at.astimezone(self.zone).date()
        session = self.session(day)
        if session is None:
            reason = _why_no_session(day, _load(self.name).holidays)
        elif at < session.opens_at:
            reason = f"the session of {day} opens at {_clock_time(session.opens_at, self.zone)}"
        elif at >= session.closes_at:
            reason = f"the session of {day} ended at {_clock_time(session.closes_at, self.zone)}"
        else:
            return None
        return f"{self.name} is closed: {reason}"


def _why_no_session(day: date, holidays: Mapping[date, str]) -> str:
    if day.weekday() >= 5:
        return f"it is {day:%A}"
    return holidays.get(day, "an exchange holiday")


def _clock_time(at: datetime, zone: ZoneInfo) -> str:
    city = zone.key.rpartition("/")[2].replace("_", " ")
    return f"{at.astimezone(zone):%H:%M} {city} time"


@cache
def _load(name: str) -> _Schedule:
    # exchange_calendars 4.13 sets off pandas' own deprecation warnings; they tell its authors
    # about their code and would be errors in our tests.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from exchange_calendars import get_calendar
        from exchange_calendars.errors import InvalidCalendarName

        try:
            calendar = get_calendar(name, start=FIRST_DAY - _LONGEST_CLOSURE, end=LAST_DAY)
        except InvalidCalendarName as error:
            message = f"calendar {name!r} is not known, expected an exchange code such as XNYS"
            raise ConfigurationError(message) from error
        named = calendar.regular_holidays.holidays(
            calendar.first_session, calendar.last_session, return_name=True
        )
    return _Schedule(
        zone=ZoneInfo(str(calendar.tz)),
        days=[day.date() for day in calendar.sessions.to_pydatetime()],
        opens=[at.astimezone(UTC) for at in calendar.opens.dt.to_pydatetime()],
        closes=[at.astimezone(UTC) for at in calendar.closes.dt.to_pydatetime()],
        holidays={at.date(): _official_name(given, at.date()) for at, given in named.items()},
    )


def _official_name(given: str, day: date) -> str:
    name, fixed = _OFFICIAL_NAMES.get(given, (given, None))
    return name if fixed in (None, (day.month, day.day)) else f"{name} (observed)"
