"""What a broker tells of contracts that left without an order of ours: priced, and counted once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exit_pipeline.core.model.closing import Evidence, settlement_evidence
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import CloseKind, PositionSide
from exit_pipeline_tests.adapters.database.postgres.examples import (
    CALL,
    NOON,
    fill,
    intent,
    position,
    record,
    report,
    settlement,
    start,
)

FIVE = timedelta(minutes=5)
EARLIER = NOON - 4 * FIVE


def sold(quantity=2, price="1.50", evidence_id="x-1", **other):
    values = {
        "kind": CloseKind.EXTERNAL,
        "commission": Decimal("0.65") * quantity,
        "fees": Decimal("0.02") * quantity,
        "closed_at": EARLIER,
    }
    return Evidence(
        evidence_id=evidence_id, quantity=quantity, price=Decimal(price), **values | other
    )


@pytest.fixture
def kept(sql):
    """A position's row as it stands."""
    return lambda name="p1": sql("SELECT * FROM refactored_positions WHERE id = :id", id=name)[0]


def owed(database, since=EARLIER):
    found = database.closings.unexplained("paper", "paper", ["demo"], since)
    return [(one.position_id, one.contracts) for one in found]


@pytest.mark.parametrize(("side", "gross"), [("LONG", -100), ("SHORT", 100)])
def test_what_was_closed_by_hand_gets_its_price_gain_costs_and_time(database, kept, side, gross):
    database.positions.import_positions([position(side=side)])
    database.positions.close_elsewhere("p1", 2, NOON)
    assert database.closings.explain("p1", sold()) == 2
    row = kept()
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXTERNAL")
    assert (row["exit_price"], row["exit_time"]) == (Decimal("1.50"), EARLIER)
    assert row["realized_pnl"] == gross
    assert row["realized_pnl_net"] == gross - Decimal("1.34")
    assert (row["external_quantity"], row["settled_quantity"]) == (2, 0)


def test_what_nothing_is_told_of_stays_without_a_price(database, kept):
    database.positions.import_positions([position(quantity=5)])
    database.positions.close_elsewhere("p1", 5, NOON)
    (one,) = database.closings.unexplained("paper", "paper", ["demo"], EARLIER)
    assert (one.symbol, one.side, one.contracts) == (CALL, PositionSide.LONG, 5)
    assert (one.held_since, one.gone_by) == (NOON - timedelta(days=1), NOON)
    assert database.closings.explain("p1", sold(3)) == 3
    row = kept()
    assert (row["realized_pnl"], row["exit_price"]) == (-150, Decimal("1.50"))
    assert row["exit_time"] == NOON, "when the last ones went is not known"
    assert owed(database) == [("p1", 2)]


@pytest.mark.parametrize(
    ("since", "broker", "environment", "account"),
    [
        pytest.param(NOON + FIVE, "paper", "paper", "demo", id="longer ago"),
        pytest.param(NOON, "alpaca", "paper", "demo", id="another broker"),
        pytest.param(NOON, "paper", "live", "demo", id="another environment"),
        pytest.param(NOON, "paper", "paper", "other", id="another account"),
    ],
)
def test_what_is_not_asked_about_is_left_out(database, since, broker, environment, account):
    database.positions.import_positions([position()])
    database.positions.close_elsewhere("p1", 2, NOON)
    assert database.closings.unexplained(broker, environment, [account], since) == []
    assert owed(database, NOON) == [("p1", 2)]


def test_an_execution_counts_once_whatever_is_told_how_often(database, kept, sql):
    database.positions.import_positions([position(), position("p2")])
    for name in ("p1", "p2"):
        database.positions.close_elsewhere(name, 2, NOON)
    taken = [database.closings.explain(name, sold(3)) for name in ("p1", "p2", "p1", "p2")]
    assert taken == [2, 1, 0, 0]
    assert sql(
        "SELECT position_id, first_contract, quantity FROM closings ORDER BY first_contract"
    ) == [
        {"position_id": "p1", "first_contract": 1, "quantity": 2},
        {"position_id": "p2", "first_contract": 3, "quantity": 1},
    ]
    assert (kept()["realized_pnl"], kept("p2")["realized_pnl"]) == (-100, -50)


