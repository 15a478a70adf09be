"""Intents: one live exit per position, under the fence of whoever holds the account."""

import threading
from datetime import timedelta

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import Denial, DenialCode
from exit_pipeline.core.model.order import OrderSide, OrderStatus
from exit_pipeline_tests.adapters.database.postgres.examples import (
    CALL,
    NOON,
    PUT,
    gate,
    intent,
    position,
    record,
    report,
    send,
    start,
)

LIVE = [status for status in OrderStatus if status.is_live]
HALTED = Denial(code=DenialCode.OVER_EXIT, reason="more than is held", halts=True)
HOUR = timedelta(hours=1)


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
def kept(sql):
    """The position's row as it stands."""
    return lambda: sql("SELECT * FROM refactored_positions WHERE id = 'p1'")[0]


@pytest.fixture
def state(sql):
    """The newest order's row as it stands."""
    return lambda: sql("SELECT * FROM orders ORDER BY attempt DESC LIMIT 1")[0]


def seen_by_the_gate(database, asked):
    """The facts that the gate is shown for an intent, which it then keeps back."""
    facts = []

    def look(shown):
        facts.append(shown)
        return Denial(code=DenialCode.TICK_FULL, reason="only looking", defers=True)

    assert database.orders.record_intent(asked, look).order is None
    return facts[0]


@pytest.mark.parametrize("environment", ["live", "tape"])
def test_only_the_environment_live_makes_an_order_of_mode_live(database, state, environment):
    database.positions.import_positions([position(environment=environment)])
    (run_id,) = start(database, environment=environment)
    assert record(database, intent(run_id, environment=environment))
    assert state()["mode"] == ("LIVE" if environment == "live" else "PAPER")


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"quantity": 3}, DenialCode.OVER_EXIT),
        ({"broker": "alpaca"}, DenialCode.WRONG_PLACE),
        ({"symbol": PUT}, DenialCode.WRONG_PLACE),
        ({"side": OrderSide.BUY_TO_CLOSE}, DenialCode.WRONG_SIDE),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_intent_that_does_not_fit_its_position_is_denied_and_halts_every_other(
    database, run_id, kept, state, other, code
):
    asked = intent(run_id, **other)
    answer = database.orders.record_intent(asked, gate(asked))
    assert answer.denial.code is code
    assert (answer.order.status, answer.order.denial_code) == (OrderStatus.DENIED, code)
    assert state()["rejection_reason"] == answer.denial.reason
    assert kept()["reserved_quantity"] == 0
    control = database.control.read()
    assert control.state is TradingState.HALT_NEW
    assert control.reason == f"{code}: p1: {answer.denial.reason}"
    assert not database.orders.live_orders("paper", ["demo"])


@pytest.mark.parametrize(
    "other",
    [{"position_id": "nobody"}, {"environment": "live"}, {"account": "other"}],
    ids=lambda other: next(iter(other)),
)
def test_an_intent_of_a_position_or_an_account_that_this_run_has_not_leaves_no_row(
    database, run_id, kept, other
):
    asked = intent(run_id, **other)
    answer = database.orders.record_intent(asked, gate(asked))
    assert (answer.order, answer.denial) == (None, None)
    assert database.orders.of_runs([run_id]) == []
    assert kept()["reserved_quantity"] == 0


