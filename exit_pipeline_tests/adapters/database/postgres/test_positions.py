"""Positions: what is open where, imports that can be repeated, marks and settlements."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.record import PositionMark
from exit_pipeline_tests.adapters.database.postgres.examples import (
    CALL,
    NOON,
    PUT,
    intent,
    position,
    record,
    settlement,
    start,
)

USERS_ROW = """
    INSERT INTO refactored_positions
        (id, symbol, quantity, entry_price, entry_time, strike, expiration, option_type)
    VALUES (:id, 'SPY', 1, 1.25, '2025-02-28 15:00+00', :strike, '2025-03-21', 'CALL')
"""


def ids(positions):
    return [one.id for one in positions]


def mark(position_id="p1", dollars="2.50", **other):
    value = None if dollars is None else Decimal(dollars)
    values = {"mark": value, "mid": value, "good_mark": value, "gex_latched": False}
    return PositionMark(position_id=position_id, marked_at=NOON, **values | other)


def test_an_imported_position_comes_back_as_it_was_given(database):
    given = position(entry_price=Decimal("138.8125"), timeframe="15m", policy="tight")
    assert database.positions.import_positions([given]) == 1
    (kept,) = database.positions.open_positions("paper")
    assert (kept.id, kept.contract.symbol, kept.underlying) == ("p1", CALL, "SPY")
    assert (kept.side, kept.quantity, kept.open_quantity) == (PositionSide.LONG, 2, 2)
    assert (kept.entry_price, kept.entry_time) == (given.entry_price, given.entry_time)
    assert (kept.broker, kept.environment, kept.account) == ("paper", "paper", "demo")
    assert (kept.timeframe, kept.policy) == ("15m", "tight")
    assert kept.is_adopted


@pytest.mark.parametrize(
    ("symbol", "side", "view"),
    [(CALL, "LONG", "CALL"), (PUT, "SHORT", "CALL"), (PUT, "LONG", "PUT"), (CALL, "SHORT", "PUT")],
)
def test_the_direction_of_an_import_is_its_view_of_the_market(database, sql, symbol, side, view):
    database.positions.import_positions([position(symbol=symbol, side=side)])
    (row,) = sql("SELECT direction, symbol, underlying, strike, expiration, option_type, status"
                 " FROM refactored_positions")  # fmt: skip
    assert row["direction"] == view
    assert (row["symbol"], row["underlying"], row["status"]) == ("SPY", "SPY", "OPEN")
    assert row["option_type"] == ("CALL" if symbol == CALL else "PUT")
    assert (row["strike"], str(row["expiration"])) in {(580, "2025-03-21"), (560, "2025-03-21")}


def test_a_repeated_import_finds_its_rows_whether_open_or_closed(database):
    both = [position(), position("p2")]
    assert database.positions.import_positions(both) == 2
    database.positions.settle("p2", settlement("0"))
    assert database.positions.import_positions([*both, position("p3")]) == 1
    assert ids(database.positions.open_positions("paper")) == ["p1", "p3"]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("symbol", PUT, PUT),
        ("side", "SHORT", "SHORT"),
        ("quantity", 3, "3"),
        ("entry_price", Decimal("2.01"), "2.01"),
        ("account", "other", "other"),
        ("environment", "tape", "tape"),
        ("policy", "loose", "loose"),
    ],
)
def test_an_id_that_exists_with_other_content_is_refused_and_nothing_is_imported(
    database, field, value, said
):
    kept = position(policy="tight")
    database.positions.import_positions([kept])
    changed = [position("p0"), replace(kept, **{field: value})]
    for refuse in (database.positions.check_import, database.positions.import_positions):
        with pytest.raises(InputError, match="'p1'") as caught:
            refuse(changed)
        assert field in str(caught.value)
        assert said in str(caught.value)
    assert ids(database.positions.open_positions("paper")) == ["p1"]


def test_an_import_that_names_no_policy_leaves_the_one_that_was_given_since(database, sql):
    database.positions.import_positions([position()])
    sql("UPDATE refactored_positions SET policy = 'tight', timeframe = '1h'")
    assert database.positions.import_positions([position()]) == 0


def test_one_id_twice_in_an_import_is_one_row_or_a_refusal(database):
    assert database.positions.import_positions([position(), position()]) == 1
    with pytest.raises(InputError, match="quantity"):
        database.positions.import_positions([position("p2"), position("p2", quantity=9)])


def test_an_import_writes_nothing_when_a_symbol_is_none(database):
    with pytest.raises(InputError, match="'SPY'"):
        database.positions.import_positions([position("p0"), position(symbol="SPY")])
    assert database.positions.open_positions("paper") == []


@pytest.mark.parametrize(
    ("environment", "seen"),
    [("paper", ["mine", "p1"]), ("live", ["mine"]), ("tape", ["t1"]), ("simulated", [])],
)
def test_rows_without_a_broker_are_seen_by_what_trades_now_and_never_by_a_replay(
    database, sql, environment, seen
):
    database.positions.import_positions([position(), position("t1", environment="tape")])
    sql(USERS_ROW, id="mine", strike=580)
    assert ids(database.positions.open_positions(environment)) == seen
    accounts = {"mine": "unassigned", "p1": "demo", "t1": "demo"}
    known = sorted(accounts[one] for one in seen)
    assert sorted(database.positions.accounts(environment)) == known


def test_accounts_are_those_that_have_or_had_a_position(database, sql):
    database.positions.import_positions([position(), position("p2", account="old")])
    database.positions.settle("p2", settlement("0"))
    sql(USERS_ROW, id="mine", strike=580)
    assert database.positions.accounts("paper") == ["demo", "old", "unassigned"]
    sql("UPDATE refactored_positions SET status = 'CLOSED', exited_quantity = 1 WHERE id = 'mine'")
    assert database.positions.accounts("paper") == ["demo", "old"]


@pytest.mark.parametrize(
    ("filters", "seen"),
    [
        ({}, ["mine", "p1", "p2"]),
        ({"accounts": ["demo"]}, ["p1"]),
        ({"accounts": ["unassigned"]}, ["mine"]),
        ({"accounts": []}, []),
        ({"underlyings": ["GOOG"]}, ["p2"]),
        ({"position_ids": ["p1", "p2"], "underlyings": ["SPY"]}, ["p1"]),
    ],
)
def test_open_positions_are_filtered_and_ordered_by_id(database, sql, filters, seen):
    database.positions.import_positions(
        [position("p2", account="other", symbol="GOOG250321C00200000"), position("p1")]
    )
    sql(USERS_ROW, id="mine", strike=580)
    assert ids(database.positions.open_positions("paper", **filters)) == seen


def test_a_users_row_without_a_readable_contract_is_there_without_one(database, sql):
    sql(USERS_ROW, id="mine", strike=580)
    sql(USERS_ROW, id="vague", strike=None)
    mine, vague = database.positions.open_positions("paper")
    assert mine.contract.symbol == CALL
    assert vague.contract is None
    assert (vague.underlying, vague.is_adopted) == ("SPY", False)


def test_a_mark_sets_price_open_gain_and_the_state_of_the_rules(database, sql):
    database.positions.import_positions([position(), position("s1", side="SHORT", quantity=3)])
    database.positions.refresh([mark(gex_latched=True), mark("s1", "1.50")])
    long, short = sql("SELECT * FROM refactored_positions ORDER BY id")
    assert (long["current_price"], long["unrealized_pnl"]) == (Decimal("2.5"), Decimal(100))
    assert short["unrealized_pnl"] == Decimal(150)
    assert (long["gex_latched"], short["gex_latched"]) == (True, False)
    assert long["marked_at"] == NOON
    kept, _ = database.positions.open_positions("paper")
    assert (kept.previous_mid, kept.previous_mid_at) == (Decimal("2.5"), NOON)


@pytest.mark.parametrize(
    ("side", "marks", "best"),
    [
        ("LONG", ["2.50", "3.10", "2.80"], "3.10"),
        ("SHORT", ["1.50", "1.10", "1.80"], "1.10"),
        ("LONG", [None], None),
        ("LONG", ["2.50", None], "2.50"),
    ],
)
def test_the_high_water_mark_is_the_best_good_mark(database, side, marks, best):
    database.positions.import_positions([position(side=side)])
    for one in marks:
        good = None if one is None else Decimal(one)
        database.positions.refresh([mark(dollars="9.99", good_mark=good)])
    (kept,) = database.positions.open_positions("paper")
    assert kept.high_water_mark == (None if best is None else Decimal(best))


def test_a_tick_without_a_quote_keeps_the_price_and_forgets_the_mid(database, sql):
    database.positions.import_positions([position()])
    database.positions.refresh([mark()])
    database.positions.refresh([mark(dollars=None)])
    (row,) = sql("SELECT current_price, unrealized_pnl, previous_mid FROM refactored_positions")
    assert (row["current_price"], row["unrealized_pnl"]) == (Decimal("2.5"), Decimal(100))
    assert row["previous_mid"] is None


def test_marks_are_one_statement_and_leave_closed_positions_alone(database, sql, statements):
    database.positions.import_positions([position(), position("p2")])
    database.positions.settle("p2", settlement("0"))
    statements.clear()
    database.positions.refresh([mark(), mark("p2")])
    assert len(statements) == 1
    (row,) = sql("SELECT current_price FROM refactored_positions WHERE id = 'p2'")
    assert row["current_price"] is None


@pytest.mark.parametrize(
    ("side", "price", "kind", "gross"),
    [("LONG", "0", "EXPIRED", -400), ("LONG", "5.5", "EXERCISED", 700),
     ("SHORT", "0", "EXPIRED", 400), ("SHORT", "5.5", "ASSIGNED", -700)],
)  # fmt: skip
def test_a_settlement_closes_what_is_left_once(database, sql, side, price, kind, gross):
    database.positions.import_positions([position(side=side)])
    for _ in range(2):
        database.positions.settle("p1", settlement(price, kind))
    (row,) = sql("SELECT * FROM refactored_positions")
    assert (row["status"], row["close_kind"], row["open_quantity"]) == ("CLOSED", kind, 0)
    assert (row["realized_pnl"], row["realized_pnl_net"]) == (gross, gross)
    assert (row["exit_price"], row["unrealized_pnl"]) == (Decimal(price), 0)
    assert row["exit_time"] == NOON + timedelta(hours=4)


def test_a_settlement_ends_the_reservation_of_an_order_that_never_came_back(database, sql):
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    record(database, intent(run_id))
    database.positions.settle("p1", settlement("0"))
    (row,) = sql("SELECT status, reserved_quantity FROM refactored_positions")
    assert row == {"status": "CLOSED", "reserved_quantity": 0}


def test_the_listing_has_open_and_closed_positions_of_one_environment_or_of_all(database, sql):
    database.positions.import_positions([position("b"), position("t", environment="tape")])
    sql(USERS_ROW, id="a", strike=580)
    database.positions.settle("b", settlement("3"))
    assert ids(database.positions.listing()) == ["a", "b", "t"]
    assert ids(database.positions.listing("tape")) == ["t"]
    mine, closed = database.positions.listing("paper")
    assert (mine.account, mine.option_symbol, mine.status) == (None, CALL, "OPEN")
    assert (closed.close_kind, closed.realized_pnl, closed.open_quantity) == ("EXPIRED", 200, 0)
