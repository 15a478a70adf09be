"""Orders: one live exit per position, and every fill counted once."""

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.order import OrderSide, OrderStatus
from exit_pipeline_tests.adapters.database.postgres.examples import (
    CALL,
    NOON,
    fill,
    intent,
    position,
    record,
    report,
    send,
    settlement,
    start,
)

LIVE = [status for status in OrderStatus if status.is_live]


@pytest.fixture
def run_id(database):
    """A tick of run-1 on account demo, which holds two contracts bought at 2.00."""
    database.positions.import_positions([position()])
    (run_id,) = start(database)
    return run_id


@pytest.fixture
def order(database, run_id):
    return record(database, intent(run_id))


@pytest.fixture
def sent(database, order):
    """The order once it may be at the broker."""
    assert send(database, order)
    return order


@pytest.fixture
def kept(sql):
    """The position's row as it stands."""
    return lambda: sql("SELECT * FROM refactored_positions WHERE id = 'p1'")[0]


@pytest.fixture
def state(sql):
    """The newest order's row as it stands."""
    return lambda: sql("SELECT * FROM orders ORDER BY attempt DESC LIMIT 1")[0]


def test_an_intent_is_kept_with_its_reservation_and_every_column_that_users_read(
    database, order, kept, state
):
    assert (order.status, order.filled_quantity) == (OrderStatus.PENDING, 0)
    assert database.orders.of_runs([order.run_id]) == [order]
    assert database.orders.live_orders("paper", ["demo"]) == [order]
    row = state()
    assert (row["underlying"], row["symbol"], row["strike"]) == ("SPY", CALL, 580)
    assert (row["option_type"], row["side"], row["quantity"]) == ("CALL", "SELL_TO_CLOSE", 2)
    assert (row["order_type"], row["time_in_force"], row["mode"]) == ("LIMIT", "DAY", "PAPER")
    assert (row["limit_price"], row["worst_price"]) == (Decimal("3.00"), Decimal("2.90"))
    assert (row["exit_action"], row["exit_quantity"]) == ("FULL", 2)
    assert (row["submitted_at"], row["intent_at"]) == (None, NOON)
    assert kept()["reserved_quantity"] == 2


@pytest.mark.parametrize("status", ["CANCELLED", "REJECTED", "EXPIRED", "ABANDONED"])
def test_an_order_that_ends_without_fills_gives_back_its_reservation_once(
    database, sent, kept, state, status
):
    for _ in range(2):
        database.orders.mark_status(sent.id, OrderStatus(status), "not today")
    assert kept()["reserved_quantity"] == 0
    assert state()["rejection_reason"] == "not today"
    assert not send(database, sent)
    assert state()["status"] == status
    assert database.orders.live_orders("paper", ["demo"]) == []


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.PARTIAL_FILL])
def test_only_fills_fill_an_order(database, order, status):
    with pytest.raises(ValueError, match="fills alone"):
        database.orders.mark_status(order.id, status)


def test_a_full_fill_closes_the_position_with_gross_and_net(database, sql, order, kept, state):
    later = NOON + timedelta(seconds=5)
    fills = (fill("e1", 1, "3.00"), fill("e2", 1, "3.10", at=later))
    assert database.orders.book(order, report(order, "FILLED", *fills)) == 2
    row = kept()
    assert (row["status"], row["close_kind"]) == ("CLOSED", "EXIT")
    assert (row["exit_reason"], row["exit_time"]) == ("PROFIT_TARGET", later)
    assert (row["realized_pnl"], row["exit_costs"]) == (210, Decimal("1.34"))
    assert (row["realized_pnl_net"], row["exit_price"]) == (Decimal("208.66"), Decimal("3.05"))
    assert (row["open_quantity"], row["reserved_quantity"], row["unrealized_pnl"]) == (0, 0, 0)
    assert row["profit_exited_quantity"] == 0
    row = state()
    assert (row["status"], row["filled_quantity"]) == ("FILLED", 2)
    assert (row["avg_fill_price"], row["filled_at"]) == (Decimal("3.05"), later)
    assert (row["broker_order_id"], row["submitted_at"]) == ("b-1", NOON + timedelta(seconds=1))
    trades = sql("SELECT * FROM trades ORDER BY broker_trade_id")
    assert [trade["total_cost"] for trade in trades] == [Decimal("-299.33"), Decimal("-309.33")]
    assert {trade["symbol"] for trade in trades} == {CALL}
    assert {trade["broker"] for trade in trades} == {"paper"}


