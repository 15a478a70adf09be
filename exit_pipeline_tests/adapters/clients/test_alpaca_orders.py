from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.alpaca_orders import (
    FILLS_LAG,
    is_closing_option,
    order_body,
    to_report,
)
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderRequest, OrderSide, OrderStatus
from exit_pipeline_tests.adapters.brokers.alpaca_rig import HAS_SPEC, published
from exit_pipeline_tests.adapters.brokers.test_paper import CALL, TEN
from exit_pipeline_tests.fake_brokers.alpaca_ledger import stamp

ORDER = {
    "id": "61e69015-8549-4bfd-b9c3-01e75843f47d",
    "client_order_id": "a-1",
    "symbol": CALL,
    "qty": "5",
    "filled_qty": "0",
    "filled_avg_price": None,
    "side": "sell",
    "position_intent": "sell_to_close",
    "status": "new",
    "submitted_at": "2015-12-23T15:00:00.123456789Z",
}
LATER = TEN + timedelta(hours=5)

STATUSES = {
    "new": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIAL_FILL,
    "filled": OrderStatus.FILLED,
    "done_for_day": OrderStatus.ACCEPTED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    "replaced": OrderStatus.CANCELLED,
    "pending_cancel": OrderStatus.PENDING_CANCEL,
    "pending_replace": OrderStatus.ACCEPTED,
    "accepted": OrderStatus.ACCEPTED,
    "pending_new": OrderStatus.ACCEPTED,
    "accepted_for_bidding": OrderStatus.ACCEPTED,
    "stopped": OrderStatus.ACCEPTED,
    "rejected": OrderStatus.REJECTED,
    "suspended": OrderStatus.ACCEPTED,
    "calculated": OrderStatus.ACCEPTED,
    "held": OrderStatus.ACCEPTED,
    "pending_review": OrderStatus.ACCEPTED,
}


@pytest.mark.parametrize(("written", "status"), STATUSES.items())
def test_every_status_has_a_word_of_ours(written, status):
    assert to_report(ORDER | {"status": written}, (), TEN).status is status


@pytest.mark.skipif(not HAS_SPEC, reason="the published file is not here")
def test_no_published_status_is_left_out():
    assert set(published().schemas["OrderStatus"]["enum"]) <= set(STATUSES)


@pytest.mark.parametrize("written", ["brand_new_state", "", None, 7, "FILLED"])
def test_an_unknown_status_is_working_and_in_doubt(written):
    report = to_report(ORDER | {"status": written}, (), TEN)
    assert report.status is OrderStatus.ACCEPTED
    assert "unknown status" in report.doubt


@pytest.mark.parametrize("written", ["rejected", "replaced"])
def test_an_order_that_ended_by_no_wish_of_ours_says_why(written):
    assert to_report(ORDER | {"status": written}, (), TEN).reason


@pytest.mark.parametrize(
    ("side", "sent"),
    [
        (OrderSide.SELL_TO_CLOSE, {"side": "sell", "position_intent": "sell_to_close"}),
        (OrderSide.BUY_TO_CLOSE, {"side": "buy", "position_intent": "buy_to_close"}),
    ],
)
@pytest.mark.parametrize(
    ("limit", "written"),
    [
        ("1.10", "1.10"),
        ("0.05", "0.05"),
        ("3.1500", "3.15"),
        ("1E+2", "100.00"),
        ("12", "12.00"),
        # No rounding, which would be another price: the broker refuses it.
        ("3.1525", "3.1525"),
    ],
)
def test_an_order_is_written_as_documented(side, sent, limit, written):
    request = OrderRequest(
        client_order_id="em-paper-1",
        account="PA1",
        symbol=CALL,
        side=side,
        quantity=3,
        limit_price=Decimal(limit),
    )
    assert order_body(request) == sent | {
        "symbol": CALL,
        "qty": "3",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": written,
        "client_order_id": "em-paper-1",
    }


@pytest.mark.parametrize(
    ("changes", "closes"),
    [
        ({}, True),
        ({"position_intent": None}, True),
        ({"position_intent": "sell_to_open"}, False),
        ({"side": "buy", "position_intent": "buy_to_close"}, True),
        ({"symbol": "AAPL"}, False),
        ({"symbol": "BTC/USD"}, False),
        ({"symbol": "GOOG1151224C00750000"}, True),
        ({"symbol": "", "side": ""}, False),
        ({"symbol": None}, False),
    ],
)
def test_only_closing_orders_of_options_are_told_of(changes, closes):
    assert is_closing_option(ORDER | changes) is closes


@pytest.mark.parametrize(
    "changes",
    [
        {"qty": None},
        {"qty": "2.5"},
        {"qty": "many"},
        {"qty": "inf"},
        {"filled_qty": "x"},
        {"side": "short"},
        {"id": None},
        {"symbol": ""},
        {"submitted_at": None},
        {"submitted_at": "yesterday"},
    ],
)
def test_an_order_that_cannot_be_read_is_no_answer(changes):
    with pytest.raises(UnavailableError, match="can be read"):
        to_report(ORDER | changes, (), TEN)


