"""When the schedule and the sensor ask for a run, and what they say when they don't."""

import importlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from dagster._utils.schedules import schedule_execution_time_iterator

from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.ops import TICK_AT_TAG
from exit_pipeline.defs.schedules import LATEST_START, make_schedule, make_sensor
from exit_pipeline.settings import Settings
from exit_pipeline_tests.fakes import FixedClock, new_york

TUESDAY = date(2026, 3, 17)
TEN = new_york(TUESDAY, 10)

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


def code_location(environ: Mapping[str, str]) -> dg.Definitions:
    """The definitions under an environment; imported late, since importing makes resources."""
    module = importlib.import_module("exit_pipeline.definitions")
    made: dg.Definitions = module.make_definitions(Settings.from_env(environ))
    return made


def scheduled(
    due: datetime, *, late: timedelta = timedelta(0), environ: Mapping[str, str] | None = None
) -> Any:
    """What the schedule makes of the tick due at `due`."""
    parts = {"calendar": ExchangeCalendar(), "clock": FixedClock(due + late)}
    with dg.build_schedule_context(scheduled_execution_time=due, resources=parts) as context:
        return make_schedule(Settings.from_env(environ or {})).evaluate_tick(context)


def sensed(now: datetime, *, every: int = 300, environ: Mapping[str, str] | None = None) -> Any:
    """What the sensor makes of an evaluation at `now`."""
    parts = {"calendar": ExchangeCalendar(), "clock": FixedClock(now)}
    with dg.build_sensor_context(resources=parts) as context:
        return make_sensor(Settings.from_env(environ or {}), every).evaluate_tick(context)


def test_the_schedule_is_on_by_default_every_five_minutes_of_weekdays_in_new_york() -> None:
    schedule = make_schedule(Settings.from_env({}))
    assert schedule.name == "exit_schedule"
    assert schedule.job_name == "exit_job"
    assert schedule.cron_schedule == "*/5 * * * 1-5"
    assert schedule.execution_timezone == "America/New_York"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize(
    ("since", "utc"),
    [
        pytest.param(datetime(2026, 3, 6, 3, tzinfo=UTC), "2026-03-06T15:00", id="winter time"),
        pytest.param(datetime(2026, 3, 9, 3, tzinfo=UTC), "2026-03-09T14:00", id="summer time"),
    ],
)
def test_the_cron_is_meant_in_new_york_time(since: datetime, utc: str) -> None:
    schedule = make_schedule(Settings.from_env({"EXIT_WORKER_CRON": "0 10 * * 1-5"}))
    ticks = schedule_execution_time_iterator(
        since.timestamp(), str(schedule.cron_schedule), schedule.execution_timezone
    )
    assert f"{next(ticks).astimezone(UTC):%Y-%m-%dT%H:%M}" == utc


def test_a_due_tick_asks_for_a_run_with_its_time_as_key_and_tag() -> None:
    (request,) = scheduled(TEN).run_requests
    assert request.run_key == "2026-03-17T14:00:00+00:00"
    assert request.tags[TICK_AT_TAG] == "2026-03-17T14:00:00+00:00"
    assert dg.validate_run_config(exit_job, request.run_config)


def test_the_same_tick_has_the_same_key_however_often_it_is_evaluated() -> None:
    first, second = (scheduled(TEN, late=timedelta(seconds=late)) for late in (0, 40))
    assert first.run_requests[0].run_key == second.run_requests[0].run_key


CLOSED = [
    pytest.param(new_york(date(2025, 12, 25), 11), "XNYS is closed: Christmas Day", id="Christmas"),
    pytest.param(new_york(date(2026, 4, 3), 11), "XNYS is closed: Good Friday", id="Good Friday"),
    pytest.param(new_york(date(2026, 3, 22), 11), "XNYS is closed: it is Sunday", id="a Sunday"),
    pytest.param(
        new_york(TUESDAY, 9, 25),
        "XNYS is closed: the session of 2026-03-17 opens at 09:30 New York time",
        id="before the open",
    ),
    pytest.param(
        new_york(TUESDAY, 16),
        "XNYS is closed: the session of 2026-03-17 ended at 16:00 New York time",
        id="at the close",
    ),
    pytest.param(
        new_york(date(2026, 11, 27), 13),
        "XNYS is closed: the session of 2026-11-27 ended at 13:00 New York time",
        id="at the close of a short day",
    ),
]


