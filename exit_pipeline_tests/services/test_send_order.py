"""The only place from which a broker is written to: what it does when the answer is no answer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import NOT_ACCEPTED, OrderReport, OrderRequest, OrderStatus
from exit_pipeline.services.send_order import OrderDesk
from exit_pipeline_tests.between import Between, is_silent
from exit_pipeline_tests.desk import CALL, Desk, alerts, orders


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk whose order of 2 of 4 contracts rests at its profit target, and the tick goes on."""
    desk = Desk(database_url)
    desk.stand_apart()
    desk.hold("a", quantity=4)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    desk.rows_changed("UPDATE account_leases SET expires_at = now() + interval '4 minutes'")
    return desk


@pytest.fixture
def stopped(database_url: str) -> Desk:
    """A desk whose only position is at its stop."""
    desk = Desk(database_url)
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    return desk


def working(desk: Desk) -> ExitOrder:
    (order,) = desk.database.orders.live_orders("paper", ["desk"])
    return order


def at_work(desk: Desk, *, fence: int = 1, **does: Any) -> OrderDesk:
    """The sender of the tick that made the order, before a broker that does things in its way."""
    ((run_id,),) = orders(desk, "CAST(run_id AS text)")
    return OrderDesk(
        broker=Between(desk.broker, **does),
        database=desk.database,
        clock=desk.clock,
        run_id=run_id,
        account="desk",
        fence=fence,
    )


def never(inner: Any, *asked: Any) -> Any:  # noqa: ARG001 as the port has it
    message = f"the broker is asked for {asked}"
    raise AssertionError(message)


