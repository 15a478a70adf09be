"""Orders at the broker against the books: waited for, given up by proof, found again, disowned."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine, session_lock
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderSide
from exit_pipeline_tests.between import Between, is_silent, shows_none
from exit_pipeline_tests.desk import CALL, TUESDAY, Desk, alerts, orders
from exit_pipeline_tests.fakes import new_york

SECOND = timedelta(seconds=1)


class Slow:
    """A line on which an order is lost, and may arrive much later."""

    def __init__(self) -> None:
        self.on_its_way: list[OrderRequest] = []

    def submit(self, inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:  # noqa: ARG002
        self.on_its_way.append(request)
        message = "no answer within 10 seconds"
        raise UnavailableError(message)


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk at a broker that keeps no id apart, in whose market nothing trades."""
    desk = Desk(database_url)
    desk.stand_apart()
    desk.broker = Between(desk.broker, ids_are_unique=False)
    return desk


@pytest.fixture
def line() -> Slow:
    return Slow()


def lose_an_order(desk: Desk, line: Slow, *, read_back: bool = True, quantity: int = 4) -> None:
    """Half of a position is to be sold at its profit target, and the order never arrives."""
    desk.hold("a", quantity=quantity)
    desk.quote(CALL, "3.15", "3.25")
    real = desk.broker
    desk.broker = Between(real, submit=line.submit)
    if not read_back:
        desk.broker = Between(desk.broker, find_order=is_silent)
    desk.tick()
    desk.broker = real
    assert orders(desk, "status") == [("UNKNOWN",)]


def tick_after(desk: Desk, seconds: float) -> Any:
    """A tick so many seconds later, with a fresh quote that makes the exit due."""
    desk.clock.advance(seconds * SECOND)
    desk.quote(CALL, "3.15", "3.25")
    return desk.tick()


WAITS = [("UNKNOWN", 1)]
GIVEN_UP = [("ABANDONED", 1), ("ACCEPTED", 2)]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(60, WAITS), (119, WAITS), (120, GIVEN_UP), (300, GIVEN_UP)],
)
def test_an_order_that_is_not_shown_is_waited_for_120_seconds(
    desk: Desk, line: Slow, seconds: int, expected: list[tuple[str, int]]
) -> None:
    lose_an_order(desk, line)
    tick_after(desk, seconds)
    assert orders(desk, "status", "attempt") == expected
    if expected == GIVEN_UP:
        (why, _), *_ = orders(desk, "rejection_reason", "attempt")
        assert "does not show it, and nobody could send it any more" in why


@pytest.mark.parametrize(
    ("seconds", "expected"), [(119, WAITS), (120, GIVEN_UP)], ids=["119 seconds", "120 seconds"]
)
def test_the_wait_begins_with_the_first_look_and_not_with_the_sending(
    desk: Desk, line: Slow, seconds: int, expected: list[tuple[str, int]]
) -> None:
    lose_an_order(desk, line, read_back=False)
    tick_after(desk, 300)
    assert orders(desk, "status", "first_missed_at") == [("UNKNOWN", desk.clock.now())]
    tick_after(desk, seconds)
    assert orders(desk, "status", "attempt") == expected


def test_an_order_that_somebody_still_sends_is_waited_for_however_long(
    desk: Desk, line: Slow, database_url: str
) -> None:
    """Regression: a sender that was frozen in the act woke up and sold a second time."""
    lose_an_order(desk, line)
    ((order_id,),) = orders(desk, "CAST(id AS text)")
    frozen = make_engine(database_url)
    with session_lock(frozen, order_id) as is_frozen:
        assert is_frozen
        for _ in range(3):
            tick_after(desk, 300)
        assert orders(desk, "status", "attempt") == WAITS
    frozen.dispose()
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == WAITS
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == GIVEN_UP


