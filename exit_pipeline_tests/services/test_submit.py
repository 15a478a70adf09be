"""Sending closing orders: which first, how many, what a refusal may mean, and what stops them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.order import OrderReport, OrderRequest
from exit_pipeline_tests.between import Between, is_silent, looks_first
from exit_pipeline_tests.desk import CALL, FAR_CALL, PUT, Desk, alerts, orders


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def statuses(desk: Desk) -> dict[str, str]:
    rows = desk.rows("SELECT refactored_position_id AS id, status FROM orders")
    return {row["id"]: row["status"] for row in rows}


def _none(*_: Any) -> None:
    """Shows no order."""


def test_the_most_urgent_order_is_sent_first(desk: Desk) -> None:
    sent: list[str] = []

    def note(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        sent.append(request.symbol)
        report: OrderReport = inner.submit(request, *rest)
        return report

    desk.broker = Between(desk.broker, submit=note)
    desk.hold("a takes its profit", CALL)
    desk.hold("b takes its profit", PUT)
    desk.hold("c stops", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(PUT, "3.15", "3.25")
    desk.quote(FAR_CALL, "1.00", "1.05")
    desk.tick()
    assert sent == [FAR_CALL, CALL, PUT]


def test_a_refusal_of_an_order_that_exists_already_adopts_it(desk: Desk) -> None:
    def send_twice(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        inner.submit(request, *rest)
        report: OrderReport = inner.submit(request, *rest)
        assert report.reason.startswith("duplicate")
        return report

    desk.broker = Between(desk.broker, submit=send_twice)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "FILLED"}
    assert report.executed.notes == {}
    assert desk.position("a").status == "CLOSED"
    calls = desk.rows("SELECT broker_call FROM adapter_logs")
    assert {"find_order", "submit"} < {call["broker_call"] for call in calls}


def test_a_real_refusal_is_booked_as_one_with_the_brokers_reason(desk: Desk) -> None:
    def sell_by_hand_before(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        desk.rows_changed("DELETE FROM paper.positions")
        report: OrderReport = inner.submit(request, *rest)
        return report

    desk.broker = Between(desk.broker, submit=sell_by_hand_before)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "REJECTED"}
    assert report.executed.notes["a"].startswith("refused: ")
    assert desk.position("a").open_quantity == 1


def test_refused_keys_place_nothing_and_the_next_tick_tries_again(desk: Desk) -> None:
    """Regression: the order stayed UNKNOWN for good, and its position was never sent again."""

    def refuse_the_keys(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:  # noqa: ARG001
        message = "ALPACA_API_KEY is refused"
        raise ConfigurationError(message)

    real, desk.broker = desk.broker, Between(desk.broker, submit=refuse_the_keys)
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "REJECTED"}
    assert report.executed.notes["a"] == "refused: ALPACA_API_KEY is refused"
    desk.broker = real
    desk.later()
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert desk.position("a").status == "CLOSED"


def test_another_order_under_our_id_is_not_taken_for_ours(desk: Desk) -> None:
    def place_another_first(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        inner.submit(replace(request, quantity=1), *rest)
        report: OrderReport = inner.submit(request, *rest)
        return report

    desk.broker = Between(desk.broker, submit=place_another_first)
    desk.hold("a", quantity=4)
    desk.quote(CALL, "1.15", "1.25")
    report = desk.tick()
    assert statuses(desk) == {"a": "UNKNOWN"}
    assert "another order" in report.executed.notes["a"]
    assert desk.position("a").open_quantity == 4


def test_a_refusal_that_cant_be_looked_into_leaves_the_others_to_be_sent(desk: Desk) -> None:
    """Regression: the question after a refusal ended the op, and no later order was sent."""

    def refuse_one(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        if request.symbol == CALL:
            inner.submit(request, *rest)
        report: OrderReport = inner.submit(request, *rest)
        return report

    desk.broker = Between(desk.broker, submit=refuse_one, find_order=is_silent)
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "3.15", "3.25")
    desk.tick()
    assert statuses(desk) == {"a": "UNKNOWN", "b": "FILLED"}
    assert desk.rows("SELECT cause, subject FROM alerts") == [
        {"cause": "ORDER_UNKNOWN", "subject": "a"}
    ]


def test_a_second_attempt_has_an_id_of_its_own(desk: Desk) -> None:
    desk.hold("a", quantity=4)
    for bid, ask in (("3.15", "3.25"), ("1.00", "1.05")):
        desk.quote(CALL, bid, ask)
        desk.tick()
        desk.later()
    rows = desk.rows("SELECT attempt, client_order_id FROM orders ORDER BY attempt")
    assert [row["attempt"] for row in rows] == [1, 2]
    first, second = (row["client_order_id"] for row in rows)
    assert first.rsplit("-", 1)[0] == second.rsplit("-", 1)[0]
    assert first != second


def test_a_dry_run_sends_nothing_however_urgent(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick({"dry_run": True, "force_close": True})
    assert report.executed.notes == {"a": "dry run: nothing is sent"}
    assert statuses(desk) == {}


def stop_and_profit(desk: Desk) -> None:
    """Two positions that are due: b stops, which is sent first, and a takes its profit."""
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    quote_both(desk)


def quote_both(desk: Desk) -> None:
    desk.quote(CALL, "3.15", "3.25")
    desk.quote(FAR_CALL, "1.00", "1.05")


def after_recording(desk: Desk, do: Callable[[], None]) -> Any:
    """The desk's database, and something that happens right after an intent is recorded."""

    def record(inner: Any, intent: Any, check: Any) -> Any:
        answer = inner.record_intent(intent, check)
        do()
        return answer

    return Between(desk.database, orders=Between(desk.database.orders, record_intent=record))