@pytest.mark.parametrize(("at", "reason"), CLOSED)
def test_a_tick_outside_the_session_is_skipped_and_says_why(at: datetime, reason: str) -> None:
    for answer in (scheduled(at), sensed(at)):
        assert answer.run_requests == []
        assert answer.skip_message == f"ExitWorker: {reason}"


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(TEN, id="within the session"),
        pytest.param(new_york(date(2025, 12, 25), 11), id="on a holiday"),
    ],
)
def test_a_worker_that_is_switched_off_skips_every_evaluation_with_that_reason(
    at: datetime,
) -> None:
    off = {"EXIT_WORKER_ENABLED": "false"}
    for answer in (scheduled(at, environ=off), sensed(at, environ=off)):
        assert answer.run_requests == []
        assert answer.skip_message == "ExitWorker: EXIT_WORKER_ENABLED is false"


@pytest.mark.parametrize(
    ("due", "runs"),
    [
        pytest.param(new_york(TUESDAY, 9, 30), True, id="the open"),
        pytest.param(new_york(TUESDAY, 15, 55), True, id="the last tick"),
        pytest.param(new_york(date(2026, 11, 27), 12, 55), True, id="the last of a short day"),
        pytest.param(new_york(date(2026, 11, 27), 13, 5), False, id="after a short day"),
    ],
)
def test_a_session_is_worked_from_its_open_to_before_its_close(due: datetime, runs: bool) -> None:
    assert bool(scheduled(due).run_requests) is runs


@pytest.mark.parametrize(
    ("late", "said"),
    [
        pytest.param(timedelta(seconds=61), "61 seconds late", id="a minute"),
        pytest.param(timedelta(days=1, seconds=30), "86430 seconds late", id="a day"),
    ],
)
def test_a_tick_that_is_evaluated_too_late_is_left_to_the_next(late: timedelta, said: str) -> None:
    answer = scheduled(TEN, late=late)
    assert answer.run_requests == []
    assert answer.skip_message == f"ExitWorker: the tick of 14:00:00 UTC is {said}"


def test_a_tick_may_be_as_late_as_the_limit() -> None:
    assert len(scheduled(TEN, late=LATEST_START).run_requests) == 1


def test_an_interval_replaces_the_schedule_by_a_sensor() -> None:
    found = code_location({"EXIT_WORKER_INTERVAL_SECONDS": "45"})
    assert "exit_schedule" not in {schedule.name for schedule in found.schedules or ()}
    alerts, sensor = found.sensors or ()
    assert alerts.name == "alert_sensor"
    assert isinstance(sensor, dg.SensorDefinition)
    assert sensor.name == "exit_sensor"
    assert sensor.minimum_interval_seconds == 45
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_without_an_interval_there_is_a_schedule_and_no_sensor_of_ticks() -> None:
    found = code_location({})
    assert {schedule.name for schedule in found.schedules or ()} == {
        "replay_schedule", "report_schedule", "check_schedule", "exit_schedule",
    }  # fmt: skip
    assert [sensor.name for sensor in found.sensors or ()] == ["alert_sensor"]


def test_the_sensor_asks_for_one_run_per_interval() -> None:
    (request,) = sensed(TEN + timedelta(seconds=31), every=30).run_requests
    assert request.run_key == "2026-03-17T14:00:30+00:00"
    assert request.tags[TICK_AT_TAG] == request.run_key
    assert dg.validate_run_config(exit_job, request.run_config)


@pytest.mark.parametrize("into_the_interval", [0, 61, 150, 299])
def test_a_sensor_runs_wherever_in_its_interval_it_is_evaluated(into_the_interval: int) -> None:
    """Regression: evaluations more than a minute into a long interval were all called late."""
    answer = sensed(TEN + timedelta(seconds=into_the_interval), every=300)
    assert [request.run_key for request in answer.run_requests] == ["2026-03-17T14:00:00+00:00"]


@pytest.mark.parametrize(
    "cron",
    ["nonsense", "61 * * * *", " ", "* * * * * *", "*/5 9-16 * *", "0 0 31 2"],
)
def test_a_cron_that_is_none_is_refused_in_one_sentence(cron: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_schedule(Settings.from_env({"EXIT_WORKER_CRON": cron}))
    assert str(caught.value) == f"EXIT_WORKER_CRON is {cron!r}; expected a cron expression"