@pytest.mark.parametrize(
    "held",
    [
        pytest.param("UPDATE paper.positions SET quantity = 3", id="fewer are held"),
        pytest.param("DELETE FROM paper.positions", id="none is held"),
    ],
)
def test_an_order_is_not_given_up_where_the_broker_holds_less_than_the_books(
    desk: Desk, line: Slow, held: str
) -> None:
    lose_an_order(desk, line)
    desk.rows_changed(held)
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == WAITS
    assert desk.position("a").open_quantity == 4


def test_a_launch_for_one_position_gives_up_no_order_whose_fill_took_anothers_contracts(
    desk: Desk, line: Slow
) -> None:
    """Regression: such a launch compared what is held with the positions that it was for.

    4 and 4 of a contract are held and an order of 2 has filled unseen: 6 are no fewer than the 4 of
    the one position, so that the order counted as never placed and its contracts were sold again.
    """
    desk.hold("b", quantity=4, entry="3.00")
    lose_an_order(desk, line)
    desk.rows_changed("UPDATE paper.positions SET quantity = 6")
    desk.clock.advance(300 * SECOND)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick({"position_ids": ["a"]})
    assert orders(desk, "status", "attempt") == WAITS


def test_contracts_of_the_other_side_are_no_proof_that_an_order_was_never_placed(
    desk: Desk, line: Slow
) -> None:
    """Regression: a sale that the network had delivered twice left 4 sold short of 4 that were
    held, which counted as the 4 of the books."""
    lose_an_order(desk, line)
    desk.rows_changed("UPDATE paper.positions SET quantity = -4")
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == WAITS


def test_an_order_is_not_given_up_while_the_broker_does_not_say_what_it_holds(
    desk: Desk, line: Slow
) -> None:
    lose_an_order(desk, line)
    real, desk.broker = desk.broker, Between(desk.broker, positions=is_silent)
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == WAITS
    desk.broker = real
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == GIVEN_UP


