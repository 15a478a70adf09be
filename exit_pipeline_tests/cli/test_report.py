"""The command that makes the page of a day."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline_tests.desk import CALL, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york

Run = Callable[..., Any]
Refusal = Callable[..., str]


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose one position was looked at on Tuesday at 10:00; it is the evening now."""
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "2.40", "2.42")
    desk.tick()
    desk.rows_changed("UPDATE decision_runs SET started_at = tick_at")
    monkeypatch.setattr(SystemClock, "now", lambda _: new_york(TUESDAY, 18))
    return desk


def test_the_sample_day_has_a_page_in_the_usual_folder(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_PIPELINE_HOME", str(tmp_path / "home"))
    run("sample")
    shown = run("report").stdout
    page = tmp_path / "home" / "reports" / "2026-03-18-simulated.html"
    assert f"wrote {page}" in shown
    assert "2026-03-18 simulated: " in shown
    assert "dollars realised after costs" in shown
    assert page.read_text(encoding="utf-8").count("<article") == 17


def test_a_page_is_written_where_it_is_asked_for(run: Run, desk: Desk, tmp_path: Path) -> None:
    assert desk
    page = tmp_path / "day.html"
    run("report", "--date", "2026-03-17", "--account", "desk", "--to", page)
    assert "Tuesday 2026-03-17, paper" in page.read_text(encoding="utf-8")
    shown = run("report", "--to", "-").stdout
    assert shown == page.read_text(encoding="utf-8") + "\n"


def test_ticks_of_the_whole_session_were_due(run: Run, desk: Desk) -> None:
    assert desk
    page = run("report", "--to", "-").stdout
    assert "Of 78 ticks that were due 1 were worked (0 of them late) and 77 missed" in page
    assert "missed: 09:30 to 09:55" in page
    assert "missed: 10:05 to 15:55" in page


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--date", "17.3.2026"],
         "--date is '17.3.2026'; expected a date such as 2026-03-16"),
        (["--date", "2026-03-18"],
         "2026-03-18 is still to come; expected a day until today, 2026-03-17"),
        (["--date", "2026-03-15"],
         "there is no trading day 2026-03-15: XNYS is closed: it is Sunday"),
        (["--date", "2026-03-16"],
         "there is no record of 2026-03-16; the last trading day with one is 2026-03-17"),
        (["--date", "1999-01-04"],
         "date 1999-01-04 is outside the XNYS calendar, which serves 2005-01-01 to 2049-12-31"),
        (["--date", "2026-03-17", "--account", "x"],
         "there is no record of 2026-03-17 of x; that day has records of paper/desk"),
        (["--environment", "live"],
         "there is no record of any trading day of live yet: no tick has worked"),
        (["--to", "/proc/none/day.html"],
         "/proc/none/day.html can't be written: No such file or directory"),
    ],
    ids=["no date", "the future", "a Sunday", "no record", "before the calendar",
         "another account", "another environment", "no place to write"],
)  # fmt: skip
def test_a_mistake_is_one_sentence(
    refusal: Refusal, desk: Desk, arguments: list[str], sentence: str
) -> None:
    assert desk
    assert refusal("report", *arguments) == sentence


def test_an_empty_database_says_so(refusal: Refusal) -> None:
    assert refusal("report") == ("there is no record of any trading day yet: no tick has worked")
