"""One frame of the live view, as terminals of several widths show it."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from exit_pipeline.cli.watch_view import Frame, say_span, shortened, view
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.record import Alert
from exit_pipeline.services.watch import look
from exit_pipeline_tests.desk import CALL, MORNING, PUT, Desk

IMPORTED = "alpaca-PA3XYZ-ACME260417C00100000"


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A long with a long id at +5 %, and ten short puts near their stop, after a tick at 10:00."""
    desk = Desk(database_url)
    desk.hold(IMPORTED, quantity=100, entry="102.00")
    desk.hold("put", PUT, quantity=10, side="SHORT")
    desk.quote(CALL, "107.05", "107.15")
    desk.quote(PUT, "2.53", "2.55")
    desk.tick()
    desk.later(3)
    return desk


def frame(desk: Desk, **other: Any) -> Frame:
    at = desk.clock.now()
    values: dict[str, Any] = {
        "at": at,
        "seen": look(database=desk.database, calendar=desk.calendar, at=at),
        "next_tick_at": MORNING + timedelta(minutes=5),
    }
    return Frame(**values | other)


def shown(frame: Frame, width: int = 80) -> str:
    console = Console(width=width, record=True, file=StringIO())
    console.print(view(frame, width))
    return console.export_text()


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_figure_is_cut_from_80_columns_on(desk: Desk, width: int) -> None:
    text = shown(frame(desk), width)
    assert all(len(line) <= width for line in text.splitlines())
    for figure in ("107.10", "+51,000.00", "+5.0", "STOP_LOSS", "3.0 % $60", "put"):
        assert figure in text
    first, second = (line for line in text.splitlines() if "STOP_LOSS" in line or "PROFIT" in line)
    assert first.startswith("put")
    assert "PROFIT_TARGET" in second
    assert ("…" in second.split()[0]) is (width != 100)


def test_a_wide_terminal_also_shows_what_comes_after_the_nearest(desk: Desk) -> None:
    assert "PROFIT_TARGET 77.0 % $1,540" in shown(frame(desk), 160)
    assert "$1,540" not in shown(frame(desk), 100)


def test_the_head_tells_state_ages_and_what_comes_next(desk: Desk) -> None:
    text = shown(frame(desk))
    assert text.splitlines()[0].strip() == "Tue 2026-03-17 10:03:00 New York"
    assert "trading is ACTIVE" in text
    assert "last tick 10:00, 3 min 0 s ago; next tick 10:05, in 2 min 0 s" in text
    assert "no alert that nobody has acknowledged" in text
    assert "no order at work" in text
    assert "paper/desk: 2 open, last tick 10:00, 3 min 0 s ago" in text


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (None, "no tick is scheduled"),
        (MORNING + timedelta(days=1), "next tick Wed 10:00, in 23 h 57 min"),
    ],
    ids=["none", "tomorrow"],
)
def test_the_next_tick_may_be_on_another_day_or_never(desk: Desk, due: Any, said: str) -> None:
    assert said in shown(frame(desk, next_tick_at=due))


def test_a_database_that_went_away_is_told_above_what_was_seen_last(desk: Desk) -> None:
    trouble = "The database did not answer: gone. Trying again every 5 s."
    text = shown(frame(desk, trouble=trouble))
    assert trouble in text
    assert text.index("did not answer") < text.index("Below: as of 10:03:00.") < text.index("put")


def test_a_database_that_never_answered_is_told_alone(desk: Desk) -> None:
    text = shown(frame(desk, seen=None, trouble="The database did not answer: gone."))
    assert text.splitlines()[-1].strip() == "The database did not answer: gone."
    assert "next tick 10:05" in text


def test_what_needs_a_person_stands_above_the_positions(desk: Desk) -> None:
    desk.database.control.move(TradingState.HALT_NEW, "odd fills", "ann")
    desk.database.runs.raise_alerts([
        Alert(severity="CRITICAL", cause=f"CAUSE_{n}", subject="put", message="[b]m[/b].")
        for n in range(7)
    ])  # fmt: skip
    desk.rows_changed(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " quantity, side, limit_price, exit_reason, status)"
        " VALUES ('x-1', 'put', 'FULL', 10, 10, 'BUY_TO_CLOSE', 2.55, 'STOP_LOSS', 'UNKNOWN')"
    )
    text = shown(frame(desk), 200)
    assert "trading is HALT_NEW" in text
    assert text.count("CRITICAL") == 5
    assert "put: [b]m[/b]." in text
    assert "and 3 more alerts" in text
    assert "put: buy 0 of 10 at 2.55, STOP_LOSS, UNKNOWN" in text
    assert text.index("and 3 more alerts") < text.index("nearest exit")


def test_accounts_that_no_tick_looks_at_are_late(desk: Desk) -> None:
    desk.later(20)
    assert "LATE: paper/desk has 2 open positions and no good tick for" in shown(frame(desk), 200)


def test_without_positions_and_ticks_it_says_so(desk: Desk) -> None:
    seen = frame(desk).seen
    assert seen
    empty = replace(seen, positions={}, accounts=[], market_closed="XNYS is closed: Sunday")
    text = shown(frame(desk, seen=empty))
    for said in ("No open positions.", "no tick has worked yet", "XNYS is closed: Sunday"):
        assert said in text


def test_before_the_first_decision_nothing_is_known_of_a_position(database_url: str) -> None:
    desk = Desk(database_url)
    desk.hold("new")
    (row,) = [line for line in shown(frame(desk)).splitlines() if line.startswith("new")]
    assert row.split() == ["new", "1", "-", "-", "-", "not", "judged", "-"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (-5, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (125, "2 min 5 s"),
     (7_500, "2 h 5 min"), (176_400, "2 d 1 h")],
)  # fmt: skip
def test_a_span_is_said_in_its_two_greatest_units(seconds: float, said: str) -> None:
    assert say_span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("text", "room", "short"),
    [("abc", 3, "abc"), ("abcd", 3, "a…d"), (IMPORTED, 17, "alpaca-P…00100000"),
     (IMPORTED, 40, IMPORTED), ("日本株式十二月", 14, "日本株式十二月"),
     ("日本株式十二月", 13, "日本株…十二月"), ("日本株式十二月", 12, "日本株…二月")],
)  # fmt: skip
def test_a_long_id_loses_its_middle(text: str, room: int, short: str) -> None:
    assert shortened(text, room) == short
    assert cell_len(shortened(text, room)) <= room


def test_ids_of_wide_characters_leave_the_figures_their_room(desk: Desk) -> None:
    """Regression: ids were measured in characters, of which a Japanese one takes two columns: on a
    terminal of 80 the way to the next exit was cut off."""
    desk.hold("日本の口座の十二月限のプットの買い持ち", quantity=100, entry="102.00")
    desk.later(2)
    desk.tick()
    text = shown(frame(desk))
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert "3.0 % $60" in text
    assert "日本の口…い持ち" in text