def test_a_bought_back_short_gains_when_it_is_cheaper_and_costs_money(database, sql, kept):
    database.positions.import_positions([position(side="SHORT")])
    (run_id,) = start(database)
    order = record(database, intent(run_id, side=OrderSide.BUY_TO_CLOSE))
    database.orders.book(order, report(order, "FILLED", fill("e1", 2, "0.50")))
    assert (kept()["realized_pnl"], kept()["realized_pnl_net"]) == (300, Decimal("298.66"))
    assert sql("SELECT total_cost FROM trades") == [{"total_cost": Decimal("101.34")}]


def test_two_lots_that_gain_120_and_lose_80_end_at_40_gross_with_the_net_beside_it(
    database, run_id, kept
):
    first = intent(run_id, quantity=1, exit_action="PARTIAL")
    first = record(database, first)
    database.orders.book(first, report(first, "FILLED", fill("e1", 1, "3.20")))
    row = kept()
    assert (row["status"], row["open_quantity"], row["realized_pnl"]) == ("OPEN", 1, 120)
    assert (row["profit_exited_quantity"], row["exit_reason"], row["close_kind"]) == (1, None, None)
    second = intent(run_id, attempt=2, quantity=1, exit_reason="STOP_LOSS")
    second = record(database, second)
    database.orders.book(second, report(second, "FILLED", fill("e2", 1, "1.20")))
    row = kept()
    assert (row["status"], row["exit_reason"]) == ("CLOSED", "STOP_LOSS")
    assert (row["realized_pnl"], row["realized_pnl_net"]) == (40, Decimal("38.66"))
    assert (row["exit_price"], row["profit_exited_quantity"]) == (Decimal("2.20"), 1)


def test_what_an_exit_left_is_settled_on_top_of_it(database, run_id, kept):
    order = intent(run_id, quantity=1, exit_action="PARTIAL")
    order = record(database, order)
    database.orders.book(order, report(order, "FILLED", fill("e1", 1, "3.20")))
    database.positions.settle("p1", settlement("0"))
    row = kept()
    assert (row["realized_pnl"], row["realized_pnl_net"]) == (-80, Decimal("-80.67"))
    assert (row["exit_price"], row["close_kind"]) == (Decimal("1.60"), "EXPIRED")


def test_a_report_that_comes_again_changes_nothing(database, order, kept, sql):
    again = report(order, "PARTIAL_FILL", fill("e1", 1, "3.00"))
    assert [database.orders.book(order, again) for _ in range(3)] == [1, 0, 0]
    assert (kept()["exited_quantity"], kept()["reserved_quantity"]) == (1, 1)
    assert kept()["realized_pnl"] == 100
    assert len(sql("SELECT 1 FROM trades")) == 1


@pytest.mark.parametrize("status", ["CANCELLED", "EXPIRED"])
def test_an_order_that_ends_half_filled_gives_back_the_rest(database, order, kept, state, status):
    database.orders.book(order, report(order, status, fill("e1", 1, "3.00")))
    assert (kept()["exited_quantity"], kept()["reserved_quantity"]) == (1, 0)
    assert (state()["status"], state()["filled_quantity"]) == (status, 1)
    assert (state()["cancelled_at"] is not None) == (status == "CANCELLED")


def test_a_refusal_keeps_the_brokers_words(database, order, kept, state):
    database.orders.book(order, report(order, "REJECTED", reason="insufficient buying power"))
    assert state()["rejection_reason"] == "insufficient buying power"
    assert kept()["reserved_quantity"] == 0
    assert kept()["realized_pnl"] is None