def test_a_row_that_no_broker_has_is_never_sent(database, run_id, sql):
    sql("UPDATE refactored_positions SET broker = NULL, environment = NULL, account = NULL")
    asked = intent(run_id)
    assert database.orders.record_intent(asked, gate(asked)).denial.code is DenialCode.WRONG_PLACE


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account_leases SET fence = fence + 1, holder = 'run-2'",
        "UPDATE account_leases SET expires_at = now()",
        "DELETE FROM account_leases",
    ],
    ids=["taken over", "expired", "never taken"],
)
def test_an_intent_without_the_accounts_lease_is_not_recorded(database, run_id, sql, change):
    sql(change)
    assert record(database, intent(run_id)) is None
    assert sql("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 0}]


def test_an_engine_of_an_older_fence_records_nothing_while_the_newer_one_does(
    database, run_id, sql
):
    sql("UPDATE account_leases SET expires_at = now()")
    (newer,) = start(database, holder="run-2", at=NOON + timedelta(minutes=5))
    assert record(database, intent(run_id)) is None
    assert record(database, intent(newer, fence=2))
    assert sql("SELECT fence FROM orders") == [{"fence": 2}]


def test_what_is_deferred_leaves_no_row_and_may_be_asked_again(database, run_id, kept):
    asked = intent(run_id)
    full = Denial(code=DenialCode.TICK_FULL, reason="enough for now", defers=True)
    answer = database.orders.record_intent(asked, lambda facts: full)  # noqa: ARG005
    assert (answer.order, answer.denial) == (None, full)
    assert database.control.read().state is TradingState.ACTIVE
    assert record(database, asked)
    assert kept()["reserved_quantity"] == 2


def test_a_stricter_state_than_a_halt_stays_when_an_order_halts(database, run_id):
    database.control.move(TradingState.FREEZE, "the broker behaves oddly", "ann")
    record(database, intent(run_id), lambda facts: HALTED)  # noqa: ARG005 as the gate has it
    control = database.control.read()
    assert (control.state, control.changed_by) == (TradingState.FREEZE, "ann")


@pytest.mark.parametrize("status", LIVE)
def test_a_live_exit_keeps_a_second_one_away_even_past_an_open_gate(database, sql, run_id, status):
    first = record(database, intent(run_id, quantity=1))
    if status is not OrderStatus.PENDING:
        send(database, first)
        sql("UPDATE orders SET status = :status", status=status.value)
    assert record(database, intent(run_id, attempt=2, quantity=1)) is None
    assert sql("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 1}]


@pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.ABANDONED])
def test_an_attempt_is_made_once_and_the_next_one_may_follow(database, order, status, kept):
    run_id = order.run_id
    send(database, order)
    database.orders.mark_status(order.id, status, "no such contract")
    assert record(database, intent(run_id)) is None
    assert kept()["reserved_quantity"] == 0
    assert record(database, intent(run_id, attempt=2))
    last = database.orders.last_attempts(["p1", "p2"])
    assert list(last) == ["p1"]
    assert (last["p1"].attempt, last["p1"].status) == (2, OrderStatus.PENDING)
    assert (last["p1"].exit_reason, last["p1"].intent_at) == ("PROFIT_TARGET", NOON)


def test_the_last_attempt_is_the_one_of_the_highest_number_whatever_the_clock_did(
    database, run_id, order, sql
):
    """Regression: the number that the next one is counted from is the same in all of a position's
    rows, and they were told apart by that: the newest by the clock counted as the last attempt."""
    database.orders.mark_status(order.id, OrderStatus.ABANDONED, "nobody had begun to send it")
    second = record(database, intent(run_id, attempt=2, decision_id="d2"))
    sql("UPDATE orders SET created_at = created_at - interval '1 hour' WHERE attempt = 2")
    last = database.orders.last_attempts(["p1"])["p1"]
    assert (last.order_id, last.status, last.attempt) == (second.id, OrderStatus.PENDING, 2)


@pytest.mark.usefixtures("run_id")
def test_the_attempts_number_is_never_below_the_users_own_exits(database, sql):
    """A user's exit of before has no attempt, and the next order's id must be a new one."""
    sql(
        "INSERT INTO orders (client_order_id, refactored_position_id, exit_action, exit_quantity,"
        " status) SELECT 'mine-' || n, 'p1', 'PARTIAL', 1, 'FILLED' FROM generate_series(1, 3) n"
    )
    assert database.orders.last_attempts(["p1"])["p1"].attempt == 3