@pytest.mark.parametrize("state", [one for one in TradingState if one != "ACTIVE"])
def test_a_switch_that_is_moved_within_a_tick_stops_the_very_next_order(
    desk: Desk, state: TradingState
) -> None:
    def move() -> None:
        desk.database.control.move(state, "a look around", "ann")

    desk.broker = Between(desk.broker, submit=looks_first(move))
    stop_and_profit(desk)
    report = desk.tick()
    assert orders(desk, "refactored_position_id", "status", "denial_code") == [
        ("a", "DENIED", "TRADING_HALTED"),
        ("b", "FILLED", None),
    ]
    assert report.executed.notes["a"] == f"denied: trading is in {state}"
    assert alerts(desk) == {("ORDER_TRADING_HALTED", "a"), ("HALTED", "trading")}


def test_a_switch_that_is_moved_after_an_intent_keeps_it_from_being_sent(desk: Desk) -> None:
    real = desk.database
    desk.database = after_recording(desk, lambda: real.control.halt("an anomaly elsewhere"))
    stop_and_profit(desk)
    report = desk.tick()
    assert set(orders(desk, "status", "denial_code")) == {("DENIED", "TRADING_HALTED")}
    assert report.executed.notes["b"].startswith("not sent: trading was halted")
    assert desk.rows("SELECT * FROM paper.orders") == []


def test_trading_goes_on_once_a_person_has_resumed_it(desk: Desk) -> None:
    desk.database.control.halt("an anomaly")
    stop_and_profit(desk)
    desk.tick()
    desk.database.control.move(TradingState.ACTIVE, "it was a false alarm", "ann")
    desk.later()
    quote_both(desk)
    desk.tick()
    assert {desk.position(name).status for name in "ab"} == {"CLOSED"}


