"""The times at which the configured schedule asks for a tick."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.slots import next_tick, slots
from exit_pipeline.settings import Settings
from exit_pipeline_tests.fakes import FakeCalendar, new_york

TUESDAY = date(2026, 3, 17)
SETTINGS = Settings.from_env({})
CALENDAR = FakeCalendar(
    holidays={date(2026, 4, 3): "Good Friday"}, early_closes={date(2026, 11, 27): time(13)}
)


@pytest.mark.parametrize(
    "cron",
    ["*/5 * * * 1-5", "*/15 9-15 * * 1-5", "30 9 1 * *", "0 0 * * *", "7,37 * * * *", "* 10 * * 2"],
)
@pytest.mark.parametrize(
    "start",
    [new_york(TUESDAY, 9, 30), new_york(TUESDAY, 9, 31), new_york(date(2026, 3, 7), 12),
     new_york(date(2026, 10, 31), 20)],
    ids=["at the open", "a minute later", "clocks go forward", "clocks go back"],
)  # fmt: skip
def test_the_times_are_those_at_which_dagsters_scheduler_evaluates(
    cron: str, start: datetime
) -> None:
    end = start + timedelta(hours=30)
    expected = []
    for at in schedule_execution_time_iterator(
        start.timestamp(), cron, "America/New_York", ascending=True
    ):
        if at.timestamp() >= end.timestamp():
            break
        expected.append(datetime.fromtimestamp(at.timestamp(), UTC))
    assert slots(replace(SETTINGS, worker_cron=cron), start, end) == expected


@pytest.mark.parametrize(
    ("day", "count", "last"),
    [(TUESDAY, 78, (15, 55)), (date(2026, 11, 27), 42, (12, 55))],
    ids=["a full day", "a short day"],
)
def test_a_session_has_one_each_five_minutes(day: date, count: int, last: tuple[int, int]) -> None:
    session = CALENDAR.session(day)
    assert session
    found = slots(SETTINGS, session.opens_at, session.closes_at)
    assert (len(found), found[0], found[-1]) == (count, session.opens_at, new_york(day, *last))
    assert found == [*session.ticks()]


def test_an_interval_takes_the_crons_place() -> None:
    start = new_york(TUESDAY, 10) + timedelta(seconds=1)
    found = slots(
        replace(SETTINGS, worker_interval_seconds=45), start, start + timedelta(seconds=90)
    )
    assert found == [new_york(TUESDAY, 10) + timedelta(seconds=n) for n in (45, 90)]


def test_no_time_lies_in_an_empty_span() -> None:
    assert slots(SETTINGS, new_york(TUESDAY, 10), new_york(TUESDAY, 10)) == []


def test_what_is_no_cron_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigurationError, match="EXIT_WORKER_CRON is 'x'; expected a cron"):
        slots(replace(SETTINGS, worker_cron="x"), new_york(TUESDAY, 10), new_york(TUESDAY, 11))


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (new_york(TUESDAY, 10, 1), new_york(TUESDAY, 10, 5)),
        (new_york(TUESDAY, 10, 5), new_york(TUESDAY, 10, 5)),
        (new_york(TUESDAY, 3), new_york(TUESDAY, 9, 30)),
        (new_york(TUESDAY, 15, 56), new_york(date(2026, 3, 18), 9, 30)),
        (new_york(date(2026, 4, 2), 16), new_york(date(2026, 4, 6), 9, 30)),
        (new_york(date(2026, 11, 27), 12, 56), new_york(date(2026, 11, 30), 9, 30)),
    ],
    ids=["within a slot", "on it", "before the open", "after the last", "over a long weekend",
         "after a short day"],
)  # fmt: skip
def test_the_next_tick_is_within_a_session(at: datetime, due: datetime) -> None:
    assert next_tick(SETTINGS, CALENDAR, at) == due


@pytest.mark.parametrize(
    "settings",
    [replace(SETTINGS, worker_enabled=False), replace(SETTINGS, worker_cron="0 3 * * *")],
    ids=["switched off", "never within a session"],
)
def test_without_a_tick_that_is_due_there_is_none(settings: Settings) -> None:
    assert next_tick(settings, CALENDAR, new_york(TUESDAY, 10)) is None