def test_a_status_without_its_fills_is_not_believed(database, order, kept, state):
    database.orders.book(order, report(order, "FILLED"))
    assert (state()["status"], kept()["reserved_quantity"]) == ("ACCEPTED", 2)
    database.orders.book(order, report(order, "FILLED", fill("e1", 1, "3.00")))
    assert (state()["status"], kept()["reserved_quantity"]) == ("PARTIAL_FILL", 1)


@pytest.mark.parametrize("status", [one for one in LIVE if one is not OrderStatus.PARTIAL_FILL])
def test_an_order_that_has_ended_never_lives_again(database, order, kept, state, status):
    database.orders.book(order, report(order, "CANCELLED"))
    database.orders.book(order, report(order, status))
    assert (state()["status"], kept()["reserved_quantity"]) == ("CANCELLED", 0)


def test_a_late_fill_of_a_cancelled_order_is_booked_marked_and_told(
    database, order, kept, state, sql
):
    database.orders.book(order, report(order, "CANCELLED"))
    assert not state()["late_fill"]
    assert database.orders.book(order, report(order, "CANCELLED", fill("e1", 1, "3.00"))) == 1
    assert (kept()["exited_quantity"], state()["filled_quantity"]) == (1, 1)
    assert (state()["status"], state()["late_fill"]) == ("CANCELLED", True)
    (alert,) = sql("SELECT severity, cause, subject, message FROM alerts")
    assert (alert["severity"], alert["cause"], alert["subject"]) == ("WARNING", "LATE_FILL", "p1")
    assert alert["message"].endswith("1 filled after the order had ended CANCELLED")


@pytest.mark.parametrize("ended", ["CANCELLED", "EXPIRED", "REJECTED", "ABANDONED"])
def test_a_late_fill_of_all_of_it_fills_the_order(database, sent, kept, state, ended):
    database.orders.mark_status(sent.id, OrderStatus(ended), "so it was said")
    database.orders.book(sent, report(sent, "FILLED", fill("e1", 2, "3.00")))
    assert (state()["status"], state()["late_fill"]) == ("FILLED", True)
    assert (kept()["status"], kept()["realized_pnl"]) == ("CLOSED", 200)


def test_a_late_fill_takes_from_what_the_next_order_has_reserved_and_no_fill_is_lost(
    database, order, kept, state, sql
):
    database.orders.book(order, report(order, "CANCELLED"))
    second = record(database, intent(order.run_id, attempt=2))
    assert database.orders.book(order, report(order, "CANCELLED", fill("e1", 2, "3.00"))) == 2
    assert (kept()["status"], kept()["reserved_quantity"]) == ("CLOSED", 0)
    assert database.orders.book(second, report(second, "FILLED", fill("e2", 2, "3.50"))) == 2
    assert state()["error_message"] == "2 more filled than the order or the position held"
    assert (state()["filled_quantity"], state()["excess_quantity"]) == (2, 2)
    assert (kept()["exited_quantity"], kept()["realized_pnl"]) == (2, 200)
    assert sql("SELECT sum(quantity) AS n FROM trades") == [{"n": 4}]


def test_a_fill_of_more_than_was_ordered_closes_what_is_there_and_halts_trading(
    database, order, kept, state, sql
):
    database.orders.book(order, report(order, "FILLED", fill("e1", 3, "3.00")))
    assert (kept()["status"], kept()["realized_pnl"]) == ("CLOSED", 200)
    assert state()["error_message"] == "1 more filled than the order or the position held"
    assert (state()["filled_quantity"], state()["excess_quantity"]) == (3, 1)
    control = database.control.read()
    assert control.state is TradingState.HALT_NEW
    assert control.reason.startswith("OVERFILLED: em-paper-p1-1")
    assert sql("SELECT severity, cause FROM alerts ORDER BY cause") == [
        {"severity": "CRITICAL", "cause": "HALTED"},
        {"severity": "CRITICAL", "cause": "OVERFILLED"},
    ]


