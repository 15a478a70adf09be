"""A position whose quotes are refused tick after tick has neither a target nor a stop."""

from datetime import timedelta

import pytest

from exit_pipeline.services.refused_quotes import REFUSED_TICKS
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk, alerts


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.hold("a")
    return desk


def crossed(desk: Desk) -> None:
    """A tick that refuses the quote."""
    desk.quote(CALL, "2.10", "2.00")
    desk.tick()
    desk.later()


def good(desk: Desk) -> None:
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    desk.later()


def test_after_some_ticks_in_a_row_a_person_is_told_why(desk: Desk) -> None:
    for _ in range(REFUSED_TICKS - 1):
        crossed(desk)
    assert alerts(desk) == set()
    crossed(desk)
    assert desk.rows("SELECT severity, cause, subject, message FROM alerts") == [
        {
            "severity": "WARNING",
            "cause": "QUOTES_REFUSED",
            "subject": "a",
            "message": "its quote was refused at 3 ticks in a row (CROSSED): "
            "neither a target nor a stop can close it",
        }
    ]


def test_further_ticks_are_counted_on_the_same_alert(desk: Desk) -> None:
    for _ in range(REFUSED_TICKS + 2):
        crossed(desk)
    assert desk.rows("SELECT times FROM alerts") == [{"times": 3}]


def test_a_usable_quote_in_between_begins_the_count_anew(desk: Desk) -> None:
    for step in (crossed, crossed, good, crossed, crossed):
        step(desk)
    assert alerts(desk) == set()


def test_the_session_before_does_not_count(desk: Desk) -> None:
    crossed(desk)
    crossed(desk)
    desk.clock.advance(timedelta(days=1))
    crossed(desk)
    assert alerts(desk) == set()


def test_a_dry_run_neither_counts_nor_tells(desk: Desk) -> None:
    crossed(desk)
    crossed(desk)
    desk.quote(CALL, "2.10", "2.00")
    desk.tick({"dry_run": True})
    assert alerts(desk) == set()


def test_only_the_position_that_it_happens_to_is_told(desk: Desk) -> None:
    desk.hold("b", FAR_CALL)
    for _ in range(REFUSED_TICKS):
        desk.quote(FAR_CALL, "2.00", "2.10")
        crossed(desk)
    assert alerts(desk) == {("QUOTES_REFUSED", "a")}
