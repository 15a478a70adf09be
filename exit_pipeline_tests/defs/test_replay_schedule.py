"""When the day that has ended is audited, and what is said on other days."""

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar
from exit_pipeline.defs.replay_schedule import replay_schedule
from exit_pipeline.defs.trading_days import TRADING_DAYS
from exit_pipeline_tests.fakes import new_york


def scheduled(due: datetime) -> Any:
    parts = {"calendar": ExchangeCalendar()}
    with dg.build_schedule_context(scheduled_execution_time=due, resources=parts) as context:
        return replay_schedule(context)


def test_the_schedule_is_on_by_default_after_the_close_in_new_york() -> None:
    assert replay_schedule.name == "replay_schedule"
    assert replay_schedule.job_name == "replay_job"
    assert (replay_schedule.cron_schedule, replay_schedule.execution_timezone) == (
        "30 17 * * 1-5",
        "America/New_York",
    )
    assert replay_schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(2026, 3, 17), id="a full day"),
        pytest.param(date(2026, 11, 27), id="a short day"),
    ],
)
def test_the_day_that_has_just_ended_is_audited_once(day: date) -> None:
    due = new_york(day, 17, 30)
    request = scheduled(due)
    assert (request.partition_key, request.run_key) == (str(day), str(day))
    assert request.partition_key == TRADING_DAYS.get_partition_keys(current_time=due)[-1]


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        pytest.param(new_york(date(2026, 11, 26), 17, 30), "Thanksgiving Day", id="Thanksgiving"),
        pytest.param(
            datetime(2018, 12, 5, 22, 30, tzinfo=UTC), "an exchange holiday", id="mourning"
        ),
    ],
)
def test_on_a_holiday_it_says_why_there_is_nothing_to_audit(due: datetime, reason: str) -> None:
    answer = scheduled(due)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == f"there is no day to audit: XNYS is closed: {reason}"
