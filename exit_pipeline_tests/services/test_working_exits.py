"""Exits that have not filled: repriced, pre-empted, cancelled, and never doubled."""

from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderRequest
from exit_pipeline_tests.between import Between, is_silent
from exit_pipeline_tests.desk import CALL, Desk, alerts, decision, orders


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk whose orders rest, since they meet a market in which nothing trades."""
    desk = Desk(database_url)
    desk.stand_apart()
    return desk


def next_tick(desk: Desk, bid: str, ask: str) -> Any:
    desk.later()
    desk.quote(CALL, bid, ask)
    return desk.tick()


def resting_profit(desk: Desk, quantity: int = 4) -> None:
    """Half of a position rests at 3.15, its profit target."""
    desk.hold("a", quantity=quantity)
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()
    assert orders(desk, "status", "quantity") == [("ACCEPTED", quantity // 2)]


def test_an_exit_that_the_market_leaves_behind_is_repriced_until_it_fills_and_a_person_is_told(
    desk: Desk,
) -> None:
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    for bid, ask in (("0.80", "0.85"), ("0.60", "0.65")):
        next_tick(desk, bid, ask)
    assert ("EXIT_ESCALATED", "a") not in alerts(desk)
    desk.later()
    desk.quote(CALL, "0.30", "0.35")
    desk.trade(CALL, "0.30", "0.35")
    desk.tick()
    assert orders(desk, "attempt", "step", "status", "limit_price") == [
        (1, 0, "CANCELLED", Decimal("0.90")),
        (2, 1, "CANCELLED", Decimal("0.70")),
        (3, 2, "CANCELLED", Decimal("0.35")),
        (4, 3, "FILLED", Decimal("0.05")),
    ]
    assert desk.position("a").realized_pnl == Decimal("-170.00")
    assert alerts(desk) == {("EXIT_ESCALATED", "a")}


def test_each_attempt_says_which_one_it_replaces_under_an_id_of_its_own(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    next_tick(desk, "0.80", "0.85")
    (first, _, _), (_, replaces, second_id) = orders(desk, "id", "replaces", "client_order_id")
    assert replaces == first
    assert second_id.endswith("-2")


def test_a_crash_between_a_cancel_and_the_next_attempt_forgets_no_step(desk: Desk) -> None:
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    (order,) = desk.database.orders.live_orders("paper", ["desk"])
    cancelled = desk.broker.cancel("desk", order.request.client_order_id)
    desk.database.orders.book(order, cancelled)
    next_tick(desk, "0.80", "0.85")
    assert orders(desk, "attempt", "step", "status") == [
        (1, 0, "CANCELLED"),
        (2, 1, "ACCEPTED"),
    ]


def test_an_order_at_the_bid_that_lacks_size_rests_and_after_three_ticks_a_person_is_told(
    desk: Desk,
) -> None:
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    for _ in range(2):
        report = next_tick(desk, "1.00", "1.05")
        assert report.executed.notes == {"a": "an exit order of it is working"}
        assert alerts(desk) == set()
    next_tick(desk, "1.00", "1.05")
    assert alerts(desk) == {("EXIT_ESCALATED", "a")}
    assert orders(desk, "attempt", "status") == [(1, "ACCEPTED")]


def test_an_order_that_is_due_no_more_rests_where_it_is(desk: Desk) -> None:
    resting_profit(desk)
    report = next_tick(desk, "2.50", "2.60")
    assert decision(report, "a").decision == "HOLD"
    assert orders(desk, "attempt", "status") == [(1, "ACCEPTED")]
    assert alerts(desk) == set()


def test_a_stop_takes_the_place_of_a_resting_profit_order(desk: Desk) -> None:
    resting_profit(desk)
    desk.later()
    desk.quote(CALL, "1.00", "1.05")
    desk.trade(CALL, "1.00", "1.05")
    desk.tick()
    assert orders(desk, "exit_reason", "status", "quantity", "step") == [
        ("PROFIT_TARGET", "CANCELLED", 2, 0),
        ("STOP_LOSS", "FILLED", 4, 0),
    ]
    assert desk.position("a").status == "CLOSED"
    assert desk.broker.positions("desk") == []


def test_nothing_new_is_sent_until_the_broker_confirms_a_cancel(desk: Desk) -> None:
    """Regression: the worker that users come from sold twice after a cancel that had failed."""
    resting_profit(desk)
    real, desk.broker = desk.broker, Between(desk.broker, cancel=is_silent)
    for _ in range(2):
        report = next_tick(desk, "1.00", "1.05")
        assert report.executed.notes["a"].startswith("waiting for the broker to confirm")
        assert len(orders(desk, "id")) == 1
    assert alerts(desk) == {("CANCEL_NOT_CONFIRMED", "a")}
    desk.broker = real
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "exit_reason", "status", "quantity") == [
        ("PROFIT_TARGET", "CANCELLED", 2),
        ("STOP_LOSS", "ACCEPTED", 4),
    ]


def test_a_cancel_that_the_broker_has_only_noted_is_none_yet(desk: Desk) -> None:
    resting_profit(desk)
    asked: list[str] = []

    def note(inner: Any, account: str, client_order_id: str) -> OrderReport:
        asked.append(client_order_id)
        report: OrderReport = inner.find_order(account, client_order_id)
        return report

    desk.broker = Between(desk.broker, cancel=note)
    for _ in range(2):
        next_tick(desk, "1.00", "1.05")
    assert len(asked) == 2
    assert len(orders(desk, "id")) == 1


@pytest.mark.parametrize(
    ("size", "ended", "left"), [(None, "FILLED", 2), (1, "CANCELLED", 3)], ids=["all", "a part"]
)
def test_what_fills_while_its_cancel_is_under_way_is_not_sold_again(
    desk: Desk, size: int | None, ended: str, left: int
) -> None:
    resting_profit(desk)

    def fill_first(inner: Any, account: str, client_order_id: str) -> OrderReport:
        desk.trade(CALL, "3.15", "3.25", size=size)
        report: OrderReport = inner.cancel(account, client_order_id)
        return report

    desk.broker = Between(desk.broker, cancel=fill_first)
    # Somebody else's contracts in the same account: what is held there is no bound for us.
    desk.rows_changed("UPDATE paper.positions SET quantity = quantity + 5")
    next_tick(desk, "1.00", "1.05")
    (first, second) = orders(desk, "status", "quantity", "filled_quantity")
    assert first == (ended, 2, 4 - left)
    assert second[1] == left
    assert desk.rows("SELECT reserved_quantity AS n FROM refactored_positions") == [
        {"n": left - second[2]}
    ]


def test_an_order_that_fills_in_full_while_it_is_cancelled_leaves_nothing_to_send(
    desk: Desk,
) -> None:
    desk.hold("a")
    desk.quote(CALL, "3.15", "3.25")
    desk.tick()

    def fill_first(inner: Any, account: str, client_order_id: str) -> OrderReport:
        desk.trade(CALL, "3.15", "3.25")
        report: OrderReport = inner.cancel(account, client_order_id)
        return report

    desk.broker = Between(desk.broker, cancel=fill_first)
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "exit_reason", "status") == [("PROFIT_TARGET", "FILLED")]
    assert desk.position("a").realized_pnl == Decimal("115.00")


@pytest.mark.parametrize("state", [TradingState.HALT_NEW, TradingState.CANCEL_ALL])
def test_a_halt_lets_a_working_order_be_cancelled_and_sends_no_other(
    desk: Desk, state: TradingState
) -> None:
    resting_profit(desk)
    desk.database.control.move(state, "a look around", "ann")
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "status", "denial_code") == [
        ("CANCELLED", None),
        ("DENIED", "TRADING_HALTED"),
    ]


def test_a_freeze_leaves_a_working_order_alone(desk: Desk) -> None:
    resting_profit(desk)
    desk.database.control.move(TradingState.FREEZE, "a look around", "ann")
    desk.broker = Between(desk.broker, cancel=_must_not_be_asked, submit=_must_not_be_asked)
    next_tick(desk, "1.00", "1.05")
    assert orders(desk, "status") == [("ACCEPTED",)]


def test_cancel_all_ends_every_working_order_also_those_that_are_due(desk: Desk) -> None:
    resting_profit(desk)
    desk.database.control.move(TradingState.CANCEL_ALL, "a look around", "ann")
    report = next_tick(desk, "2.50", "2.60")
    assert orders(desk, "status") == [("CANCELLED",)]
    assert any("CANCEL_ALL" in note for note in report.executed.decided.tick.notes)


class Lossy:
    """Loses every order before the broker has it, and keeps what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[OrderRequest] = []
        self.arrives = False

    def __call__(self, inner: Any, request: OrderRequest, *rest: Any) -> OrderReport:
        self.asked.append(request)
        if not self.arrives:
            message = "the line is dead"
            raise UnavailableError(message)
        report: OrderReport = inner.submit(request, *rest)
        return report


