"""The commands that stop trading and let it go on."""

from collections.abc import Callable
from typing import Any

import pytest

from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.cli import person
from exit_pipeline_tests.cli.conftest import Rows
from exit_pipeline_tests.desk import CALL, MORNING, Desk, decision

Run = Callable[..., Any]
Refusal = Callable[..., str]

MOVES = "SELECT to_state, reason, changed_by FROM trading_control_changes ORDER BY seq"


def moves(rows: Rows) -> list[tuple[str, ...]]:
    return [tuple(row.values()) for row in rows(MOVES)]


@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ([], "HALT_NEW"),
        (["HALT_NEW"], "HALT_NEW"),
        (["cancel_all"], "CANCEL_ALL"),
        (["FREEZE"], "FREEZE"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_a_halt_is_kept_with_its_reason_and_who_made_it(
    run: Run, rows: Rows, arguments: list[str], state: str
) -> None:
    shown = run("halt", *arguments, "--reason", "odd fills").stdout
    assert shown.startswith(f"trading is {state} since ")
    assert f"moved by {person.who()}: odd fills" in shown
    assert moves(rows) == [(state, "odd fills", person.who())]


def test_a_halt_needs_no_reason_and_no_broker(
    run: Run, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_BROKER", "robinhood")
    run("halt")
    assert moves(rows) == [("HALT_NEW", "", person.who())]


@pytest.mark.parametrize("state", ["STOP", "ACTIVE", ""])
def test_an_unknown_state_is_one_sentence_and_moves_nothing(
    refusal: Refusal, rows: Rows, state: str
) -> None:
    assert refusal("halt", state) == (
        f"STATE is {state!r}; expected one of HALT_NEW, CANCEL_ALL, FREEZE"
    )
    assert moves(rows) == []


@pytest.mark.parametrize(
    ("strict", "lax"),
    [("FREEZE", "HALT_NEW"), ("FREEZE", "CANCEL_ALL"), ("CANCEL_ALL", "HALT_NEW")],
)
def test_a_halt_loosens_nothing(
    run: Run, refusal: Refusal, rows: Rows, strict: str, lax: str
) -> None:
    run("halt", strict)
    assert refusal("halt", lax) == (
        f"STATE is {lax!r}, and trading is in {strict}, which is stricter; expected {strict} or "
        f"stricter, or first: exit-pipeline resume --reason TEXT"
    )
    assert len(moves(rows)) == 1


@pytest.mark.parametrize("arguments", [[], ["--reason", ""], ["--reason", "  "]])
def test_a_resume_without_a_reason_is_one_sentence(
    run: Run, refusal: Refusal, rows: Rows, arguments: list[str]
) -> None:
    run("halt", "FREEZE")
    assert "expected why trading may go on" in refusal("resume", *arguments)
    assert len(moves(rows)) == 1


def test_a_resume_says_what_it_ended_and_a_second_one_changes_nothing(run: Run, rows: Rows) -> None:
    run("halt", "FREEZE", "--reason", "odd fills")
    shown = run("resume", "--reason", "they were right").stdout
    assert shown.startswith("trading is ACTIVE; before, trading was FREEZE since ")
    assert run("resume", "--reason", "again").stdout == (
        "trading is ACTIVE already; nothing was changed\n"
    )
    assert moves(rows)[1:] == [("ACTIVE", "they were right", person.who())]


@pytest.fixture
def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk with an order that has filled one of two contracts and rests, within its day."""
    monkeypatch.setattr(SystemClock, "now", lambda _: MORNING)
    desk = Desk(database_url)
    # Far beyond what the simulated market, which the commands look at, would ever pay for it.
    desk.hold("a", entry="600.00", quantity=4)
    desk.quote(CALL, "940.00", "941.00", size=1)
    desk.tick()
    return desk


def test_cancel_all_cancels_at_once_and_says_what_became_of_each_order(
    run: Run, desk: Desk
) -> None:
    shown = run("halt", "CANCEL_ALL").stdout
    assert "of a is CANCELLED, 1 of 2 filled" in shown
    assert "1 orders have ended, 0 not confirmed yet" in shown
    assert desk.rows("SELECT status FROM orders") == [{"status": "CANCELLED"}]


def test_a_halt_that_cancels_nothing_says_what_still_works(run: Run, desk: Desk) -> None:
    assert "1 orders are still working and may fill" in run("halt").stdout
    assert desk.rows("SELECT status FROM orders") == [{"status": "PARTIAL_FILL"}]


def test_trading_is_halted_also_where_the_broker_cant_be_reached(
    refusal: Refusal, rows: Rows, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXIT_BROKER", "robinhood")
    sentence = refusal("halt", "CANCEL_ALL")
    assert sentence.startswith(
        "trading is halted, but no order was asked for its cancel yet: EXIT_BROKER is 'robinhood'"
    )
    assert moves(rows)[0][0] == "CANCEL_ALL"
    assert desk.rows("SELECT status FROM orders") == [{"status": "PARTIAL_FILL"}]


def test_a_halt_holds_for_the_next_tick_which_says_so_first(run: Run, desk: Desk) -> None:
    run("halt", "--reason", "odd fills")
    desk.hold("b", "ACME260417P00100000")
    desk.later()
    desk.quote("ACME260417P00100000", "3.15", "3.25")
    report = desk.tick()
    assert decision(report, "b").exit_reason == "PROFIT_TARGET"
    assert report.executed.decided.tick.notes[0].startswith("trading is HALT_NEW since ")
    assert desk.rows("SELECT status FROM orders WHERE refactored_position_id = 'b'") == [
        {"status": "DENIED"}
    ]


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)
    assert person.who() == "uid 4000000"
