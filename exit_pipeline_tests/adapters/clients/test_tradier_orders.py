from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.tradier_orders import (
    contract_prices,
    legs,
    may_fill,
    report_of,
)
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderSide, OrderStatus
from exit_pipeline_tests.fake_brokers.tradier_ledger import Ledger
from exit_pipeline_tests.fakes import FixedClock

NOW = datetime(2026, 7, 10, 14, 31, 2, 123_000, tzinfo=UTC)
CALL = "AAPL260821C00200000"


def order(**changes: Any) -> dict[str, Any]:
    plain = {
        "id": 38_189_514,
        "type": "limit",
        "symbol": "AAPL",
        "side": "sell_to_close",
        "quantity": 3.0,
        "status": "open",
        "price": 10.05,
        "avg_fill_price": 0.0,
        "exec_quantity": 0.0,
        "last_fill_price": 0.0,
        "last_fill_quantity": 0.0,
        "create_date": "2026-07-10T14:31:02.123Z",
        "transaction_date": "2026-07-10T14:31:05.725Z",
        "class": "option",
        "option_symbol": CALL,
        "tag": "em-1",
    }
    return plain | changes


def filled(quantity: float, average: Any, **changes: Any) -> dict[str, Any]:
    return order(exec_quantity=quantity, avg_fill_price=average, **changes)


def report(row: dict[str, Any]) -> Any:
    return report_of(row, "em-1", "paper", NOW)


# Status


@pytest.mark.parametrize(
    ("row", "status", "contracts"),
    [
        pytest.param(order(status="pending"), OrderStatus.ACCEPTED, 0, id="pending"),
        pytest.param(order(status="submitted"), OrderStatus.ACCEPTED, 0, id="submitted"),
        pytest.param(order(status="open"), OrderStatus.ACCEPTED, 0, id="open"),
        pytest.param(
            filled(1, 10.05, status="open"), OrderStatus.PARTIAL_FILL, 1, id="open with fills"
        ),
        pytest.param(
            filled(1, 10.05, status="partially_filled"), OrderStatus.PARTIAL_FILL, 1, id="partial"
        ),
        pytest.param(
            filled(1, 0.0, status="partially_filled"),
            OrderStatus.ACCEPTED,
            0,
            id="partial, no price",
        ),
        pytest.param(filled(3, 10.07, status="filled"), OrderStatus.FILLED, 3, id="filled"),
        pytest.param(filled(3, 0.0, status="filled"), OrderStatus.ACCEPTED, 0, id="price 0"),
        pytest.param(filled(3, None, status="filled"), OrderStatus.ACCEPTED, 0, id="price null"),
        pytest.param(
            filled(0, 10.07, status="filled"), OrderStatus.ACCEPTED, 0, id="filled, none executed"
        ),
        pytest.param(
            filled(2, 10.07, status="filled"), OrderStatus.PARTIAL_FILL, 2, id="filled, too few"
        ),
        pytest.param(order(status="canceled"), OrderStatus.CANCELLED, 0, id="cancelled"),
        pytest.param(
            filled(1, 10.05, status="canceled"), OrderStatus.CANCELLED, 1, id="cancelled after 1"
        ),
        pytest.param(
            filled(1, 0, status="canceled"), OrderStatus.PENDING_CANCEL, 0, id="cancelled, no price"
        ),
        pytest.param(order(status="expired"), OrderStatus.EXPIRED, 0, id="expired"),
        pytest.param(
            filled(1, 0, status="expired"), OrderStatus.ACCEPTED, 0, id="expired, no price"
        ),
        pytest.param(order(status="rejected"), OrderStatus.REJECTED, 0, id="rejected"),
        pytest.param(
            order(status="pending_cancel"), OrderStatus.PENDING_CANCEL, 0, id="being cancelled"
        ),
        pytest.param(
            filled(1, 10.05, status="pending_cancel"),
            OrderStatus.PENDING_CANCEL,
            1,
            id="being cancelled after 1",
        ),
        pytest.param(order(status="held"), OrderStatus.ACCEPTED, 0, id="unknown"),
        pytest.param(order(status=None), OrderStatus.ACCEPTED, 0, id="none"),
    ],
)
def test_an_order_has_ended_only_once_all_its_executions_are_known(row, status, contracts):
    assert report(row).status is status
    assert report(row).filled_quantity == contracts


def test_a_report_has_the_orders_parts():
    made = report(order(status="rejected", reason_description=" Sell \n to Close "))
    assert (made.client_order_id, made.broker_order_id) == ("em-1", "38189514")
    assert (made.symbol, made.side, made.quantity) == (CALL, OrderSide.SELL_TO_CLOSE, 3)
    assert (made.submitted_at, made.reason) == (NOW, "Sell to Close")


def test_what_is_left_out_of_times_is_now_and_a_reason_is_told_of_refusals_only():
    made = report(filled(1, "10.05", create_date=None, transaction_date="", reason_description="x"))
    assert made.submitted_at == made.fills[0].executed_at == NOW
    assert made.reason == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"side": "buy_to_open"},
        {"side": None},
        {"quantity": None},
        {"quantity": 1.5},
        {"quantity": 0},
        {"option_symbol": None},
        {"id": None},
    ],
)
def test_an_order_that_cannot_be_read_is_an_error(changes):
    with pytest.raises(UnavailableError, match="can't be read"):
        report(order(**changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "open"}, True),
        ({"status": "anything"}, True),
        ({"status": "filled"}, False),
        ({"side": "sell_to_open"}, False),
    ],
)
def test_an_order_may_fill_unless_it_is_known_to_have_ended(changes, expected):
    assert may_fill(order(**changes)) is expected