def test_an_order_that_never_arrived_is_sent_again_under_its_own_id_where_ids_are_unique(
    desk: Desk,
) -> None:
    lossy = Lossy()
    real = Between(desk.broker, submit=lossy)
    desk.broker = Between(real, find_order=is_silent)
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    assert orders(desk, "status") == [("UNKNOWN",)]
    desk.broker, lossy.arrives = real, True
    desk.trade(CALL, "1.00", "1.05")
    next_tick(desk, "1.00", "1.05")
    first, second = lossy.asked
    assert first == second
    assert orders(desk, "attempt", "status", "filled_quantity") == [(1, "FILLED", 1)]
    assert desk.position("a").status == "CLOSED"


@pytest.mark.parametrize(
    ("bid", "ask", "times"),
    [("1.00", "1.05", 2), ("1.20", "1.25", 1)],
    ids=["its price is within bounds", "its price is beyond the newest bounds"],
)
def test_an_order_is_sent_again_only_at_a_price_that_is_still_right(
    desk: Desk, bid: str, ask: str, times: int
) -> None:
    lossy = Lossy()
    real = Between(desk.broker, submit=lossy)
    desk.broker = Between(real, find_order=is_silent)
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    desk.broker, lossy.arrives = real, True
    next_tick(desk, bid, ask)
    assert len(lossy.asked) == times


