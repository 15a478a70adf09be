"""Contracts that left an account without an order of ours."""

from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline_tests.adapters.database.postgres.examples import (
    CALL,
    NOON,
    PUT,
    fill,
    intent,
    position,
    record,
    report,
    start,
)

FIVE = timedelta(minutes=5)


@pytest.fixture
def kept(sql):
    """The position's row as it stands."""
    return lambda: sql("SELECT * FROM refactored_positions WHERE id = 'p1'")[0]


def see(database, missing, at=NOON, account="demo"):
    found = database.positions.see_gaps("paper", account, missing, at)
    return {symbol: gap.missing for symbol, gap in found.items()}


def test_what_is_missing_is_believed_when_a_later_look_misses_it_too(database):
    assert see(database, {CALL: 2}) == {}
    assert see(database, {CALL: 2}) == {}, "the same moment is no second look"
    assert see(database, {CALL: 2}, NOON + FIVE) == {CALL: 2}


@pytest.mark.parametrize(("first", "second", "sure"), [(3, 1, 1), (1, 3, 1), (2, 2, 2)])
def test_only_as_many_are_believed_as_both_looks_missed(database, first, second, sure):
    see(database, {CALL: first})
    assert see(database, {CALL: second}, NOON + FIVE) == {CALL: sure}


def test_a_look_that_finds_them_again_forgets_the_one_before(database):
    see(database, {CALL: 2, PUT: 1})
    see(database, {PUT: 1}, NOON + FIVE)
    assert see(database, {CALL: 2, PUT: 1}, NOON + 2 * FIVE) == {PUT: 1}


def test_nothing_missing_forgets_all_of_the_account_and_nothing_of_another(database, sql):
    see(database, {CALL: 2})
    see(database, {CALL: 2}, account="other")
    assert see(database, {}, NOON + FIVE) == {}
    assert sql("SELECT account FROM held_gaps") == [{"account": "other"}]


def test_contracts_closed_by_hand_end_the_position_as_external_without_any_gain(database, kept):
    database.positions.import_positions([position()])
    database.positions.close_elsewhere("p1", 1, NOON)
    row = kept()
    assert (row["status"], row["open_quantity"], row["close_kind"]) == ("OPEN", 1, None)
    database.positions.close_elsewhere("p1", 1, NOON + FIVE)
    row = kept()
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXTERNAL")
    assert (row["external_quantity"], row["exited_quantity"]) == (2, 2)
    assert (row["exit_price"], row["realized_pnl"], row["realized_pnl_net"]) == (None, None, None)
    assert (row["exit_time"], row["unrealized_pnl"]) == (NOON + FIVE, 0)


def test_what_orders_have_gained_before_stays_as_it_is(database, kept):
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    order = record(database, intent(run_id, quantity=1, exit_action="PARTIAL"))
    database.orders.book(order, report(order, "FILLED", fill("e1", 1, "3.20")))
    database.positions.close_elsewhere("p1", 1, NOON)
    row = kept()
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXTERNAL")
    assert (row["realized_pnl"], row["exit_price"]) == (120, Decimal("3.20"))


def test_no_more_is_taken_out_than_is_open_and_nothing_of_what_is_closed(database, kept):
    database.positions.import_positions([position()])
    for _ in range(2):
        database.positions.close_elsewhere("p1", 5, NOON)
    assert (kept()["external_quantity"], kept()["open_quantity"]) == (2, 0)
    database.positions.close_elsewhere("nobody", 1, NOON)