def test_an_order_that_was_seen_at_work_is_given_up_only_after_its_session(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.broker = Between(desk.broker, working_orders=shows_none, find_order=lambda *_: None)
    for _ in range(3):
        tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == WAITS
    # Regression: some contracts trade until 16:15, and their orders ended in the books at 16:02.
    desk.at(new_york(TUESDAY, 16, 16))
    desk.tick()
    assert orders(desk, "status", "attempt") == WAITS
    desk.at(new_york(TUESDAY, 16, 17))
    desk.tick()
    assert orders(desk, "status", "rejection_reason") == [
        ("EXPIRED", "its session is over, and the broker does not show it")
    ]
    assert ("ORDER_LOST", "a") in alerts(desk)
    assert desk.rows("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 0}]


def test_a_position_that_waits_for_an_order_is_told_of_once(desk: Desk, line: Slow) -> None:
    lose_an_order(desk, line)
    report = tick_after(desk, 60)
    assert alerts(desk) == {("ORDER_UNKNOWN", "a")}
    assert report.executed.notes["a"] == "an exit order of it is working"


def given_up_and_risen(desk: Desk, line: Slow) -> None:
    """The order of before is given up and replaced, and then it arrives after all."""
    lose_an_order(desk, line)
    tick_after(desk, 300)
    assert orders(desk, "status", "attempt") == GIVEN_UP
    desk.broker.submit(line.on_its_way[0])


def test_an_order_found_again_after_it_was_given_up_is_cancelled_and_halts_trading(
    desk: Desk, line: Slow
) -> None:
    given_up_and_risen(desk, line)
    tick_after(desk, 300)
    statuses = desk.rows("SELECT status FROM paper.orders ORDER BY client_order_id")
    assert [row["status"] for row in statuses] == ["CANCELLED", "ACCEPTED"]
    assert ("ORDER_ROSE_AGAIN", "a") in alerts(desk)
    control = desk.database.control.read()
    assert control.state is TradingState.HALT_NEW
    assert control.reason.startswith("ORDER_ROSE_AGAIN: order em-paper-")
    assert orders(desk, "status", "attempt") == GIVEN_UP


def test_what_a_risen_order_has_filled_is_booked_as_late(desk: Desk, line: Slow) -> None:
    given_up_and_risen(desk, line)
    desk.clock.advance(300 * SECOND)
    desk.trade(CALL, "3.15", "3.25", size=1)
    desk.quote(CALL, "2.50", "2.60")
    desk.tick()
    rows = orders(desk, "status", "filled_quantity", "late_fill")
    assert rows[0] == ("ABANDONED", 1, True)
    assert ("LATE_FILL", "a") in alerts(desk)
    assert desk.position("a").open_quantity == 3
    assert desk.position("a").realized_pnl == Decimal("115.00")


def test_what_a_risen_order_fills_while_it_is_cancelled_is_booked_too(
    desk: Desk, line: Slow
) -> None:
    given_up_and_risen(desk, line)

    def fill_first(inner: Any, account: str, client_order_id: str) -> OrderReport:
        desk.trade(CALL, "3.15", "3.25", size=1)
        report: OrderReport = inner.cancel(account, client_order_id)
        return report

    desk.broker = Between(desk.broker, cancel=fill_first)
    tick_after(desk, 300)
    assert orders(desk, "status", "filled_quantity", "late_fill")[0] == ("ABANDONED", 1, True)


def test_a_risen_order_is_left_alone_where_nothing_may_be_written(desk: Desk, line: Slow) -> None:
    given_up_and_risen(desk, line)
    desk.database.control.move(TradingState.FREEZE, "a look around", "ann")
    tick_after(desk, 300)
    statuses = desk.rows("SELECT status FROM paper.orders ORDER BY client_order_id")
    assert [row["status"] for row in statuses] == ["ACCEPTED", "ACCEPTED"]
    assert ("ORDER_ROSE_AGAIN", "a") in alerts(desk)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda shown: replace(shown, quantity=1), id="another quantity"),
        pytest.param(lambda shown: replace(shown, side=OrderSide.BUY_TO_CLOSE), id="another side"),
        pytest.param(lambda shown: replace(shown, symbol="X"), id="another contract"),
        pytest.param(
            lambda shown: replace(shown, submitted_at=shown.submitted_at - 61 * SECOND),
            id="an older one",
        ),
    ],
)
def test_another_order_under_our_id_is_booked_as_nothing_and_halts_trading(
    desk: Desk, change: Callable[[OrderReport], OrderReport]
) -> None:
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.trade(CALL, "3.15", "3.25")

    def show(inner: Any, account: str) -> list[OrderReport]:  # noqa: ARG001 as the port has it
        return [change(inner.find_order("desk", orders(desk, "client_order_id")[0][0]))]

    desk.broker = Between(desk.broker, working_orders=show)
    tick_after(desk, 300)
    assert orders(desk, "status", "filled_quantity") == [("ACCEPTED", 0)]
    assert any(cause == "ORDER_MISMATCH" for cause, _ in alerts(desk))
    assert desk.database.control.read().state is TradingState.HALT_NEW


def test_somebody_elses_order_on_a_contract_of_ours_keeps_its_contracts(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.broker.submit(
        OrderRequest(
            client_order_id="by-hand",
            account="desk",
            symbol=CALL,
            side=OrderSide.SELL_TO_CLOSE,
            quantity=3,
            limit_price=Decimal("9.00"),
        )
    )
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    assert alerts(desk) == {("EXTERNAL_ORDER", "by-hand")}
    assert orders(desk, "quantity", "status") == [(1, "ACCEPTED")]


def test_an_order_that_is_filled_but_not_at_work_is_looked_up_by_its_id(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.clock.advance(300 * SECOND)
    desk.trade(CALL, "3.15", "3.25")
    desk.tick()
    assert orders(desk, "status", "filled_quantity") == [("FILLED", 2)]
    assert desk.position("a").open_quantity == 2
