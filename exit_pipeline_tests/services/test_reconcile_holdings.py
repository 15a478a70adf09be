"""What the broker holds against the books: contracts closed by hand, and answers that fail."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderStatus
from exit_pipeline_tests.between import Between, is_silent
from exit_pipeline_tests.desk import CALL, PUT, Desk, alerts, orders
from exit_pipeline_tests.fakes import new_york

ONE_IS_LEFT = "UPDATE paper.positions SET quantity = quantity / abs(quantity)"
NONE_IS_LEFT = "DELETE FROM paper.positions"


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def next_tick(desk: Desk, bid: str, ask: str, symbol: str = CALL) -> None:
    desk.later()
    desk.quote(symbol, bid, ask)
    desk.tick()


def test_what_was_closed_by_hand_is_told_first_and_closed_without_a_gain_by_the_second_tick(
    desk: Desk,
) -> None:
    desk.hold("a", quantity=4)
    desk.rows_changed(NONE_IS_LEFT)
    next_tick(desk, "2.05", "2.15")
    assert alerts(desk) == {("HELD_DIFFERS", f"desk {CALL}")}
    assert desk.position("a").open_quantity == 4
    next_tick(desk, "2.05", "2.15")
    position = desk.position("a")
    assert (position.status, position.close_kind) == ("CLOSED", "EXTERNAL")
    assert (position.realized_pnl, position.realized_pnl_net) == (None, None)
    assert ("CLOSED_ELSEWHERE", "a") in alerts(desk)
    assert orders(desk, "id") == []


def test_an_exit_that_is_due_sells_no_more_than_is_still_held(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.rows_changed(ONE_IS_LEFT)
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "quantity", "status") == [(1, "FILLED")]
    next_tick(desk, "1.00", "1.05")
    position = desk.position("a")
    assert (position.status, position.close_kind) == ("CLOSED", "EXTERNAL")
    assert position.realized_pnl == Decimal("-100.00")
    assert desk.rows("SELECT exited_quantity, external_quantity FROM refactored_positions") == [
        {"exited_quantity": 4, "external_quantity": 3}
    ]


def test_an_exit_of_what_is_no_longer_held_is_not_sent_and_a_person_is_told(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.rows_changed(NONE_IS_LEFT)
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "id") == []
    assert ("EXIT_BLOCKED", "a") in alerts(desk)


def test_two_positions_of_one_contract_sell_together_no_more_than_is_held(desk: Desk) -> None:
    """Which of them has lost one is not known yet, so neither sells it."""
    desk.hold("a", quantity=2)
    desk.hold("b", quantity=2)
    desk.rows_changed("UPDATE paper.positions SET quantity = 3")
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "refactored_position_id", "quantity", "status") == [
        ("a", 1, "FILLED"),
        ("b", 1, "FILLED"),
    ]


def test_a_late_fill_is_booked_also_while_another_order_of_the_contract_is_in_doubt(
    desk: Desk,
) -> None:
    """Regression: each waited for the other.

    The order in doubt kept the contract's gap from being looked into, and the gap, which was the
    late fill of an order of before, kept the order in doubt from being given up.
    """
    desk.stand_apart()
    sent: list[str] = []

    def lose_the_second(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        sent.append(request.client_order_id)
        if len(sent) == 2:
            message = "the line is dead"
            raise UnavailableError(message)
        report: OrderReport = inner.submit(request, *rest)
        return report

    desk.broker = Between(desk.broker, submit=lose_the_second, ids_are_unique=False)
    desk.hold("a", quantity=2)
    desk.hold("b", quantity=2)
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "status") == [("ACCEPTED",), ("UNKNOWN",)]
    order = next(one for one in desk.database.orders.under_ids(sent[:1]) if one.position_id == "a")
    report = desk.broker.find_order("desk", sent[0])
    assert report is not None
    desk.database.orders.book(order, replace(report, status=OrderStatus.CANCELLED))
    desk.trade(CALL, "1.00", "1.05")
    next_tick(desk, "2.05", "2.15")
    assert orders(desk, "status", "filled_quantity")[0] == ("FILLED", 2)
    assert desk.position("a").status == "CLOSED"
    assert ("HELD_DIFFERS", f"desk {CALL}") not in alerts(desk)


def test_a_gap_that_has_gone_by_the_next_tick_was_none(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.rows_changed(ONE_IS_LEFT)
    next_tick(desk, "2.05", "2.15")
    desk.rows_changed("UPDATE paper.positions SET quantity = 4")
    for _ in range(2):
        next_tick(desk, "2.05", "2.15")
    assert desk.position("a").open_quantity == 4
    assert desk.rows("SELECT * FROM held_gaps") == []


def test_a_short_that_was_bought_back_by_hand_is_seen_too(desk: Desk) -> None:
    desk.hold("a", PUT, side="SHORT", quantity=2)
    desk.rows_changed(ONE_IS_LEFT)
    for _ in range(2):
        next_tick(desk, "1.95", "2.05", PUT)
    assert desk.position("a").open_quantity == 1
    assert desk.position("a").status == "OPEN"


def test_contracts_of_the_other_side_are_not_ours(desk: Desk) -> None:
    desk.hold("a", quantity=1)
    desk.rows_changed("UPDATE paper.positions SET quantity = -5")
    for _ in range(2):
        next_tick(desk, "2.05", "2.15")
    assert desk.position("a").close_kind == "EXTERNAL"


def test_more_than_the_books_have_is_somebody_elses(desk: Desk) -> None:
    desk.hold("a", quantity=2)
    desk.rows_changed("UPDATE paper.positions SET quantity = 9")
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "quantity") == [(2,)]
    assert alerts(desk) == set()
    assert [held.quantity for held in desk.broker.positions("desk")] == [7]


def test_a_broker_that_does_not_answer_is_not_a_flat_account(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    desk.broker = Between(desk.broker, positions=is_silent)
    for _ in range(3):
        next_tick(desk, "2.05", "2.15")
    assert desk.position("a").open_quantity == 4
    assert alerts(desk) == {("NOT_RECONCILED", "desk")}
    assert desk.rows("SELECT * FROM held_gaps") == []


def test_an_answer_that_failed_between_two_looks_does_not_make_one_of_them_two(
    desk: Desk,
) -> None:
    desk.hold("a", quantity=4)
    real = desk.broker
    desk.rows_changed(NONE_IS_LEFT)
    next_tick(desk, "2.05", "2.15")
    desk.broker = Between(real, positions=is_silent)
    next_tick(desk, "2.05", "2.15")
    assert desk.position("a").status == "OPEN"
    desk.broker = real
    next_tick(desk, "2.05", "2.15")
    assert desk.position("a").close_kind == "EXTERNAL"


def test_contracts_with_an_order_of_ours_under_way_are_left_alone(desk: Desk) -> None:
    desk.stand_apart()
    desk.hold("a", quantity=4)
    next_tick(desk, "3.15", "3.25")
    desk.rows_changed("UPDATE paper.positions SET quantity = 2")
    for _ in range(2):
        next_tick(desk, "2.50", "2.60")
    assert desk.position("a").open_quantity == 4
    assert ("HELD_DIFFERS", f"desk {CALL}") not in alerts(desk)


def test_a_launch_for_one_position_leaves_what_has_expired_to_its_settlement(desk: Desk) -> None:
    """Regression: what the launch was not for counted as missing, and closed without a price."""
    desk.hold("old", "ACME260317C00100000")
    desk.hold("new")
    desk.rows_changed("DELETE FROM paper.positions WHERE symbol LIKE 'ACME260317%%'")
    for day in (18, 19):
        desk.at(new_york(date(2026, 3, day), 10, 0))
        desk.quote(CALL, "2.05", "2.15")
        desk.tick({"position_ids": ["new"]})
    assert desk.position("old").status == "OPEN"
    assert alerts(desk) == set()
