import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.calendars.exchange import FIRST_DAY, LAST_DAY, ExchangeCalendar
from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.ports import Calendar

NEW_YORK = ZoneInfo("America/New_York")
XNYS = ExchangeCalendar()


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def test_is_a_calendar():
    assert isinstance(XNYS, Calendar)


@pytest.mark.parametrize(
    ("day", "ticks"),
    [
        pytest.param(date(2015, 12, 23), 78, id="full day"),
        pytest.param(date(2015, 12, 24), 42, id="christmas eve closes at 13:00"),
        pytest.param(date(2026, 11, 27), 42, id="day after thanksgiving"),
        pytest.param(date(2026, 3, 9), 78, id="first day of daylight saving"),
        pytest.param(date(2026, 11, 2), 78, id="first day of standard time"),
    ],
)
def test_a_session_has_its_ticks(day, ticks):
    session = XNYS.session(day)

    assert session is not None
    assert session.day == day
    assert len(list(session.ticks())) == ticks


def test_the_ticks_of_a_short_day_end_before_the_close():
    session = XNYS.session(date(2015, 12, 24))
    assert session is not None
    ticks = [tick.astimezone(NEW_YORK) for tick in session.ticks()]

    assert ticks[0] == new_york("2015-12-24T09:30")
    assert ticks[-1] == new_york("2015-12-24T12:55")
    assert session.opens_at.tzinfo is session.closes_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2015-12-25T12:00", "Christmas Day"),
        ("2022-12-26T12:00", "Christmas Day (observed)"),
        ("2027-12-24T12:00", "Christmas Day (observed)"),
        ("2026-07-03T12:00", "Independence Day (observed)"),
        ("2025-07-04T12:00", "Independence Day"),
        ("2026-01-19T12:00", "Martin Luther King, Jr. Day"),
        ("2026-02-16T12:00", "Washington's Birthday"),
        ("2026-04-03T12:00", "Good Friday"),
        ("2026-11-26T12:00", "Thanksgiving Day"),
        ("2012-10-29T12:00", "an exchange holiday"),
        ("2025-01-09T12:00", "an exchange holiday"),
        ("2015-12-26T12:00", "it is Saturday"),
        ("2015-12-27T12:00", "it is Sunday"),
        ("2015-12-23T16:30", "the session of 2015-12-23 ended at 16:00 New York time"),
        ("2015-12-23T16:00", "the session of 2015-12-23 ended at 16:00 New York time"),
        ("2015-12-24T13:30", "the session of 2015-12-24 ended at 13:00 New York time"),
        ("2015-12-24T09:29:59", "the session of 2015-12-24 opens at 09:30 New York time"),
        ("2015-12-24T00:00", "the session of 2015-12-24 opens at 09:30 New York time"),
    ],
)
def test_says_why_it_is_closed(at, reason):
    assert XNYS.why_closed(new_york(at)) == f"XNYS is closed: {reason}"


@pytest.mark.parametrize("at", ["2015-12-24T09:30", "2015-12-24T12:59:59", "2015-12-23T15:59:59"])
def test_is_open_from_the_open_until_just_before_the_close(at):
    assert XNYS.why_closed(new_york(at)) is None


def test_judges_the_date_in_exchange_time():
    sunday_evening_utc = datetime(2015, 12, 28, 1, tzinfo=UTC)

    assert XNYS.why_closed(sunday_evening_utc) == "XNYS is closed: it is Sunday"


@pytest.mark.parametrize(
    ("day", "session"),
    [
        (date(2015, 12, 24), date(2015, 12, 24)),
        (date(2015, 12, 27), date(2015, 12, 24)),
        (date(2026, 4, 3), date(2026, 4, 2)),
        (FIRST_DAY, date(2004, 12, 31)),
    ],
    ids=["a session", "christmas and weekend", "expiration on good friday", "first day"],
)
def test_finds_the_session_on_or_before(day, session):
    assert XNYS.session_on_or_before(day).day == session


@pytest.mark.parametrize("day", [date(2015, 12, 25), date(2015, 12, 27)])
def test_a_closed_day_has_no_session(day):
    assert XNYS.session(day) is None


@pytest.mark.parametrize(
    "day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1), date.min, date.max]
)
def test_refuses_a_date_that_it_does_not_serve(day):
    with pytest.raises(InputError, match=rf"{day} is outside the XNYS calendar, which serves"):
        XNYS.session(day)


def test_refuses_a_time_without_zone():
    with pytest.raises(InputError, match="must carry a time zone"):
        XNYS.why_closed(datetime.fromisoformat("2015-12-24T12:00"))


def test_refuses_an_exchange_that_nobody_knows():
    with pytest.raises(ConfigurationError, match=r"calendar 'NYSE2' is not known"):
        ExchangeCalendar("NYSE2")


def test_speaks_of_another_exchange_in_its_own_time():
    london = ExchangeCalendar("XLON")

    assert london.zone == ZoneInfo("Europe/London")
    assert london.why_closed(datetime(2015, 12, 23, 18, tzinfo=UTC)) == (
        "XLON is closed: the session of 2015-12-23 ended at 16:30 London time"
    )


@given(st.datetimes(datetime(2006, 1, 1), datetime(2049, 1, 1)))  # noqa: DTZ001 zone added below
@settings(deadline=None)
def test_is_open_exactly_within_the_session_of_the_day(moment):
    at = moment.replace(tzinfo=NEW_YORK)
    session = XNYS.session(at.date())

    is_open = session is not None and session.opens_at <= at < session.closes_at
    assert (XNYS.why_closed(at) is None) is is_open


def test_naming_it_loads_neither_pandas_nor_the_package():
    program = (
        "import sys; from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar;"
        "ExchangeCalendar().zone;"
        "sys.exit(len({'pandas', 'exchange_calendars'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
