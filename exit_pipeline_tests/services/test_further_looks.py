"""Steps of a ladder inside a tick: as safe as any other attempt, and within the tick's time."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport
from exit_pipeline.services.submit import execute_tick
from exit_pipeline_tests.between import Between, is_silent
from exit_pipeline_tests.desk import CALL, MORNING, PUT, Desk, alerts, orders
from exit_pipeline_tests.fakes import PassingClock, new_york

LADDER = "prices.normal=start:0|worst:100|steps:2|seconds:10|timeout:{}"
BUDGET = "prices.budget_seconds=45"
LEAVE = f"{LADDER.format('leave')}, {BUDGET}"
CANCEL = f"{LADDER.format('cancel')}, {BUDGET}"


class WaitingDesk(Desk):
    """A desk of a live market whose clock passes time in waits; nothing trades until it is set."""

    def __init__(self, database_url: str) -> None:
        self.passing = PassingClock(MORNING)
        super().__init__(database_url, clock=self.passing)
        self.market.is_live = True
        self.stand_apart()
        self.exchange.is_live = True

    def after(self, *happens: Any) -> None:
        """What happens at the end of each wait to come, one thing each."""
        self.passing.meanwhile = [*happens]


@pytest.fixture
def desk(database_url: str) -> WaitingDesk:
    return WaitingDesk(database_url)


def profit(desk: Desk, policy: str = LEAVE, *, quantity: int = 2, name: str = "a") -> None:
    """A position whose profit target is due, for half of it, at 2.00 bid and 2.20 asked."""
    desk.hold(name, entry="1.00", quantity=quantity, policy=policy)
    desk.quote(CALL, "2.00", "2.20")


def test_the_second_step_of_a_ladder_fills_inside_the_tick(desk: WaitingDesk) -> None:
    profit(desk)
    desk.after(lambda: None, lambda: desk.trade(CALL, "2.00", "2.20"))
    desk.tick()
    assert desk.passing.waits == [10, 10]
    assert orders(desk, "attempt", "step", "rung", "status", "limit_price") == [
        (1, 0, 0, "CANCELLED", Decimal("2.10")),
        (2, 1, 1, "CANCELLED", Decimal("2.05")),
        (3, 2, 2, "FILLED", Decimal("2.00")),
    ]


def test_each_attempt_says_which_one_it_replaces_and_all_come_from_one_decision(
    desk: WaitingDesk,
) -> None:
    profit(desk)
    desk.tick()
    found = orders(desk, "id", "replaces", "decision_id")
    assert [replaces for _, replaces, _ in found] == [None, *(key for key, _, _ in found[:-1])]
    assert len({decision for _, _, decision in found}) == 1


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(LADDER.format("leave"), id="no time is given"),
        pytest.param(BUDGET, id="no ladder is given"),
    ],
)
def test_without_ladder_or_time_a_tick_makes_one_attempt_and_never_waits(
    desk: WaitingDesk, policy: str
) -> None:
    profit(desk, policy)
    desk.tick()
    assert desk.passing.waits == []
    assert len(orders(desk, "id")) == 1


def test_a_source_that_is_not_live_is_never_waited_for(desk: WaitingDesk) -> None:
    profit(desk)
    desk.market.is_live = False
    desk.tick()
    assert desk.passing.waits == []


def test_a_clock_that_stands_still_is_never_waited_by(database_url: str) -> None:
    desk = Desk(database_url)
    desk.market.is_live = True
    desk.stand_apart()
    profit(desk)
    desk.tick()
    assert len(orders(desk, "id")) == 1


@pytest.mark.parametrize(
    ("budget", "waits"), [(9, []), (10, [10]), (19, [10]), (45, [10, 10])],
    ids=["too short for one", "one", "one and a rest", "all"],
)  # fmt: skip
def test_no_step_begins_after_the_ticks_time(
    desk: WaitingDesk, budget: int, waits: list[int]
) -> None:
    profit(desk, f"{LADDER.format('leave')}, prices.budget_seconds={budget}")
    desk.tick()
    assert desk.passing.waits == waits
    assert len(orders(desk, "id")) == 1 + len(waits)


def test_the_time_is_of_all_positions_together(desk: WaitingDesk) -> None:
    profit(desk)
    desk.hold("b", PUT, entry="1.00", quantity=2, policy=LEAVE)
    desk.quote(PUT, "2.00", "2.20")
    desk.tick()
    assert desk.passing.waits == [10, 10]
    assert len(orders(desk, "id")) == 6


def test_quotes_of_a_look_come_in_one_request_for_what_still_works(desk: WaitingDesk) -> None:
    profit(desk)
    desk.hold("b", PUT, entry="1.00", quantity=2, policy=LEAVE)
    desk.quote(PUT, "2.00", "2.20")
    desk.after(lambda: desk.trade(PUT, "2.10", "2.20"))
    desk.tick()
    assert [options for options, _, _ in desk.market.asked] == [(CALL, PUT), (CALL, PUT), (CALL,)]


def test_what_has_filled_meanwhile_is_not_sold_again(desk: WaitingDesk) -> None:
    """A part of a rung fills; the next one is for the rest, and no more than was due is sold."""
    profit(desk, quantity=8)
    desk.after(lambda: desk.trade(CALL, "2.10", "2.20", size=3))
    desk.tick()
    assert orders(desk, "status", "quantity", "filled_quantity") == [
        ("CANCELLED", 4, 3),
        ("CANCELLED", 1, 0),
        ("ACCEPTED", 1, 0),
    ]
    assert desk.position("a").open_quantity == 5
    assert "EXIT_BLOCKED" not in {cause for cause, _ in alerts(desk)}


def test_what_fills_while_its_cancel_is_under_way_is_not_sold_again(desk: WaitingDesk) -> None:
    profit(desk, quantity=8)

    def fill_first(inner: Any, account: str, client_order_id: str) -> OrderReport:
        desk.trade(CALL, "2.10", "2.20", size=1)
        report: OrderReport = inner.cancel(account, client_order_id)
        return report

    desk.broker = Between(desk.broker, cancel=fill_first)
    desk.tick()
    sold = sum(filled for _, filled in orders(desk, "quantity", "filled_quantity"))
    assert desk.position("a").open_quantity == 8 - sold
    assert [quantity for quantity, _ in orders(desk, "quantity", "filled_quantity")] == [4, 3, 2]


def test_nothing_is_sent_until_a_cancel_is_confirmed_and_that_is_asked_for_after_a_second(
    desk: WaitingDesk,
) -> None:
    profit(desk)
    real = desk.broker
    speaks = {"after": 2}

    def only_later(inner: Any, *asked: Any) -> Any:
        speaks["after"] -= 1
        if speaks["after"] >= 0:
            message = "no answer"
            raise UnavailableError(message)
        return inner.cancel(*asked)

    desk.broker = Between(real, cancel=only_later)
    desk.tick()
    assert desk.passing.waits == [10, 1, 1, 10]
    assert orders(desk, "step", "status") == [
        (0, "CANCELLED"),
        (1, "CANCELLED"),
        (2, "ACCEPTED"),
    ]


def test_a_cancel_that_is_never_confirmed_sends_nothing_else(desk: WaitingDesk) -> None:
    profit(desk)
    desk.broker = Between(desk.broker, cancel=is_silent)
    desk.tick()
    assert orders(desk, "status") == [("PENDING_CANCEL",)]


def test_no_step_goes_beyond_the_worst_price_of_the_ticks_first_quote(desk: WaitingDesk) -> None:
    profit(desk)
    desk.after(lambda: desk.quote(CALL, "1.00", "1.20"))
    desk.tick()
    limits = [limit for (limit,) in orders(desk, "limit_price")]
    assert limits == [Decimal("2.10"), Decimal("2.00")]


def test_rungs_that_ask_for_the_same_on_the_tick_are_taken_as_one(desk: WaitingDesk) -> None:
    """Regression: a rung that asked no less than the order at work kept it from the ones below."""
    profit(desk, f"prices.normal=start:0|worst:100|steps:20|seconds:5, {BUDGET}")
    desk.tick()
    assert orders(desk, "step", "limit_price") == [
        (0, Decimal("2.10")),
        (1, Decimal("2.05")),
        (11, Decimal("2.00")),
    ]


def test_a_market_that_comes_back_leaves_the_order_where_it_is(desk: WaitingDesk) -> None:
    profit(desk)
    desk.after(lambda: desk.quote(CALL, "2.30", "2.50"))
    desk.tick()
    assert orders(desk, "status", "limit_price") == [("ACCEPTED", Decimal("2.10"))]


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda desk: setattr(desk.market, "is_down", True), id="no answer"),
        pytest.param(lambda desk: desk.quote(CALL, "2.20", "2.00"), id="crossed"),
        pytest.param(lambda desk: desk.quote(CALL, "0", "2.20"), id="no bid"),
        pytest.param(lambda desk: desk.passing.advance(timedelta(minutes=20)), id="too old"),
    ],
)
def test_without_a_usable_quote_an_order_rests(desk: WaitingDesk, happens: Any) -> None:
    profit(desk)
    desk.after(lambda: happens(desk))
    desk.tick()
    assert orders(desk, "status", "limit_price") == [("ACCEPTED", Decimal("2.10"))]


def test_an_order_whose_answer_was_lost_is_the_next_ticks_matter(desk: WaitingDesk) -> None:
    profit(desk)
    desk.broker = Between(desk.broker, submit=is_silent, find_order=is_silent)
    desk.tick()
    assert desk.passing.waits == []
    assert orders(desk, "status") == [("UNKNOWN",)]


def test_a_halt_in_the_middle_of_a_tick_holds_for_the_next_step(desk: WaitingDesk) -> None:
    profit(desk)
    desk.after(lambda: desk.database.control.move(TradingState.HALT_NEW, "a look", "ann"))
    desk.tick()
    assert orders(desk, "status", "denial_code") == [
        ("CANCELLED", None),
        ("DENIED", "TRADING_HALTED"),
    ]


def test_an_account_that_another_run_took_over_is_left_alone(desk: WaitingDesk) -> None:
    profit(desk)
    desk.after(lambda: desk.rows_changed("UPDATE account_leases SET fence = fence + 1"))
    desk.tick()
    assert [status for (status,) in orders(desk, "status") if status != "CANCELLED"] == []
    assert len(orders(desk, "id")) == 1


def test_no_step_begins_shortly_before_the_close(desk: WaitingDesk) -> None:
    profit(desk)
    desk.at(new_york(MORNING.date(), 15, 59) + timedelta(seconds=40))
    desk.quote(CALL, "2.00", "2.20")
    desk.tick()
    assert desk.passing.waits == []


@pytest.mark.parametrize(
    ("timeout", "status", "note"),
    [
        ("leave", "ACCEPTED", "an exit order of it is working"),
        ("next", "ACCEPTED", "an exit order of it is working"),
        ("cancel", "CANCELLED", "its time in this tick was over: it is cancelled"),
    ],
)
def test_at_the_time_out_an_order_is_left_or_cancelled(
    desk: WaitingDesk, timeout: str, status: str, note: str
) -> None:
    profit(desk, f"{LADDER.format(timeout)}, {BUDGET}")
    report = desk.tick()
    assert orders(desk, "status")[-1] == (status,)
    if timeout == "cancel":
        assert desk.passing.waits == [10, 10, 10]
        assert report.executed.notes == {"a": note}


def test_what_was_cancelled_at_the_time_out_goes_on_where_its_ladder_stood(
    desk: WaitingDesk,
) -> None:
    profit(desk, CANCEL)
    desk.tick()
    desk.later()
    desk.quote(CALL, "2.00", "2.20")
    desk.tick()
    assert orders(desk, "step", "limit_price")[-1] == (3, Decimal("2.00"))


@pytest.mark.parametrize(("timeout", "steps"), [("leave", [0]), ("next", [0, 1])])
def test_without_time_the_next_tick_takes_the_next_step_or_waits_for_its_patience(
    desk: WaitingDesk, timeout: str, steps: list[int]
) -> None:
    profit(desk, LADDER.format(timeout))
    desk.tick()
    desk.later(4)
    desk.quote(CALL, "2.00", "2.20")
    desk.tick()
    assert [step for (step,) in orders(desk, "step")] == steps


def test_a_decision_that_was_executed_is_not_executed_by_a_run_that_begins_anew(
    desk: WaitingDesk,
) -> None:
    """The rung of a first look is 0, and that is there: what was ended by hand stays ended."""
    profit(desk)
    report = desk.tick()
    orders_before = orders(desk, "id")
    decided = report.executed.decided
    for order in desk.database.orders.live_orders("paper", ["desk"]):
        cancelled = desk.broker.cancel("desk", order.request.client_order_id)
        desk.database.orders.book(order, cancelled)
    execute_tick(
        decided,
        broker=desk.broker,
        database=desk.database,
        clock=desk.clock,
        limits=desk.limits,
        market_data=desk.market,
    )
    assert orders(desk, "id") == orders_before


def test_a_short_climbs_the_mirror_image(desk: WaitingDesk) -> None:
    desk.hold("a", quantity=2, side="SHORT", entry="4.00", policy=LEAVE)
    desk.quote(CALL, "1.80", "2.00")
    desk.after(lambda: None, lambda: desk.trade(CALL, "1.80", "2.00"))
    desk.tick()
    assert orders(desk, "side", "limit_price") == [
        ("BUY_TO_CLOSE", Decimal("1.90")),
        ("BUY_TO_CLOSE", Decimal("1.95")),
        ("BUY_TO_CLOSE", Decimal("2.00")),
    ]
