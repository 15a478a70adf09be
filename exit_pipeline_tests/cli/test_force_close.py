"""The command by which a person has positions closed."""

from collections.abc import Callable
from typing import Any

import pytest

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import person
from exit_pipeline_tests.cli.conftest import Rows
from exit_pipeline_tests.desk import CALL, MORNING, Desk

Run = Callable[..., Any]
Refusal = Callable[..., str]

REQUESTS = "SELECT position_id, reason, requested_by FROM exit_requests ORDER BY position_id"


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with two positions, at 10:00 of a day with a session."""
    monkeypatch.setattr(SystemClock, "now", lambda _: MORNING)
    desk = Desk(database_url)
    desk.hold("a")
    desk.hold("b")
    return desk


def test_what_is_asked_for_is_kept_with_who_asked_and_why_and_the_next_tick_does_it(
    run: Run, rows: Rows, desk: Desk
) -> None:
    shown = run("force-close", "a", "b", "a", "--reason", " the fund closes ").stdout
    assert shown.splitlines() == [
        "a is closed by the next tick, until 2026-03-17 10:30 EDT",
        "b is closed by the next tick, until 2026-03-17 10:30 EDT",
    ]
    kept = {"reason": "the fund closes", "requested_by": person.who()}
    assert rows(REQUESTS) == [{"position_id": "a", **kept}, {"position_id": "b", **kept}]
    desk.later()
    desk.quote(CALL, "2.00", "2.10")
    desk.tick()
    assert {desk.position(name).status for name in ("a", "b")} == {"CLOSED"}


def test_it_says_that_a_halt_is_in_the_way(run: Run, desk: Desk) -> None:
    assert desk.position("a").status == "OPEN"
    run("halt", "--reason", "odd fills")
    shown = run("force-close", "a", "--reason", "x", "--expires", "5").stdout
    assert "until 2026-03-17 10:05 EDT" in shown
    assert "Nothing is sent before exit-pipeline resume: trading is HALT_NEW since" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a"], "--reason is ''; expected why, which is kept with your name"),
        (["x", "--reason", "r"], "ID is 'x', which is not known; expected an open position"),
        (["a", "--reason", "r", "--expires", "soon"],
         "--expires is 'soon'; expected a whole number of minutes from 1 to 10080"),
    ],
    ids=["no reason", "unknown", "expiry"],
)  # fmt: skip
def test_a_mistake_is_one_sentence_and_asks_for_nothing(
    refusal: Refusal, rows: Rows, desk: Desk, arguments: list[str], said: str
) -> None:
    assert desk.position("a").status == "OPEN"
    assert refusal("force-close", *arguments) == said
    assert rows(REQUESTS) == []