def test_orders_of_several_legs_are_taken_apart():
    leg = order(id=2)
    parent = {"id": 1, "class": "multileg"}
    rows = [parent | {"leg": leg}, parent | {"leg": [leg, leg]}, parent | {"leg": None}, leg]
    assert [row["id"] for row in legs(rows)] == [2, 2, 2, 1, 2]


# Executions


@pytest.mark.parametrize(
    ("row", "prices"),
    [
        pytest.param(filled(3, 10.07), "10.07 10.07 10.07", id="no last execution is told"),
        pytest.param(
            filled(3, 10.07, last_fill_quantity=2.0, last_fill_price=10.08),
            "10.05 10.08 10.08",
            id="the last one apart",
        ),
        pytest.param(
            filled(3, 10.07, last_fill_quantity=3, last_fill_price=10.07),
            "10.07 10.07 10.07",
            id="one execution",
        ),
        pytest.param(
            filled(3, "10.07", last_fill_quantity="2", last_fill_price="10.08"),
            "10.05 10.08 10.08",
            id="numbers as texts",
        ),
        pytest.param(
            filled(3, 10.0667, last_fill_quantity=1, last_fill_price=10.10),
            "10.0500 10.0501 10.10",
            id="no unit is lost to rounding",
        ),
        pytest.param(
            filled(3, 10.05, last_fill_quantity=2, last_fill_price=10.5),
            "10.05 10.05 10.05",
            id="a last execution that would put the rest below the limit",
        ),
        pytest.param(
            filled(3, 10.05, last_fill_quantity=2, last_fill_price=9.0),
            "10.05 10.05 10.05",
            id="a last execution below the limit",
        ),
        pytest.param(
            filled(3, 10.07, last_fill_quantity=7, last_fill_price=10.08),
            "10.07 10.07 10.07",
            id="a last execution of more than all",
        ),
        pytest.param(
            filled(3, 10.0, side="buy_to_close", last_fill_quantity=1, last_fill_price=9.96),
            "10.02 10.02 9.96",
            id="a purchase",
        ),
        pytest.param(
            filled(3, 10.0, side="buy_to_close", last_fill_quantity=1, last_fill_price=9.0),
            "10.00 10.00 10.00",
            id="a purchase whose rest would be above the limit",
        ),
        pytest.param(
            filled(2, 5.0, price=None, last_fill_quantity=1, last_fill_price=1.0),
            "9 1",
            id="an order without a limit",
        ),
        pytest.param(filled(3, 0.0), "", id="no average"),
        pytest.param(filled(3, float("nan")), "", id="an average that is none"),
        pytest.param(filled(0, 10.0), "", id="nothing filled"),
    ],
)
def test_contracts_have_the_price_of_the_last_execution_or_the_average_of_the_rest(row, prices):
    quantity = int(row["exec_quantity"])
    assert contract_prices(row, quantity) == [Decimal(price) for price in prices.split()]


executions = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 40), st.booleans()), min_size=1, max_size=6
)


def booked_and_true(
    made: list[tuple[int, int, bool]],
) -> tuple[dict[str, Decimal], list[Decimal]]:
    """What books have that take each id once, after looks at some moments, and what happened."""
    ledger = Ledger(FixedClock(NOW))
    total = sum(quantity for quantity, _, _ in made)
    form = {"symbol": "AAPL", "option_symbol": CALL, "side": "sell_to_close", "tag": "em-1"}
    form |= {"quantity": str(total), "type": "limit", "duration": "day", "price": "1.00"}
    row = ledger.place(form)
    booked: dict[str, Decimal] = {}
    true: list[Decimal] = []
    for position, (quantity, cents, looked_at) in enumerate(made, start=1):
        price = Decimal(100 + cents) / 100
        ledger.execute(row, quantity, price)
        true += [price] * quantity
        if looked_at or position == len(made):
            fills = report(ledger.shown(row)).fills
            assert len(fills) == len(true)
            booked = {fill.execution_id: fill.price * fill.quantity for fill in fills} | booked
    return booked, true


@given(made=executions)
def test_every_contract_is_booked_once_whenever_it_was_looked_at(made):
    booked, true = booked_and_true(made)
    assert len(booked) == len(true)


@given(made=executions)
def test_the_money_is_exact_where_every_execution_was_seen(made):
    booked, true = booked_and_true([(quantity, cents, True) for quantity, cents, _ in made])
    assert abs(sum(booked.values()) - sum(true)) <= Decimal("0.0001") * len(made)


@given(made=executions)
def test_the_money_is_exact_where_only_the_end_was_seen(made):
    booked, true = booked_and_true([(quantity, cents, False) for quantity, cents, _ in made])
    assert abs(sum(booked.values()) - sum(true)) <= Decimal("0.0001")


@given(made=executions)
def test_the_money_is_never_off_by_more_than_the_executions_lie_apart(made):
    booked, true = booked_and_true(made)
    apart = max(true) - min(true)
    assert abs(sum(booked.values()) - sum(true)) <= apart * len(true) + Decimal("0.001")


def test_the_example_of_the_description_holds():
    booked, true = booked_and_true([(2, 10, True), (2, 12, False), (2, 15, False)])
    assert (sum(booked.values()) * 100, sum(true) * 100) == (672, 674)