@pytest.mark.parametrize("kind", [str, float])
def test_figures_are_read_as_strings_and_as_numbers(kind):
    order = ORDER | {"qty": kind(5), "filled_qty": kind(2), "status": "partially_filled"}
    row = _rows([(2, "1.15")])[0]
    row |= {"qty": kind(2), "cum_qty": kind(2), "price": kind(1.15)}
    (fill,) = to_report(order, [row], TEN).fills
    assert (fill.quantity, fill.price) == (2, Decimal("1.15"))


def _rows(executions: list[tuple[int, str]]) -> list[dict[str, Any]]:
    rows, total = [], 0
    for number, (quantity, price) in enumerate(executions):
        total += quantity
        rows.append({
            "id": f"20151223::{number}",
            "order_id": ORDER["id"],
            "qty": str(quantity),
            "cum_qty": str(total),
            "price": price,
            "transaction_time": stamp(TEN + timedelta(seconds=number)),
        })  # fmt: skip
    return rows


def _ended(status: str, executions: list[tuple[int, str]]) -> dict[str, Any]:
    total = sum(quantity for quantity, _ in executions)
    value = sum(Decimal(price) * quantity for quantity, price in executions)
    return ORDER | {
        "status": status,
        "filled_qty": str(total),
        "filled_avg_price": str(value / total) if total else None,
        f"{status}_at": stamp(TEN + timedelta(minutes=1)),
    }


@pytest.mark.parametrize(
    ("status", "meanwhile", "in_the_end"),
    [
        ("filled", OrderStatus.PARTIAL_FILL, OrderStatus.FILLED),
        ("canceled", OrderStatus.PENDING_CANCEL, OrderStatus.CANCELLED),
        ("expired", OrderStatus.PENDING_CANCEL, OrderStatus.EXPIRED),
    ],
)
def test_an_ended_order_is_live_until_its_fills_are_told(status, meanwhile, in_the_end):
    executions = [(2, "1.10"), (1, "1.20")]
    order, rows = _ended(status, executions), _rows(executions)
    soon = TEN + timedelta(minutes=2)
    early = to_report(order, rows[:1], soon)
    assert (early.status, early.filled_quantity) == (meanwhile, 2)
    told = to_report(order, rows, soon)
    assert (told.status, told.filled_quantity) == (in_the_end, 3)
    assert told.fills[0] == early.fills[0]


def test_fills_that_never_come_are_told_from_the_orders_own_figures():
    executions = [(2, "1.10"), (2, "1.20"), (1, "1.30")]
    order, rows = _ended("canceled", executions), _rows(executions)
    report = to_report(order, [rows[1]], TEN + timedelta(minutes=2) + FILLS_LAG)
    assert report.status is OrderStatus.CANCELLED
    assert [fill.execution_id[-2:] for fill in report.fills] == ["-2", "-4", "-5"]
    assert [fill.quantity for fill in report.fills] == [2, 2, 1]
    # 5 x 1.18 less 2 x 1.20, over the three that are not told of.
    assert [fill.price for fill in report.fills] == [
        Decimal("1.1667"), Decimal("1.2000"), Decimal("1.1667")
    ]  # fmt: skip


def test_a_gap_that_was_one_execution_has_the_id_of_that_execution():
    executions = [(2, "1.10"), (3, "1.20")]
    order, rows = _ended("filled", executions), _rows(executions)
    from_figures = to_report(order, rows[:1], LATER)
    from_activities = to_report(order, rows, LATER)
    assert from_figures.fills[1].execution_id == from_activities.fills[1].execution_id
    assert from_figures.fills[1].quantity == from_activities.fills[1].quantity == 3


def test_fills_of_other_orders_are_passed_over():
    row = _rows([(1, "1.10")])[0] | {"order_id": "another"}
    assert to_report(ORDER, [row], TEN).fills == ()


@given(data=st.data())
def test_whatever_lags_every_contract_is_booked_once(data):
    """Read at any times, the activities becoming visible in any order, until the order ends."""
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    executions = [(size, f"1.{number}0") for number, size in enumerate(sizes)]
    rows, total = _rows(executions), sum(sizes)
    order = _ended("canceled", executions) | {"qty": str(total + 1)}
    booked: dict[str, int] = {}
    hidden = data.draw(st.permutations(rows))
    for minutes in sorted(data.draw(st.lists(st.integers(1, 30), max_size=6))):
        hidden = hidden[data.draw(st.integers(0, len(hidden))) :]
        shown = [row for row in rows if row not in hidden]
        report = to_report(order, shown, TEN + timedelta(minutes=minutes))
        for fill in report.fills:  # as the database does: each id once
            booked.setdefault(fill.execution_id, fill.quantity)
        assert sum(booked.values()) <= total
        if not report.status.is_live:
            assert sum(booked.values()) == total
            return
