"""What holds for every broker, and what tells them apart.

A broker joins by a rig of its own in ``RIGS``: how tests make it hold and how they move its market.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.order import OrderReport, OrderSide, OrderStatus
from exit_pipeline.ports import Broker
from exit_pipeline_tests.adapters.brokers.alpaca_rig import alpaca_rig
from exit_pipeline_tests.adapters.brokers.capabilities import LONG_AGO, BrokerRig, table
from exit_pipeline_tests.adapters.brokers.test_paper import CALL, paper_rig
from exit_pipeline_tests.adapters.brokers.test_tradier import tradier_rig

SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
PAGE = Path(__file__).parents[3] / "docs" / "brokers.md"


RIGS: dict[str, Callable[[str], AbstractContextManager[BrokerRig]]] = {
    "alpaca": alpaca_rig,
    "paper": paper_rig,
    "tradier": tradier_rig,
}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, database_url: str) -> Iterator[BrokerRig]:
    with RIGS[request.param](database_url) as made:
        yield made


def _find(rig: BrokerRig, client_order_id: str) -> OrderReport:
    found = rig.broker.find_order(rig.account, client_order_id)
    assert found is not None
    return found


def _held(rig: BrokerRig) -> dict[str, int]:
    return {held.symbol: held.quantity for held in rig.broker.positions(rig.account)}


def test_it_is_a_broker(rig):
    assert isinstance(rig.broker, Broker)
    assert rig.broker.name
    assert rig.broker.environment


@pytest.mark.parametrize(
    ("held", "side", "limit"),
    [pytest.param(5, SELL, "1.00", id="long"), pytest.param(-5, BUY, "1.30", id="short")],
)
def test_a_marketable_order_is_filled_and_reduces_the_holding(rig, held, side, limit):
    rig.hold(held)
    rig.quote("1.10", "1.20")
    report = rig.broker.submit(rig.order("a-1", side, 2, limit))
    assert _find(rig, "a-1").status is OrderStatus.FILLED
    assert _find(rig, "a-1").filled_quantity == 2
    assert report.client_order_id == "a-1"
    assert _held(rig) == {CALL: held - 2 if held > 0 else held + 2}


def test_positions_are_signed(rig):
    rig.hold(-3)
    assert _held(rig) == {CALL: -3}


def test_a_fill_never_exceeds_the_order(rig):
    rig.hold(10)
    rig.broker.submit(rig.order("a-1", SELL, 4, "1.00"))
    for _ in range(3):
        rig.quote("1.10", "1.20", size=3)
        assert _find(rig, "a-1").filled_quantity <= 4
    assert _find(rig, "a-1").status is OrderStatus.FILLED
    assert _held(rig) == {CALL: 6}


def test_partial_fills_add_up(rig):
    rig.hold(10)
    rig.broker.submit(rig.order("a-1", SELL, 7, "1.00"))
    statuses = []
    for _ in range(3):
        rig.quote("1.10", "1.20", size=3)
        statuses.append(_find(rig, "a-1").status)
    report = _find(rig, "a-1")
    assert statuses == [OrderStatus.PARTIAL_FILL, OrderStatus.PARTIAL_FILL, OrderStatus.FILLED]
    assert sum(fill.quantity for fill in report.fills) == 7
    assert len({fill.execution_id for fill in report.fills}) == len(report.fills)
    assert _held(rig) == {CALL: 3}


def test_an_execution_keeps_its_id_and_quantity_whatever_comes_after_it(rig):
    rig.hold(10)
    rig.broker.submit(rig.order("a-1", SELL, 7, "1.00"))
    seen: dict[str, int] = {}
    for looked_at in (True, False, True):
        rig.quote("1.10", "1.20", size=3)
        if looked_at:
            new = {fill.execution_id: fill.quantity for fill in _find(rig, "a-1").fills}
            assert new | seen == new
            seen = new
    assert sum(seen.values()) == sum(fill.quantity for fill in _find(rig, "a-1").fills)


def test_the_same_client_order_id_twice_gives_one_order(rig):
    rig.hold(10)
    rig.quote("1.10", "1.20")
    first = rig.broker.submit(rig.order("a-1", SELL, 2, "1.50"))
    second = rig.broker.submit(rig.order("a-1", SELL, 2, "1.50"))
    assert second.status is OrderStatus.REJECTED
    assert second.reason
    assert [order.broker_order_id for order in rig.broker.working_orders(rig.account)] == [
        first.broker_order_id
    ]


@pytest.mark.parametrize(
    ("held", "side", "quantity"),
    [
        pytest.param(5, BUY, 1, id="buying more of a long"),
        pytest.param(-5, SELL, 1, id="selling more of a short"),
        pytest.param(5, SELL, 6, id="selling through a long"),
        pytest.param(-5, BUY, 6, id="buying through a short"),
        pytest.param(0, SELL, 1, id="selling what is not held"),
        pytest.param(0, BUY, 1, id="buying what is not held"),
    ],
)
def test_a_closing_order_never_opens_and_is_refused_by_a_report(rig, held, side, quantity):
    if held:
        rig.hold(held)
    rig.quote("1.10", "1.20")
    before = _held(rig)
    report = rig.broker.submit(rig.order("a-1", side, quantity, "1.15"))
    assert report.status is OrderStatus.REJECTED
    assert report.reason
    assert not report.fills
    assert _held(rig) == before
    assert rig.broker.working_orders(rig.account) == []


def test_what_rests_is_working_until_the_market_comes_to_it(rig):
    rig.hold(2)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    (working,) = rig.broker.working_orders(rig.account)
    assert working.status is OrderStatus.ACCEPTED
    rig.quote("1.15", "1.25")
    assert rig.broker.working_orders(rig.account) == []
    assert _find(rig, "a-1").status is OrderStatus.FILLED
    assert _held(rig) == {}


def test_an_unknown_order_is_not_found(rig):
    assert rig.broker.find_order(rig.account, "never-sent") is None


def test_an_unknown_order_cannot_be_cancelled(rig):
    with pytest.raises(InputError, match="never-sent"):
        rig.broker.cancel(rig.account, "never-sent")


def test_a_cancelled_order_fills_no_more_and_frees_what_it_held(rig):
    rig.hold(2)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.CANCELLED
    rig.quote("1.30", "1.40")
    assert _find(rig, "a-1").filled_quantity == 0
    assert rig.broker.submit(rig.order("a-2", SELL, 2, "1.15")).filled_quantity == 2


def test_a_cancel_keeps_what_was_filled_before(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    rig.broker.submit(rig.order("a-1", SELL, 5, "1.10"))
    report = rig.broker.cancel(rig.account, "a-1")
    assert report.status is OrderStatus.CANCELLED
    assert report.filled_quantity == 2
    assert _held(rig) == {CALL: 3}


def test_the_cancel_of_a_filled_order_reports_it_filled(rig):
    rig.hold(2)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.10"))
    report = rig.broker.cancel(rig.account, "a-1")
    assert report.status is OrderStatus.FILLED
    assert report.filled_quantity == 2


def test_a_cancel_that_comes_after_the_market_reports_the_fill(rig):
    rig.hold(2)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    rig.quote("1.15", "1.25")
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.FILLED


def test_every_read_of_a_finished_order_says_the_same(rig):
    rig.hold(2)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.10"))
    assert _find(rig, "a-1") == _find(rig, "a-1")


def test_an_account_does_not_see_the_orders_of_another_one(rig):
    rig.hold(2)
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.10"))
    assert rig.broker.find_order("another-account", "a-1") is None
    assert rig.broker.positions("another-account") == []


@pytest.fixture(params=["alpaca", "tradier"])
def telling(request: pytest.FixtureRequest) -> Iterator[BrokerRig]:
    """The brokers at which others trade too, and which tell of it."""
    with RIGS[request.param]("") as made:
        yield made


def _closed(rig: BrokerRig) -> list[ClosingFill]:
    return list(rig.broker.closings(rig.account, [CALL], LONG_AGO))


@pytest.mark.parametrize(
    ("held", "side"),
    [pytest.param(5, SELL, id="long"), pytest.param(-5, BUY, id="short")],
)
def test_a_close_by_hand_is_told_with_its_side_price_and_quantity(telling, held, side):
    telling.hold(held)
    telling.close_by_hand(2, "1.15")
    told = _closed(telling)
    assert sum(one.fill.quantity for one in told) == 2
    assert {(one.side, one.symbol, one.fill.price) for one in told} == {
        (side, CALL, Decimal("1.15"))
    }
    assert _closed(telling) == told, "it is the same at every look"
    assert not any(one.client_order_id for one in told)


def test_a_fill_of_ours_is_told_under_the_id_that_it_is_booked_under(telling):
    telling.hold(5)
    telling.quote("1.10", "1.20", size=2)
    telling.broker.submit(telling.order("a-1", SELL, 3, "1.10"))
    telling.quote("1.10", "1.20")
    ours = _find(telling, "a-1")
    told = _closed(telling)
    assert sorted(one.fill.execution_id for one in told) == sorted(
        fill.execution_id for fill in ours.fills
    )
    assert {one.broker_order_id for one in told} == {ours.broker_order_id}
    assert {one.client_order_id for one in told} <= {"a-1", None}


def test_closings_of_other_contracts_times_and_accounts_are_left_out(telling):
    telling.hold(5)
    telling.close_by_hand(2, "1.15")
    later = max(one.fill.executed_at for one in _closed(telling)) + timedelta(seconds=1)
    broker, account = telling.broker, telling.account
    assert list(broker.closings(account, [CALL], later)) == []
    assert list(broker.closings(account, ["GOOG151224P00750000"], LONG_AGO)) == []
    assert list(broker.closings("another-account", [CALL], LONG_AGO)) == []


def test_the_page_of_brokers_tells_them_apart_as_they_show_themselves(new_database):
    """Printed with ``-s``, to be copied into the page where a broker has changed."""
    printed = table(RIGS, new_database)
    print(f"\n{printed}")  # noqa: T201 for a person to copy
    assert printed in PAGE.read_text(encoding="utf-8")