def test_an_order_that_fills_more_than_it_asked_for_closes_no_more_of_a_larger_position(
    database, run_id, kept, state
):
    order = record(database, intent(run_id, quantity=1, exit_action="PARTIAL"))
    database.orders.book(order, report(order, "FILLED", fill("e1", 2, "3.00")))
    assert (kept()["open_quantity"], kept()["realized_pnl"]) == (1, 100)
    assert state()["excess_quantity"] == 1


def test_every_state_that_an_order_had_is_kept_with_its_fills(database, order, sql):
    send(database, order)
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer within 5 seconds")
    database.orders.book(order, report(order, "PARTIAL_FILL", fill("e1", 1, "3.00")))
    database.orders.begin_cancel(order.id)
    database.orders.book(order, report(order, "CANCELLED", fill("e1", 1, "3.00")))
    rows = sql("SELECT from_status, to_status, filled_quantity, reason FROM order_events"
               " ORDER BY seq")  # fmt: skip
    assert [tuple(row.values())[:3] for row in rows] == [
        (None, "PENDING", 0),
        ("PENDING", "SUBMITTED", 0),
        ("SUBMITTED", "UNKNOWN", 0),
        ("UNKNOWN", "PARTIAL_FILL", 1),
        ("PARTIAL_FILL", "PENDING_CANCEL", 1),
        ("PENDING_CANCEL", "CANCELLED", 1),
    ]
    assert rows[2]["reason"] == "no answer within 5 seconds"


@pytest.mark.parametrize("status", ["SUBMITTED", "UNKNOWN", "ACCEPTED", "PENDING_CANCEL"])
def test_a_cancel_begins_for_what_may_be_at_the_broker_and_keeps_the_reservation(
    database, sent, kept, state, sql, status
):
    sql("UPDATE orders SET status = :status", status=status)
    assert database.orders.begin_cancel(sent.id)
    assert (state()["status"], kept()["reserved_quantity"]) == ("PENDING_CANCEL", 2)


def test_what_was_never_sent_or_has_ended_is_not_cancelled(database, order, state):
    assert not database.orders.begin_cancel(order.id)
    send(database, order)
    database.orders.book(order, report(order, "EXPIRED"))
    assert not database.orders.begin_cancel(order.id)
    assert state()["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("state_of_trading", "may_cancel"),
    [("ACTIVE", True), ("HALT_NEW", True), ("CANCEL_ALL", True), ("FREEZE", False)],
)
def test_only_a_freeze_keeps_a_cancel_back(database, sent, state_of_trading, may_cancel):
    database.control.move(TradingState(state_of_trading), "a look around", "ann")
    assert database.orders.begin_cancel(sent.id) is may_cancel


