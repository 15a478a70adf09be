"""A tick in a few lines of text."""

import pytest

from exit_pipeline.core.model.book_state import TickOrder
from exit_pipeline.services.check_book import scope_of
from exit_pipeline.services.tell_tick import LINE, ROWS, tell_tick
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.desk import CALL, PUT, Desk


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A call at its stop, and a put that holds."""
    desk = Desk(database_url)
    desk.hold("a call", entry="4.00", quantity=2)
    desk.hold("a put", PUT)
    desk.quote(CALL, "2.00", "2.10")
    desk.quote(PUT, "1.99", "2.01")
    return desk


def told(desk: Desk, report: TickReport) -> list[str]:
    runs = [run.run_id for run in report.runs]
    scope = scope_of("paper", desk.calendar, desk.clock.now(), runs)
    orders: list[TickOrder] = list(desk.database.operation.book_state(scope).orders)
    return tell_tick(report, orders, desk.calendar.zone).splitlines()


def test_exits_come_first_with_why_and_what_their_fills_cost(desk: Desk) -> None:
    lines = told(desk, desk.tick())
    assert [" ".join(line.split()) for line in lines] == [
        "10:00 New York, paper: 2 positions, 1 exit, 0 quotes refused, 1 order, 2 filled, "
        "slippage $ 10.00, 50 % of the spread",
        "position contract P&L % decision filled, slippage",
        "a call ACME 100C 17Apr26 -48.8 STOP_LOSS all: P&L -48.8 % against a stop of -30.0 % "
        "2 of 2 at 2.00, $ 10.00",
        "a put ACME 100P 17Apr26 +0.0 Nearest is EXPIRY: the contract stops trading in 31 days, "
        "the …",
    ]


def test_columns_begin_below_their_heads(desk: Desk) -> None:
    _, head, call, put = told(desk, desk.tick())
    assert head.index("contract") == call.index("ACME") == put.index("ACME")
    assert head.index("decision") == call.index("STOP_LOSS") == put.index("Nearest")
    assert head.index("filled") == call.index("2 of 2")


def test_a_dry_run_says_that_nothing_is_sent(desk: Desk) -> None:
    first, _, call, _ = told(desk, desk.tick({"dry_run": True}))
    assert first.endswith("0 orders, 0 filled, a dry run, of which nothing is sent")
    assert call.endswith("dry run: nothing is sent")


def test_an_exit_that_is_not_sent_says_why(desk: Desk) -> None:
    desk.database.control.halt("a test")
    _, _, call, _ = told(desk, desk.tick())
    assert "denied: trading is in HALT_NEW" in call


def test_a_working_order_shows_its_state_and_its_limit(desk: Desk) -> None:
    desk.stand_apart()
    _, _, call, _ = told(desk, desk.tick())
    assert call.endswith("ACCEPTED at 1.85")


def test_a_position_without_a_mark_has_no_pnl_rather_than_zero(desk: Desk) -> None:
    desk.hold("blind", "ACME260619C00120000")
    *_, blind = told(desk, desk.tick())
    assert blind.split("ACME 120C 19Jun26")[1].split() == ["Nearest", *blind.split()[5:]]


def test_of_a_large_book_the_first_rows_are_shown_and_the_rest_is_counted(desk: Desk) -> None:
    for number in range(30):
        desk.hold(f"more {number:02}", PUT)
    lines = told(desk, desk.tick())
    assert len(lines) == ROWS + 3
    assert lines[2].startswith("a call")
    assert lines[-1] == f"and {32 - ROWS} more, all of them at the step decide"


def test_long_names_are_cut_so_that_a_line_stays_a_line(desk: Desk) -> None:
    desk.hold("a position whose name is longer than anybody would read", PUT)
    lines = told(desk, desk.tick())
    assert any(line.startswith("a position whose name i…  ") for line in lines)
    assert all(len(line) <= LINE for line in lines[1:])


def test_a_tick_without_positions_is_one_line(desk: Desk) -> None:
    desk.rows_changed("UPDATE refactored_positions SET environment = 'tape'")
    lines = told(desk, desk.tick())
    assert lines == [
        "10:00 New York, paper: 0 positions, 0 exits, 0 quotes refused, 0 orders, 0 filled"
    ]
