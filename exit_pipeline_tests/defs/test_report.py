"""The job that makes the page of a day, and when it runs."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar
from exit_pipeline.defs.report import report_file, report_job, report_schedule
from exit_pipeline_tests.days import a_random_day
from exit_pipeline_tests.desk import TUESDAY, Desk
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXIT_REPORTS", str(tmp_path / "pages"))
    return tmp_path / "pages"


def run(desk: Desk, **form: Any) -> dg.ExecuteInProcessResult:
    """The job, launched on Wednesday evening."""
    desk.clock.at = new_york(date(2026, 3, 18), 18)
    with dg.DagsterInstance.ephemeral() as on:
        return report_job.execute_in_process(
            run_config=form,
            resources={name: desk.resources[name] for name in ("calendar", "clock", "database")},
            instance=on,
            raise_on_error=False,
        )


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (output,) = result.get_step_success_events() and [
        event for event in result.all_events if event.event_type_value == "STEP_OUTPUT"
    ]
    found: Any = output.event_specific_data
    return {name: value.value for name, value in found.metadata.items()}


def said(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    data: Any = event.event_specific_data
    return str(data.user_failure_data.description)


def test_the_run_tells_where_the_page_lies_and_what_is_in_it(
    called_desk: Desk, folder: Path
) -> None:
    result = run(called_desk, date="2026-03-17")
    assert result.success
    found = metadata(result)
    page = folder / "2026-03-17-paper.html"
    assert found["page"] == str(page)
    assert found["day"] == "2026-03-17"
    assert found["summary"].startswith("+0.00 dollars realised after costs, +90.00 open; ")
    assert (found["open_pnl"], found["orders_denied"], found["alerts_open"]) == (90.0, 0, 0)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_last_day_with_a_record_is_taken_where_none_is_given(
    called_desk: Desk, folder: Path
) -> None:
    assert metadata(run(called_desk))["day"] == "2026-03-18"
    assert [one.name for one in folder.iterdir()] == ["2026-03-18-paper.html"]


def test_the_same_day_again_leaves_one_page_of_the_same_content(
    called_desk: Desk, folder: Path
) -> None:
    pages = []
    for _ in range(2):
        assert run(called_desk, date="2026-03-17").success
        (page,) = folder.iterdir()
        pages.append(page.read_bytes())
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"date": "17.3.2026"}, "date is '17.3.2026'; expected a date such as 2026-03-16"),
        ({"date": "2026-03-19"}, "2026-03-19 is still to come; expected a day until today"),
        ({"date": "2026-03-14"}, "there is no trading day 2026-03-14: XNYS is closed: Saturday"),
        ({"date": "2026-03-16"}, "there is no record of 2026-03-16 of paper; the last trading day"),
        ({"account": "x"}, "there is no record of any trading day of paper/x yet"),
    ],
    ids=["no date", "the future", "a weekend", "no record", "another account"],
)
def test_a_mistake_is_one_sentence_and_no_page(
    called_desk: Desk, folder: Path, form: dict[str, str], sentence: str
) -> None:
    result = run(called_desk, **form)
    assert not result.success
    assert said(result).startswith(sentence)
    assert not folder.exists()


def test_an_account_is_never_a_path() -> None:
    report = a_random_day(1).report()
    path = report_file(report, "../../etc/passwd", Path("/pages"))
    assert path == Path("/pages/2026-03-17-paper-.._.._etc_passwd.html")
    assert report_file(report, None, Path("/pages")) == Path("/pages/2026-03-17-paper.html")


def scheduled(due: datetime, desk: Desk, calendar: Any = None) -> Any:
    parts = {
        "calendar": calendar or desk.calendar,
        "database": desk.database,
        "clock": FixedClock(due),
    }
    with dg.build_schedule_context(scheduled_execution_time=due, resources=parts) as context:
        return report_schedule(context)


def test_the_schedule_is_on_by_default_in_new_york() -> None:
    assert (report_schedule.name, report_schedule.job_name) == ("report_schedule", "report_job")
    assert report_schedule.execution_timezone == "America/New_York"
    assert report_schedule.default_status is dg.DefaultScheduleStatus.RUNNING


@pytest.mark.parametrize(
    ("closes", "hour"), [(time(16), 16), (time(13), 13)], ids=["a full day", "a short day"]
)
def test_the_page_is_asked_for_once_ten_minutes_after_the_close(
    called_desk: Desk, closes: time, hour: int
) -> None:
    calendar = FakeCalendar(early_closes={TUESDAY: closes})
    answers = {
        at: scheduled(new_york(TUESDAY, at, 10), called_desk, calendar) for at in range(13, 17)
    }
    requests = {at: one for at, one in answers.items() if isinstance(one, dg.RunRequest)}
    assert list(requests) == [hour]
    request = requests[hour]
    assert request.run_key == "2026-03-17"
    assert request.run_config == {"date": "2026-03-17"}
    assert dg.validate_run_config(report_job, request.run_config)


@pytest.mark.parametrize(
    ("due", "reason"),
    [
        (new_york(TUESDAY, 15, 10), "the session goes on until 16:00 New York"),
        (new_york(date(2026, 3, 19), 16, 10),
         "there is no record of 2026-03-19 of paper; the last trading day with one is 2026-03-18"),
        (new_york(date(2026, 3, 16), 16, 10),
         "there is no record of any trading day yet: no tick has worked"),
        (new_york(date(2026, 3, 14), 16, 10),
         "there is no day to report: XNYS is closed: Saturday"),
    ],
    ids=["before the close", "a day without a record", "before the first record", "no session"],
)  # fmt: skip
def test_otherwise_it_says_why_there_is_no_page(
    called_desk: Desk, due: datetime, reason: str
) -> None:
    answer = scheduled(due, called_desk)
    assert isinstance(answer, dg.SkipReason)
    assert (answer.skip_message or "").startswith(reason)


@pytest.mark.parametrize(
    ("due", "skipped"),
    [
        (datetime(2026, 11, 27, 18, 10, tzinfo=UTC), "there is no record of 2026-11-27"),
        (datetime(2026, 11, 27, 21, 10, tzinfo=UTC), "the session closed at 13:00 New York"),
        (datetime(2026, 11, 26, 21, 10, tzinfo=UTC), "there is no day to report: XNYS is closed: "),
    ],
    ids=["after Thanksgiving at 13:10", "at 16:10", "on Thanksgiving"],
)
def test_the_exchanges_own_calendar_has_short_days_and_holidays(
    called_desk: Desk, due: datetime, skipped: str
) -> None:
    answer = scheduled(due, called_desk, ExchangeCalendar())
    assert (answer.skip_message or "").startswith(skipped)