def test_a_confirmed_cancel_is_the_order_as_it_ended(desk: Desk) -> None:
    ended = at_work(desk).cancel(working(desk))
    assert ended is not None
    assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELLED, 0)
    assert desk.rows("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 0}]


def test_an_unanswered_cancel_stays_under_way_with_its_reservation(desk: Desk) -> None:
    assert at_work(desk, cancel=is_silent).cancel(working(desk)) is None
    assert orders(desk, "status") == [("PENDING_CANCEL",)]
    assert desk.rows("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 2}]
    assert alerts(desk) == {("CANCEL_NOT_CONFIRMED", "a")}


def test_an_order_that_has_ended_in_the_meantime_is_not_cancelled(desk: Desk) -> None:
    order = working(desk)
    at_work(desk).cancel(order)
    assert at_work(desk, cancel=never).cancel(order) is None
    assert alerts(desk) == set()


@pytest.mark.parametrize("fence", [0, 2])
def test_nothing_is_sent_under_a_fence_that_does_not_hold_the_account(
    desk: Desk, fence: int
) -> None:
    order = working(desk)
    desk.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    said = at_work(desk, fence=fence, submit=never).send(order)
    assert said.startswith("not sent: trading was halted, or another run")
    assert orders(desk, "status") == [("UNKNOWN",)]


def test_an_order_that_is_sent_again_is_found_by_its_id_and_not_placed_twice(desk: Desk) -> None:
    order = working(desk)
    desk.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    assert at_work(desk).send(order) == ""
    assert orders(desk, "status") == [("ACCEPTED",)]
    assert desk.rows("SELECT count(*) AS n FROM paper.orders") == [{"n": 1}]


@pytest.mark.parametrize(
    "error", [OSError("reset"), TimeoutError("late"), ValueError("no JSON"), KeyError("id")]
)
def test_whatever_goes_wrong_once_an_order_may_have_left_makes_it_unknown(
    desk: Desk, error: Exception
) -> None:
    def fail(inner: Any, request: Any) -> OrderReport:  # noqa: ARG001 as the port has it
        raise error

    order = working(desk)
    desk.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    said = at_work(desk, submit=fail).send(order)
    assert said.startswith(f"the broker's answer to {order.request.client_order_id} is lost")
    assert orders(desk, "status") == [("UNKNOWN",)]
    assert alerts(desk) == {("ORDER_UNKNOWN", "a")}


@pytest.mark.parametrize("status", ["REJECTED", "UNKNOWN"])
def test_a_refusal_of_an_order_that_is_sent_again_proves_nothing_of_the_first_one(
    desk: Desk, status: str
) -> None:
    """The first one may still be on its way, so "not accepted" is no proof that it never was."""

    def refuse(inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        report: OrderReport = inner.submit(request, *rest)
        return replace(report, status=OrderStatus(status), reason=f"{NOT_ACCEPTED}429")

    order = working(desk)
    desk.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "no answer")
    at_work(desk, submit=refuse, find_order=lambda *_: None).send(working(desk))
    again = working(desk)
    assert again.status is OrderStatus.UNKNOWN
    assert not (again.trouble or "").startswith(NOT_ACCEPTED)
    assert alerts(desk) == {("ORDER_UNKNOWN", "a")}


def test_a_second_look_books_what_has_filled(desk: Desk) -> None:
    desk.trade(CALL, "3.15", "3.25")
    at_work(desk).read_back(working(desk))
    assert orders(desk, "status", "filled_quantity") == [("FILLED", 2)]


@pytest.mark.parametrize(
    "error", [UnavailableError("no answer"), ConfigurationError("keys refused"), KeyError("id")]
)
def test_a_second_look_that_is_not_answered_changes_nothing(desk: Desk, error: Exception) -> None:
    """Regression: keys that were refused by then ended the op, and with it the tick."""

    def fail(*_: Any) -> OrderReport:
        raise error

    at_work(desk, find_order=fail).read_back(working(desk))
    assert orders(desk, "status", "last_missed_at") == [("ACCEPTED", None)]


def test_a_second_look_that_does_not_show_the_order_begins_the_proof(desk: Desk) -> None:
    at_work(desk, find_order=lambda *_: None).read_back(working(desk))
    now = desk.clock.now()
    assert orders(desk, "status", "first_missed_at", "last_missed_at") == [("UNKNOWN", now, now)]


def test_a_second_look_that_shows_another_order_books_nothing(desk: Desk) -> None:
    def show_another(inner: Any, account: str, client_order_id: str) -> OrderReport:
        desk.trade(CALL, "3.15", "3.25")
        found: OrderReport = inner.find_order(account, client_order_id)
        return replace(found, quantity=9)

    at_work(desk, find_order=show_another).read_back(working(desk))
    assert orders(desk, "status", "filled_quantity") == [("ACCEPTED", 0)]


def test_a_second_look_that_shows_a_refusal_tells_a_person(desk: Desk) -> None:
    """Regression: what a broker took at first and then refused was booked, and nobody was told."""

    def refuse_after_all(inner: Any, account: str, client_order_id: str) -> OrderReport:
        found: OrderReport = inner.find_order(account, client_order_id)
        return replace(found, status=OrderStatus.REJECTED, reason="no margin")

    at_work(desk, find_order=refuse_after_all).read_back(working(desk))
    assert orders(desk, "status", "rejection_reason") == [("REJECTED", "no margin")]
    assert alerts(desk) == {("ORDER_REFUSED", "a")}


def test_every_write_is_logged_with_its_outcome(desk: Desk) -> None:
    at_work(desk, cancel=is_silent).cancel(working(desk))
    at_work(desk).cancel(working(desk))
    logged = desk.rows("SELECT outcome FROM adapter_logs WHERE broker_call = 'cancel' ORDER BY 1")
    assert [row["outcome"] for row in logged] == ["UnavailableError", "ok"]


def test_an_order_whose_decision_has_grown_old_is_given_up_and_never_sent(
    stopped: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process froze between the commit of the intent and the sending."""
    desk = stopped
    with monkeypatch.context() as frozen:
        frozen.setattr(OrderDesk, "send", lambda *_: "frozen")
        desk.tick()
    desk.rows_changed("UPDATE account_leases SET expires_at = now() + interval '4 minutes'")
    desk.clock.advance(timedelta(seconds=66))
    said = at_work(desk, submit=never).send(working(desk))
    assert said == "not sent: its decision is 66 seconds old by now"
    assert orders(desk, "status") == [("ABANDONED",)]
    assert desk.rows("SELECT reserved_quantity AS n FROM refactored_positions") == [{"n": 0}]


def test_the_last_gate_takes_the_time_itself(
    stopped: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seed 471: the process froze on its way there, and the gate judged by the time of before."""
    desk = stopped
    orders_store = type(desk.database.orders)
    record = orders_store.record_intent

    def after_a_freeze(store: Any, *intent: Any) -> Any:
        desk.clock.advance(timedelta(seconds=81))
        return record(store, *intent)

    monkeypatch.setattr(orders_store, "record_intent", after_a_freeze)
    report = desk.tick()
    assert report.executed.notes["a"].startswith("deferred: the decision is 81 seconds old")
    assert orders(desk, "status") == []
