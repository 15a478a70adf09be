"""The partitions by trading day: the exchange's sessions and no other day."""

from datetime import date, datetime, timedelta

import dagster as dg
import pytest

from exit_pipeline.adapters.calendars.exchange import FIRST_DAY, LAST_DAY, ExchangeCalendar
from exit_pipeline.defs.closed_days import closed_weekdays
from exit_pipeline.defs.trading_days import TRADING_DAYS
from exit_pipeline_tests.fakes import NEW_YORK, new_york


def keys(now: datetime) -> list[str]:
    return list(TRADING_DAYS.get_partition_keys(current_time=now))


def test_the_table_of_closed_days_is_that_of_the_exchange() -> None:
    calendar = ExchangeCalendar()
    days = (FIRST_DAY + timedelta(number) for number in range((LAST_DAY - FIRST_DAY).days + 1))
    closed = [day for day in days if day.weekday() < 5 and calendar.session(day) is None]
    assert list(closed_weekdays()) == closed


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        pytest.param("2026-11-25", True, id="a Wednesday"),
        pytest.param("2026-11-26", False, id="Thanksgiving"),
        pytest.param("2026-11-27", True, id="the short day after"),
        pytest.param("2026-11-28", False, id="a Saturday"),
        pytest.param("2012-10-29", False, id="Hurricane Sandy"),
        pytest.param("2015-12-24", True, id="the short day of the sample"),
        pytest.param("2005-01-03", True, id="the first of all"),
        pytest.param("2004-12-31", False, id="before the first of all"),
    ],
)
def test_a_session_is_a_partition_and_any_other_day_is_none(day: str, is_one: bool) -> None:
    assert (day in keys(new_york(date(2027, 1, 4), 12))) is is_one


@pytest.mark.parametrize(
    ("now", "last"),
    [
        pytest.param(
            new_york(date(2026, 11, 25), 17, 30), "2026-11-25", id="the evening of a session"
        ),
        pytest.param(new_york(date(2026, 11, 28), 12), "2026-11-27", id="a Saturday"),
        pytest.param(
            new_york(date(2026, 11, 26), 12), "2026-11-27", id="a holiday, the next session"
        ),
        pytest.param(
            new_york(date(2026, 11, 30), 0, 1), "2026-11-30", id="the first minute of a session"
        ),
    ],
)
def test_the_days_grow_by_themselves_up_to_the_present_one(now: datetime, last: str) -> None:
    assert keys(now)[-1] == last


def test_a_range_holds_its_sessions() -> None:
    thanksgiving = dg.PartitionKeyRange("2025-11-24", "2025-12-01")
    with dg.partition_loading_context(datetime(2026, 1, 5, tzinfo=NEW_YORK)):
        found = TRADING_DAYS.get_partition_keys_in_range(thanksgiving)
    assert list(found) == ["2025-11-24", "2025-11-25", "2025-11-26", "2025-11-28", "2025-12-01"]


def test_a_day_begins_at_midnight_in_new_york() -> None:
    window = TRADING_DAYS.time_window_for_partition_key("2026-03-16")
    assert window.start == datetime(2026, 3, 16, tzinfo=NEW_YORK)
    assert window.start.date() == date(2026, 3, 16)