@given(
    parts=st.lists(st.integers(1, 4), min_size=1, max_size=6),
    cents=st.integers(0, 10_000),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_costs_of_the_parts_are_those_of_the_whole(database, sql, parts, cents):
    """Of 7 contracts that cost 1.00 each part would cost 0.1429, and all of them 1.0003."""
    number = sql("SELECT count(*) AS n FROM refactored_positions")[0]["n"]
    names = [f"q{number + index}" for index in range(len(parts))]
    database.positions.import_positions(
        [position(name, quantity=size) for name, size in zip(names, parts, strict=True)]
    )
    costs = Decimal(cents) / 100
    whole = sold(sum(parts), evidence_id=f"x-{number}", commission=costs, fees=costs)
    for name, size in zip(names, parts, strict=True):
        database.positions.close_elsewhere(name, size, NOON)
        assert database.closings.explain(name, whole) == size
    (row,) = sql(
        "SELECT sum(commission) AS commission, sum(fees) AS fees FROM closings"
        " WHERE evidence_id = :id",
        id=f"x-{number}",
    )
    assert row == {"commission": costs, "fees": costs}


def test_nothing_is_taken_of_what_is_still_open_or_has_its_price(database, kept):
    database.positions.import_positions([position(quantity=3)])
    assert database.closings.explain("p1", sold()) == 0
    database.positions.close_elsewhere("p1", 1, NOON)
    assert database.closings.explain("p1", sold()) == 1
    assert database.closings.explain("p1", sold(evidence_id="x-2")) == 0
    assert database.closings.explain("nobody", sold()) == 0
    row = kept()
    assert (row["status"], row["open_quantity"], row["close_kind"]) == ("OPEN", 2, None)
    assert (row["realized_pnl"], row["exit_time"]) == (-50, None)


def test_gains_of_orders_and_of_closes_by_hand_add_up(database, kept):
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    order = record(database, intent(run_id, quantity=1, exit_action="PARTIAL"))
    database.orders.book(order, report(order, "FILLED", fill("e1", 1, "3.20")))
    database.positions.close_elsewhere("p1", 1, NOON)
    database.closings.explain("p1", sold(1, "1.20"))
    row = kept()
    assert (row["realized_pnl"], row["realized_pnl_net"]) == (40, Decimal("38.66"))
    assert (row["exit_price"], row["close_kind"]) == (Decimal("2.20"), "EXTERNAL")
    assert row["exit_time"] == NOON, "our own fill came last"


def test_an_exit_after_a_close_by_hand_keeps_both_in_the_exit_price(database, kept):
    database.positions.import_positions([position()])
    database.positions.close_elsewhere("p1", 1, NOON)
    database.closings.explain("p1", sold(1, "1.20"))
    (run_id,) = start(database)
    order = record(database, intent(run_id, quantity=1))
    database.orders.book(order, report(order, "FILLED", fill("e1", 1, "3.20")))
    row = kept()
    assert (row["exit_price"], row["realized_pnl"]) == (Decimal("2.20"), 40)
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXIT")


def test_a_fill_of_ours_is_never_somebody_elses(database):
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    order = record(database, intent(run_id, quantity=1, exit_action="PARTIAL"))
    database.orders.book(order, report(order, "FILLED", fill("x-1", 1, "3.20")))
    database.positions.close_elsewhere("p1", 1, NOON)
    assert database.closings.explain("p1", sold(1, evidence_id="x-1")) == 0
    assert owed(database) == [("p1", 1)]


def test_what_counts_as_somebody_elses_is_never_booked_as_ours(database, kept, sql):
    """A lost order that nobody saw filled: its execution closed the contracts by hand already."""
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    order = record(database, intent(run_id))
    database.orders.mark_status(order.id, OrderStatus.ABANDONED, "not shown")
    database.positions.close_elsewhere("p1", 2, NOON)
    database.closings.explain("p1", sold())
    assert database.orders.book(order, report(order, "FILLED", fill("x-1", 2, "1.50"))) == 0
    assert kept()["realized_pnl"] == -100
    assert sql("SELECT * FROM trades") == []


def test_an_early_assignment_that_is_told_later_makes_an_external_end_its_own(database, kept):
    database.positions.import_positions([position(side="SHORT", quantity=3)])
    database.positions.close_elsewhere("p1", 3, NOON)
    assigned = settlement_evidence(settlement("5.5", "ASSIGNED"))
    assert database.closings.explain("p1", assigned) == 2
    row = kept()
    assert (row["close_kind"], row["settled_quantity"], row["external_quantity"]) == (
        "ASSIGNED", 2, 1,
    )  # fmt: skip
    assert row["realized_pnl"] == -700
    assert database.closings.explain("p1", assigned) == 0
    assert owed(database) == [("p1", 1)]


def test_a_settlement_closes_only_as_many_as_it_is_of_and_each_once(database, kept):
    """An assignment of before closed all of a position at its expiry, also what it was not of."""
    database.positions.import_positions([position(side="SHORT", quantity=5)])
    early = settlement("5.5", "ASSIGNED", "s-1", 2)
    assert [database.positions.settle("p1", early) for _ in range(2)] == [2, 0]
    row = kept()
    assert (row["status"], row["open_quantity"], row["settled_quantity"]) == ("OPEN", 3, 2)
    late = replace(settlement("0", "EXPIRED", "s-2", 3), settled_at=NOON + timedelta(days=3))
    assert database.positions.settle("p1", late) == 3
    row = kept()
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXPIRED")
    assert row["realized_pnl"] == -700 + 600
    assert row["exit_price"] == Decimal("2.20")
    assert row["exit_time"] == NOON + timedelta(days=3)


def test_a_settlement_that_grows_settles_what_is_new_of_it(database):
    """The paper broker adds what ended alike of a later deposit to the settlement that is there."""
    database.positions.import_positions([position(), position("p2")])
    assert database.positions.settle("p1", settlement("0", quantity=2)) == 2
    assert database.positions.settle("p2", settlement("0", quantity=2)) == 0
    assert database.positions.settle("p2", settlement("0", quantity=4)) == 2