def test_an_order_that_the_broker_does_not_speak_of_in_this_tick_is_not_sent_again(
    desk: Desk,
) -> None:
    lossy = Lossy()
    desk.broker = Between(desk.broker, submit=lossy, knows_all_orders=False)
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    assert orders(desk, "status", "last_missed_at") == [("UNKNOWN", desk.clock.now())]
    desk.broker = Between(desk.broker, find_order=is_silent)
    next_tick(desk, "1.00", "1.05")
    assert len(lossy.asked) == 1


def test_an_order_is_not_sent_again_where_that_might_make_two_of_it(desk: Desk) -> None:
    lossy = Lossy()
    real = Between(desk.broker, submit=lossy, ids_are_unique=False)
    desk.broker = Between(real, find_order=is_silent)
    desk.hold("a")
    desk.quote(CALL, "1.00", "1.05")
    desk.tick()
    desk.broker, lossy.arrives = real, True
    report = next_tick(desk, "1.00", "1.05")
    assert len(lossy.asked) == 1
    assert orders(desk, "status", "last_missed_at") == [("UNKNOWN", desk.clock.now())]
    assert report.executed.notes == {"a": "an exit order of it is working"}


def test_what_is_due_and_cant_be_priced_leaves_the_working_order_there_is(desk: Desk) -> None:
    resting_profit(desk)
    desk.later(20)
    desk.tick({"force_close": True})
    assert orders(desk, "exit_reason", "status") == [("PROFIT_TARGET", "ACCEPTED")]


def _must_not_be_asked(inner: Any, *asked: Any) -> Any:  # noqa: ARG001 as the port has it
    message = f"asked for {asked}"
    raise AssertionError(message)