def miss(database, order, minutes, *, fence=1, nobody_sends=True):
    """A look that does not show an order, so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    return database.orders.record_missed(order.id, fence, at, nobody_sends=nobody_sends)


def test_the_first_and_the_last_look_that_miss_an_order_are_kept_until_one_shows_it(
    database, sent, state
):
    for minutes in (1, 2):
        missed = miss(database, sent, minutes)
    assert missed.status is OrderStatus.UNKNOWN
    assert missed.first_missed_at == NOON + timedelta(minutes=1)
    assert missed.last_missed_at == NOON + timedelta(minutes=2)
    database.orders.book(sent, report(sent, "ACCEPTED"))
    assert (state()["first_missed_at"], state()["last_missed_at"]) == (None, None)
    assert state()["status"] == "ACCEPTED"


def test_a_look_while_somebody_sends_it_is_no_first_one(database, sent):
    miss(database, sent, 1)
    missed = miss(database, sent, 2, nobody_sends=False)
    assert (missed.first_missed_at, missed.last_missed_at) == (None, NOON + timedelta(minutes=2))


def test_an_order_that_is_sent_again_has_not_been_missed_since(database, sent):
    """Seed 1221: the quarantine of the first sending gave up what the third one still brought."""
    missed = miss(database, sent, 1)
    with database.orders.sending(missed, 1, NOON + timedelta(minutes=2)) as may_send:
        assert may_send
    assert miss(database, sent, 3).first_missed_at == NOON + timedelta(minutes=3)


def test_a_look_of_who_no_longer_holds_the_account_is_not_kept(database, sent):
    missed = miss(database, sent, 1, fence=2)
    assert (missed.status, missed.last_missed_at) == (OrderStatus.SUBMITTED, None)


def test_a_miss_does_not_make_an_intent_look_as_if_it_had_been_sent(database, order):
    assert miss(database, order, 1).status is OrderStatus.PENDING


def test_what_a_broker_did_not_accept_is_its_trouble_and_no_refusal(database, sent, state):
    """Regression: the proof that it was never placed reads the trouble, and found none."""
    database.orders.book(sent, report(sent, "UNKNOWN", reason="not accepted: 429"))
    assert (state()["error_message"], state()["rejection_reason"]) == ("not accepted: 429", None)
    assert miss(database, sent, 1).trouble == "not accepted: 429"


def test_an_order_is_being_sent_for_as_long_as_somebody_is_at_it(database, order):
    with database.orders.sending(order, 1, NOON) as may_send:
        assert may_send
        assert database.orders.is_being_sent(order)
        assert not send(database, order)
    assert not database.orders.is_being_sent(order)


def test_orders_are_found_under_their_ids(database, order):
    name = order.request.client_order_id
    assert database.orders.under_ids([name, "em-paper-nobody-1"]) == [order]
    assert database.orders.under_ids([]) == []


def test_the_same_execution_from_many_readers_at_once_is_booked_once(database, order, kept):
    readers, booked = 5, []
    together = threading.Barrier(readers)

    def read():
        together.wait(10)
        booked.append(database.orders.book(order, report(order, "FILLED", fill("e1", 2, "3.00"))))

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(booked) == [0] * (readers - 1) + [2]
    assert kept()["realized_pnl"] == 200


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data(), side=st.sampled_from(["LONG", "SHORT"]))
def test_fills_in_any_pieces_and_order_add_up_to_the_exact_gain(database, sql, data, side):
    quantity = data.draw(st.integers(1, 6))
    cents = data.draw(st.lists(st.integers(1, 2_000), min_size=quantity, max_size=quantity))
    number = len(sql("SELECT 1 FROM refactored_positions"))
    name, holder = f"h{number}", f"run-h{number}"
    database.positions.import_positions(
        [position(name, side=side, quantity=quantity, account=name, entry_price=Decimal("1.9375"))]
    )
    (run_id,) = start(database, holder=holder, accounts=(name,))
    closing = OrderSide.SELL_TO_CLOSE if side == "LONG" else OrderSide.BUY_TO_CLOSE
    asked = intent(run_id, name, account=name, side=closing, quantity=quantity)
    order = record(database, asked)
    fills = [fill(f"{name}-{i}", 1, Decimal(price) / 100) for i, price in enumerate(cents)]
    for seen in data.draw(st.lists(st.sets(st.sampled_from(fills)), max_size=4)):
        database.orders.book(order, report(order, "PARTIAL_FILL", *seen))
    database.orders.book(order, report(order, "FILLED", *fills))
    (row,) = sql("SELECT * FROM refactored_positions WHERE id = :name", name=name)
    sign = 1 if side == "LONG" else -1
    gross = sum(sign * (one.price - Decimal("1.9375")) * 100 for one in fills)
    assert (row["status"], row["open_quantity"], row["reserved_quantity"]) == ("CLOSED", 0, 0)
    assert row["realized_pnl"] == gross
    assert row["realized_pnl_net"] == gross - quantity * Decimal("0.67")
    assert abs(row["exit_price"] - sum(one.price for one in fills) / quantity) <= Decimal("0.00005")


def test_one_fill_in_place_of_several_books_no_more_than_is_new(database, order, kept):
    """Regression: Alpaca hid its executions, and the 2 contracts of an order counted as 3."""
    database.orders.book(order, report(order, "PARTIAL_FILL", fill("b-1-1", 1, "3.00")))
    (known,) = database.orders.of_runs([order.run_id])
    assert database.orders.book(known, report(order, "FILLED", fill("b-1-2", 2, "3.00"))) == 1
    assert kept()["exited_quantity"] == 2