@pytest.mark.parametrize("same_attempt", [False, True], ids=["own attempts", "the same attempt"])
def test_of_sixteen_intents_at_once_exactly_one_is_recorded(database, run_id, kept, same_attempt):
    racers, answers = 16, []
    together = threading.Barrier(racers)

    def race(number):
        together.wait(30)
        attempt = 1 if same_attempt else number
        answers.append(record(database, intent(run_id, attempt=attempt)))

    threads = [threading.Thread(target=race, args=(number,)) for number in range(1, racers + 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == racers
    assert sum(answer is not None for answer in answers) == 1
    assert kept()["reserved_quantity"] == 2


def test_of_sixteen_senders_at_once_exactly_one_sends(database, order):
    senders, answers = 16, []
    together = threading.Barrier(senders)

    def race():
        together.wait(30)
        answers.append(send(database, order))

    threads = [threading.Thread(target=race) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [False] * (senders - 1) + [True]


def test_sending_sets_the_time_of_submission_and_a_lost_answer_keeps_the_reservation(
    database, order, kept, state
):
    assert send(database, order)
    assert (state()["status"], state()["submitted_at"]) == ("SUBMITTED", NOON)
    assert state()["not_after"] == NOON + timedelta(seconds=5)
    assert not send(database, order)
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer within 5 seconds")
    assert (state()["status"], state()["error_message"]) == (
        "UNKNOWN",
        "no answer within 5 seconds",
    )
    assert kept()["reserved_quantity"] == 2


def test_an_unknown_order_may_be_sent_again_by_the_newer_engine_under_its_own_fence(
    database, order, sql, state
):
    send(database, order)
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    sql("UPDATE account_leases SET fence = 2, holder = 'run-2'")
    assert not send(database, order, fence=1)
    assert send(database, order, fence=2, at=NOON + timedelta(minutes=5))
    assert (state()["status"], state()["fence"]) == ("SUBMITTED", 2)


@pytest.mark.parametrize("status", ["ACCEPTED", "PARTIAL_FILL", "PENDING_CANCEL"])
def test_an_order_that_was_seen_at_work_is_never_sent_again(database, order, sql, status):
    send(database, order)
    sql("UPDATE orders SET status = :status", status=status)
    assert not send(database, order)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account_leases SET fence = fence + 1, holder = 'run-2'",
        "UPDATE account_leases SET expires_at = now()",
    ],
    ids=["taken over", "expired"],
)
def test_a_sender_that_lost_the_account_does_not_begin_to_send(database, order, sql, change):
    """Regression: a sender that was frozen past its lease sent what others had given up."""
    sql(change)
    assert not send(database, order)
    assert sql("SELECT status FROM orders") == [{"status": "PENDING"}]


@pytest.mark.parametrize("halted", ["HALT_NEW", "CANCEL_ALL", "FREEZE"])
def test_an_intent_is_denied_where_trading_was_halted_before_it_was_sent(
    database, order, kept, state, halted
):
    database.control.move(TradingState(halted), "a look around", "ann")
    assert not send(database, order)
    assert (state()["status"], state()["denial_code"]) == ("DENIED", "TRADING_HALTED")
    assert state()["rejection_reason"] == f"trading is in {halted}"
    assert kept()["reserved_quantity"] == 0


def test_an_unknown_order_stays_unknown_where_trading_is_halted(database, order, kept, state):
    send(database, order)
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    database.control.halt("a look around")
    assert not send(database, order)
    assert (state()["status"], kept()["reserved_quantity"]) == ("UNKNOWN", 2)


def test_the_gate_sees_the_position_and_its_orders_as_they_are_kept(database, run_id):
    facts = seen_by_the_gate(database, intent(run_id))
    assert (facts.state, facts.broker, facts.environment) == (
        TradingState.ACTIVE,
        "paper",
        "paper",
    )
    assert (facts.account, facts.symbol, facts.is_long) == ("demo", CALL, True)
    assert (facts.free_quantity, facts.has_live_order) == (2, False)
    assert (facts.orders_today, facts.same_order_at) == (0, None)
    assert (facts.tick_orders, facts.tick_notional) == (0, 0)


def test_the_gate_sees_what_is_reserved_live_and_sent_in_the_tick(database, run_id):
    database.positions.import_positions([position("p2", quantity=4)])
    first = record(database, intent(run_id, "p2", quantity=3))
    facts = seen_by_the_gate(database, intent(run_id, "p2", attempt=2))
    assert (facts.free_quantity, facts.has_live_order) == (1, True)
    assert (facts.orders_today, facts.tick_orders, facts.tick_notional) == (1, 1, 900)
    send(database, first)
    facts = seen_by_the_gate(database, intent(run_id, "p2", attempt=2, quantity=3))
    assert facts.same_order_at == NOON
    database.orders.book(first, report(first, "CANCELLED"))
    facts = seen_by_the_gate(database, intent(run_id, "p2", attempt=2, quantity=3))
    assert (facts.has_live_order, facts.same_order_at, facts.free_quantity) == (False, None, 4)
    assert facts.orders_today == 1


def test_repriced_and_denied_orders_are_no_new_ones(database, run_id):
    first = record(database, intent(run_id))
    send(database, first)
    database.orders.book(first, report(first, "CANCELLED"))
    second = record(database, intent(run_id, attempt=2, step=1, replaces=first.id))
    send(database, second)
    database.orders.book(second, report(second, "CANCELLED"))
    record(database, intent(run_id, attempt=3), lambda facts: HALTED)  # noqa: ARG005
    facts = seen_by_the_gate(database, intent(run_id, attempt=4))
    assert (facts.orders_today, facts.tick_orders) == (1, 1)


def test_orders_of_the_day_before_are_not_of_today(database, run_id):
    first = record(database, intent(run_id, intent_at=NOON - timedelta(days=1)))
    send(database, first)
    database.orders.book(first, report(first, "EXPIRED"))
    assert seen_by_the_gate(database, intent(run_id, attempt=2)).orders_today == 0


def test_the_switch_is_not_that_of_environments_where_nobodys_money_moves(database):
    database.control.move(TradingState.FREEZE, "a look around", "ann")
    database.positions.import_positions([position(environment="tape")])
    (run_id,) = start(database, environment="tape")
    asked = intent(run_id, environment="tape")
    assert seen_by_the_gate(database, asked).state is TradingState.ACTIVE
    assert send(database, record(database, asked))