@pytest.mark.parametrize(
    "limits",
    [OrderLimits(orders_per_tick=1), OrderLimits(notional_per_tick=200)],
    ids=["orders", "dollars"],
)
def test_a_full_tick_sends_what_presses_and_leaves_the_rest_to_the_next(
    desk: Desk, limits: OrderLimits
) -> None:
    desk.limits = limits
    stop_and_profit(desk)
    report = desk.tick()
    assert orders(desk, "refactored_position_id", "status") == [("b", "FILLED")]
    assert report.executed.notes["a"].startswith("deferred: this tick")
    assert alerts(desk) == {("ORDER_TICK_FULL", "a")}
    desk.later()
    quote_both(desk)
    desk.tick()
    assert desk.position("a").status == "CLOSED"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (OrderLimits(contracts_per_order=1), "TOO_MANY_CONTRACTS"),
        (OrderLimits(orders_per_position=1), "TOO_MANY_ORDERS_TODAY"),
    ],
    ids=["contracts", "orders"],
)
def test_an_exit_that_a_limit_keeps_from_being_sent_for_good_is_critical(
    desk: Desk, limits: OrderLimits, code: str
) -> None:
    """Regression: a stop was denied for the rest of the day, with a warning that is told once."""

    def refuse(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        report: OrderReport = inner.submit(replace(request, quantity=99), *rest)
        return report

    desk.broker, desk.limits = Between(desk.broker, submit=refuse, find_order=_none), limits
    desk.hold("a", quantity=2)
    for _ in range(2):
        desk.quote(CALL, "1.00", "1.05")
        desk.tick()
        desk.later()
    told = desk.rows(f"SELECT severity FROM alerts WHERE cause = 'ORDER_{code}'")
    assert told == [{"severity": "CRITICAL"}]


def test_a_decision_that_has_grown_old_is_not_sent_and_made_anew_by_the_next_tick(
    desk: Desk,
) -> None:
    def answer_late(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        report: OrderReport = inner.submit(request, *rest)
        desk.later(2)
        return report

    real, desk.broker = desk.broker, Between(desk.broker, submit=answer_late)
    stop_and_profit(desk)
    report = desk.tick()
    assert orders(desk, "refactored_position_id") == [("b",)]
    assert "the decision is 120 seconds old" in report.executed.notes["a"]
    desk.broker = real
    desk.later()
    quote_both(desk)
    desk.tick()
    assert desk.position("a").status == "CLOSED"


def test_an_engine_whose_account_was_taken_over_sends_nothing_more(desk: Desk) -> None:
    def take_over() -> None:
        desk.rows_changed("UPDATE account_leases SET fence = fence + 1, holder = 'newer'")

    desk.broker = Between(desk.broker, submit=looks_first(take_over))
    stop_and_profit(desk)
    report = desk.tick()
    assert orders(desk, "refactored_position_id") == [("b",)]
    assert "another run's" in report.executed.notes["a"]
    assert desk.rows("SELECT holder FROM account_leases") == [{"holder": "newer"}]


def test_an_engine_that_loses_the_account_between_intent_and_sending_does_not_send(
    desk: Desk,
) -> None:
    def take_over() -> None:
        desk.rows_changed("UPDATE account_leases SET fence = fence + 1, holder = 'newer'")

    desk.database = after_recording(desk, take_over)
    desk.hold("b", FAR_CALL)
    quote_both(desk)
    desk.tick()
    assert orders(desk, "status") == [("PENDING",)]
    assert desk.rows("SELECT * FROM paper.orders") == []


def test_what_must_never_happen_halts_every_other_order(desk: Desk) -> None:
    desk.limits = OrderLimits()
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    desk.rows_changed("UPDATE refactored_positions SET reserved_quantity = 1 WHERE id = 'b'")
    quote_both(desk)
    desk.tick()
    assert orders(desk, "refactored_position_id", "denial_code") == [
        ("a", "TRADING_HALTED"),
        ("b", "OVER_EXIT"),
    ]
    assert desk.database.control.read().reason.startswith("OVER_EXIT: b: ")


def test_where_the_broker_does_not_say_what_is_held_only_what_presses_is_sent(
    desk: Desk,
) -> None:
    desk.broker = Between(desk.broker, positions=is_silent)
    stop_and_profit(desk)
    report = desk.tick()
    assert orders(desk, "refactored_position_id", "status") == [("b", "FILLED")]
    assert report.executed.notes["a"] == ("not sent: the broker did not say what the account holds")
    assert desk.position("a").status == "OPEN"
    assert alerts(desk) == {("NOT_RECONCILED", "desk"), ("EXIT_BLOCKED", "a")}


def test_a_row_that_somebody_holds_locked_keeps_no_other_exit_from_being_sent(desk: Desk) -> None:
    """Regression: a session of a person's that was left open in the middle of a change ended the op
    at its row, and no stop behind it was sent, tick after tick."""
    desk.hold("a", CALL)
    desk.hold("b", FAR_CALL)
    desk.quote(CALL, "1.00", "1.05")
    desk.quote(FAR_CALL, "1.00", "1.05")
    with desk.engine.connect() as person:
        person.exec_driver_sql("UPDATE refactored_positions SET policy = NULL WHERE id = 'a'")
        desk.tick()
        assert statuses(desk) == {"b": "FILLED"}
        assert ("EXIT_BLOCKED", "a") in alerts(desk)
        person.rollback()
    desk.later()
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    assert statuses(desk) == {"a": "FILLED", "b": "FILLED"}


@pytest.mark.parametrize("environment", ["live", "paper"])
def test_a_due_exit_that_is_held_at_another_broker_is_told_of_where_it_is_for_money(
    desk: Desk, environment: str
) -> None:
    """Regression: after a change of EXIT_BROKER a stop was decided tick after tick and never sent,
    with a note that it belonged to no broker, and without an alert."""
    desk.hold("a")
    desk.rows_changed(
        f"UPDATE refactored_positions SET broker = 'tradier', environment = '{environment}'"
    )
    desk.broker = Between(desk.broker, name="alpaca", environment=environment)
    desk.quote(CALL, "1.00", "1.05")
    report = desk.tick()
    assert report.executed.notes == {
        "a": "not sent: it is held at tradier, and this run works alpaca"
    }
    assert alerts(desk) == ({("EXIT_BLOCKED", "a")} if environment == "live" else set())
