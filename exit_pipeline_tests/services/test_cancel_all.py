"""Asking for the cancel of everything that may still fill, at once and without a run."""

from typing import Any

import pytest

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.order import OrderReport, OrderStatus
from exit_pipeline.services.cancel_all import CancelOutcome, cancel_all
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk


@pytest.fixture
def desk(database_url: str) -> Desk:
    """A desk with two orders that have filled one of two contracts, and rest."""
    desk = Desk(database_url)
    for name, symbol in (("a", CALL), ("b", FAR_CALL)):
        desk.hold(name, symbol, quantity=4)
        desk.quote(symbol, "3.15", "3.25", size=1)
    desk.tick()
    assert statuses(desk) == ["PARTIAL_FILL", "PARTIAL_FILL"]
    return desk


def statuses(desk: Desk) -> list[str]:
    rows = desk.rows("SELECT status FROM orders ORDER BY refactored_position_id")
    return [row["status"] for row in rows]


def cancelled(desk: Desk) -> list[CancelOutcome]:
    return cancel_all(broker=desk.broker, database=desk.database, clock=desk.clock)


def test_every_working_order_is_cancelled_keeps_its_fills_and_frees_the_rest(desk: Desk) -> None:
    desk.database.control.move(TradingState.CANCEL_ALL, "a look", "ann")
    outcomes = cancelled(desk)
    assert [(one.has_ended, one.said) for one in outcomes] == [(True, "is CANCELLED")] * 2
    assert [one.order.filled_quantity for one in outcomes] == [1, 1]
    assert statuses(desk) == ["CANCELLED", "CANCELLED"]
    assert desk.rows("SELECT DISTINCT reserved_quantity AS n FROM refactored_positions") == [
        {"n": 0}
    ]
    assert cancelled(desk) == []


def test_it_takes_no_account_from_the_run_that_works_it(desk: Desk) -> None:
    query = "SELECT holder, fence, expires_at FROM account_leases"
    before = desk.rows(query)
    cancelled(desk)
    assert desk.rows(query) == before


def test_an_order_whose_cancel_is_not_answered_is_not_confirmed_and_the_other_is_cancelled(
    desk: Desk,
) -> None:
    desk.broker = LosesCancel(desk.broker, CALL)
    first, second = sorted(cancelled(desk), key=lambda one: one.order.position_id)
    assert not first.has_ended
    assert first.said == "is asked for its cancel, which is not confirmed yet"
    assert second.order.status is OrderStatus.CANCELLED
    assert statuses(desk) == ["PENDING_CANCEL", "CANCELLED"]
    desk.broker = desk.broker.inner
    assert [one.said for one in cancelled(desk)] == ["is CANCELLED"]


def test_a_freeze_writes_nothing_to_the_broker(desk: Desk) -> None:
    desk.database.control.move(TradingState.FREEZE, "", "ann")
    outcomes = cancelled(desk)
    assert [one.said for one in outcomes] == ["is PARTIAL_FILL and may not be written to"] * 2
    assert desk.rows("SELECT 1 FROM adapter_logs WHERE broker_call = 'cancel'") == []


def test_an_order_at_another_broker_is_said_and_not_asked_for(desk: Desk) -> None:
    desk.broker = NamedLikeAnother(desk.broker)
    assert {one.said for one in cancelled(desk)} == {
        "not asked for: it is at the broker paper, not at another"
    }
    assert statuses(desk) == ["PARTIAL_FILL", "PARTIAL_FILL"]


class Wrapped:
    """A broker that stands before another one."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class NamedLikeAnother(Wrapped):
    """A broker by another name."""

    name = "another"


class LosesCancel(Wrapped):
    """Answers no cancel of one symbol."""

    def __init__(self, inner: Any, symbol: str) -> None:
        super().__init__(inner)
        self.symbol = symbol

    def cancel(self, account: str, client_order_id: str) -> OrderReport:
        found = self.inner.find_order(account, client_order_id)
        if found.symbol == self.symbol:
            message = "read timed out"
            raise TimeoutError(message)
        report: OrderReport = self.inner.cancel(account, client_order_id)
        return report
