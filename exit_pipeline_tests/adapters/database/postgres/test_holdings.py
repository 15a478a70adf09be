"""Steps that keep an account's rows in step with its broker: all or nothing, and only once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.exc import IntegrityError

from exit_pipeline.core.model.holdings import HeldStep, Resized
from exit_pipeline_tests.adapters.database.postgres.examples import (
    NOON,
    PUT,
    gate,
    intent,
    position,
    start,
)

HIGHER_CALL = "SPY250321C00590000"
LATER_CALL = "SPY250417C00590000"


def imported(position_id="imp", **other):
    return position(position_id, **{"imported_at": NOON} | other)


def a_step(database, account="demo", **changes):
    return HeldStep(
        broker="paper",
        environment="paper",
        account=account,
        basis=[one for one in rows(database) if one.account == account],
        at=NOON,
        **changes,
    )


def take(database, **changes):
    return database.positions.keep_in_step(a_step(database, **changes))


def rows(database):
    return database.positions.open_positions("paper")


def line(database, position_id):
    return next(one for one in database.positions.listing() if one.id == position_id)


def test_what_people_bring_in_is_managed_and_no_leg_of_a_spread(database):
    database.positions.import_positions([position()])
    (kept,) = rows(database)
    assert (kept.managed, kept.spread_leg, kept.imported_at) == (True, False, None)


def test_a_new_holding_becomes_a_row_that_is_not_managed(database):
    taken = take(database, added=[imported()])
    assert taken.added_ids == ["imp"]
    (kept,) = rows(database)
    assert (kept.managed, kept.imported_at, kept.quantity) == (False, NOON, 2)
    assert not line(database, "imp").managed


def test_a_later_life_has_an_id_of_its_own(database):
    for life in ("imp", "imp-2", "imp-3"):
        assert take(database, added=[imported()]).added_ids == [life]
        assert take(database, gone=[life]) is not None
    assert [one.status for one in database.positions.listing()] == ["CLOSED"] * 3


def test_an_id_that_only_begins_so_is_not_in_the_way(database):
    database.positions.import_positions([position("imp-ortant"), position("imp-3")])
    assert take(database, added=[imported()]).added_ids == ["imp"]


def test_an_unmanaged_row_takes_the_brokers_quantity_and_price(database):
    take(database, added=[imported()])
    resized = Resized(position_id="imp", quantity=5, entry_price=Decimal("2.1250"))
    take(database, resized=[resized])
    (kept,) = rows(database)
    assert (kept.quantity, kept.open_quantity, kept.entry_price) == (5, 5, Decimal("2.1250"))


def test_a_row_whose_contracts_are_gone_is_closed_without_an_invented_price(database):
    take(database, added=[imported()])
    later = NOON + timedelta(minutes=5)
    database.positions.keep_in_step(replace(a_step(database, gone=["imp"]), at=later))
    closed = line(database, "imp")
    assert (closed.status, closed.close_kind, closed.exit_time) == ("CLOSED", "EXTERNAL", later)
    assert (closed.open_quantity, closed.exit_reason) == (0, None)
    assert (closed.realized_pnl, closed.realized_pnl_net) == (None, None)


def test_a_managed_row_is_never_changed_by_a_step(database):
    database.positions.import_positions([position()])
    resized = Resized(position_id="p1", quantity=9, entry_price=Decimal(9))
    take(database, resized=[resized], gone=["p1"])
    (kept,) = rows(database)
    assert (kept.quantity, kept.entry_price) == (2, Decimal("2.0000"))


def test_nothing_is_done_where_a_fill_was_booked_while_the_broker_was_asked(database, sql):
    """The contracts that have left would come back as a holding that nobody has."""
    database.positions.import_positions([position()])
    step = a_step(database, added=[imported()])
    sql("UPDATE refactored_positions SET exited_quantity = 1, external_quantity = 1")
    assert database.positions.keep_in_step(step) is None
    assert [one.id for one in rows(database)] == ["p1"]


def test_two_imports_that_saw_the_same_add_it_once(database):
    step = a_step(database, added=[imported()])
    assert database.positions.keep_in_step(step) is not None
    assert database.positions.keep_in_step(step) is None
    assert [one.id for one in rows(database)] == ["imp"]


def test_of_two_imports_at_once_one_adds_it_also_where_no_row_is_there_to_lock(database):
    step = a_step(database, added=[imported()])
    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(database.positions.keep_in_step, [step] * 4))
    assert [one is None for one in taken].count(False) == 1
    assert [one.id for one in rows(database)] == ["imp"]


def test_rows_of_other_accounts_and_brokers_are_no_part_of_it(database):
    database.positions.import_positions([position(account="other"), position("p2", broker="x")])
    step = HeldStep(broker="paper", environment="paper", account="demo", basis=[], at=NOON)
    assert database.positions.keep_in_step(step) is not None


@pytest.mark.parametrize(
    ("symbol", "side", "flagged"),
    [
        pytest.param(HIGHER_CALL, "SHORT", True, id="a vertical"),
        pytest.param(PUT, "SHORT", True, id="a put against a call"),
        pytest.param(HIGHER_CALL, "LONG", False, id="the same side"),
        pytest.param(LATER_CALL, "SHORT", False, id="another expiration"),
        pytest.param("QQQ250321C00500000", "SHORT", False, id="another underlying"),
    ],
)
def test_imported_rows_of_both_sides_on_one_expiration_are_legs(database, symbol, side, flagged):
    both = [imported("a"), imported("b", symbol=symbol, side=side)]
    legs = ["a", "b"] if flagged else []
    assert take(database, added=both).legs == legs
    assert [one.id for one in rows(database) if one.spread_leg] == legs


def test_a_leg_is_none_any_more_once_the_other_side_is_gone(database):
    take(database, added=[imported("a"), imported("b", symbol=HIGHER_CALL, side="SHORT")])
    assert take(database).legs == []
    taken = take(database, gone=["b"])
    assert (taken.legs, taken.no_legs) == ([], ["a"])
    assert not line(database, "a").spread_leg


def test_the_other_side_counts_however_it_came_and_only_the_import_is_flagged(database):
    database.positions.import_positions([position("csv", symbol=HIGHER_CALL, side="SHORT")])
    assert take(database, added=[imported("a")]).legs == ["a"]
    assert [one.id for one in rows(database) if one.spread_leg] == ["a"]


def test_an_adopted_import_is_still_flagged_when_its_other_side_appears(database):
    take(database, added=[imported("a")])
    assert database.positions.adopt([imported("a")]) == 1
    assert take(database, added=[imported("b", symbol=HIGHER_CALL, side="SHORT")]).legs == [
        "a",
        "b",
    ]


def test_an_adoption_manages_a_row_and_gives_it_a_policy(database):
    take(database, added=[imported()])
    assert database.positions.adopt([imported(policy="gex_flip=off")]) == 1
    (kept,) = rows(database)
    assert (kept.managed, kept.policy, kept.imported_at) == (True, "gex_flip=off", NOON)
    assert database.positions.adopt([imported()]) == 0


@pytest.mark.parametrize("other", [{"account": "other"}, {"broker": "x"}, {"environment": "live"}])
def test_a_row_is_adopted_only_where_it_is_held(database, other):
    take(database, added=[imported()])
    assert database.positions.adopt([imported(**other)]) == 0
    assert not line(database, "imp").managed


def test_a_leg_of_a_spread_is_not_adopted(database):
    take(database, added=[imported("a"), imported("b", symbol=HIGHER_CALL, side="SHORT")])
    assert database.positions.adopt([imported("a")]) == 0


def at_the_gate(database, position_id, attempt):
    """State and code of an order of the position, past the last gate."""
    (run_id,) = start(database)
    asked = intent(run_id, position_id, attempt)
    order = database.orders.record_intent(asked, gate(asked)).order
    return order.status, order.denial_code


def test_an_order_of_what_is_not_managed_is_denied(database):
    take(database, added=[imported()])
    assert at_the_gate(database, "imp", 1) == ("DENIED", "NOT_MANAGED")
    database.positions.adopt([imported()])
    assert at_the_gate(database, "imp", 2) == ("PENDING", None)


def test_an_order_of_a_leg_of_a_spread_is_denied(database, sql):
    database.positions.import_positions([position()])
    sql("UPDATE refactored_positions SET spread_leg = true")
    assert at_the_gate(database, "p1", 1) == ("DENIED", "SPREAD_LEG")
    sql("UPDATE refactored_positions SET spread_leg = false")
    assert at_the_gate(database, "p1", 2) == ("PENDING", None)


def test_the_database_itself_reserves_nothing_of_what_is_not_managed(database, sql):
    take(database, added=[imported()])
    with pytest.raises(IntegrityError, match="unmanaged_is_never_reserved"):
        sql("UPDATE refactored_positions SET reserved_quantity = 1")


def test_an_adjusted_contract_is_kept_by_its_own_symbol(database, sql):
    take(database, added=[imported(symbol="SPY1250321C00580000")])
    (row,) = sql("SELECT option_symbol, underlying, direction FROM refactored_positions")
    assert row == {
        "option_symbol": "SPY1250321C00580000",
        "underlying": "SPY",
        "direction": "CALL",
    }
