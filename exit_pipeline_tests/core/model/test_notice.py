"""What a message says."""

from zoneinfo import ZoneInfo

import pytest

from exit_pipeline.core.model.notice import MOST_SHOWN, Told
from exit_pipeline_tests.notices import a_notice, an_alert

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("count", "repeats", "title"),
    [
        pytest.param(1, 0, "CRITICAL EXIT_ESCALATED: p0", id="one alert by its subject"),
        pytest.param(2, 0, "CRITICAL EXIT_ESCALATED: 2 alerts", id="several by their number"),
        pytest.param(1, 1, "CRITICAL EXIT_ESCALATED: p0, told once before", id="told once"),
        pytest.param(2, 3, "CRITICAL EXIT_ESCALATED: 2 alerts, told 3 times before", id="often"),
    ],
)
def test_the_title_says_what_and_how_often(count: int, repeats: int, title: str) -> None:
    alerts = [an_alert(f"p{number}") for number in range(count)]
    assert a_notice(*alerts, repeats=repeats).title == title


def test_a_line_has_all_that_a_person_needs_to_look_and_to_acknowledge() -> None:
    line, _ = a_notice(an_alert(environment="paper", account="...001", times=4)).lines(NEW_YORK)
    assert line == (
        "a-012345 paper/...001 a: STOP_LOSS has not filled "
        "(since 2026-03-17 10:00 EDT, raised 4 times)"
    )


def test_an_alert_without_a_run_has_no_place() -> None:
    (line,) = a_notice(an_alert(severity="WARNING")).lines(NEW_YORK)
    assert line == "a-012345 a: STOP_LOSS has not filled (since 2026-03-17 10:00 EDT)"


@pytest.mark.parametrize(
    ("count", "last"),
    [
        pytest.param(MOST_SHOWN, f"p{MOST_SHOWN - 1}", id="all of them"),
        pytest.param(MOST_SHOWN + 1, "and 1 more: exit-pipeline alerts", id="one too many"),
        pytest.param(500, f"and {500 - MOST_SHOWN} more: exit-pipeline alerts", id="a whole book"),
    ],
)
def test_what_does_not_fit_is_counted(count: int, last: str) -> None:
    alerts = (an_alert(f"p{number}", severity="WARNING") for number in range(count))
    lines = a_notice(*alerts).lines(NEW_YORK)
    assert last in lines[-1]
    assert len(lines) == min(count, MOST_SHOWN + 1)


def test_what_was_told_before_and_is_left_out_is_counted_too() -> None:
    assert a_notice(an_alert(severity="WARNING"), told_before=7).lines(NEW_YORK)[-1] == (
        "7 of this cause were told before and are open"
    )


@pytest.mark.parametrize(
    ("severity", "says_so"), [("CRITICAL", True), ("WARNING", False), ("INFO", False)]
)
def test_only_what_is_told_again_says_how_to_end_that(severity: str, says_so: bool) -> None:
    lines = a_notice(an_alert(severity=severity)).lines(NEW_YORK)
    assert any("exit-pipeline alerts acknowledge ID" in line for line in lines) is says_so


@pytest.mark.parametrize(
    ("told", "is_new"),
    [(None, True), ("WARNING", True), ("CRITICAL", False)],
    ids=["never told", "told as less grave", "told"],
)
def test_an_alert_is_new_until_it_was_told_at_its_severity(told: str | None, is_new: bool) -> None:
    assert an_alert(told=Told(severity=told)).is_new is is_new
