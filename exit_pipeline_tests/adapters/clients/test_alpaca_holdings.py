"""When a holding was opened, from the account's fills: walking back to where it was last flat."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.alpaca_holdings import entries
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import HeldPosition

CALL = "ACME260417C00100000"
START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def held(quantity: int) -> HeldPosition:
    return HeldPosition(account="PA1", symbol=CALL, quantity=quantity, average_price=Decimal(2))


def fills(*quantities: int, symbol: str = CALL) -> list[dict[str, Any]]:
    """Executions an hour apart, given in the order of time and told newest first."""
    rows = [
        {
            "symbol": symbol,
            "side": "buy" if quantity > 0 else "sell",
            "qty": str(abs(quantity)),
            "transaction_time": (START + timedelta(hours=hour)).isoformat(),
        }
        for hour, quantity in enumerate(quantities)
    ]
    return rows[::-1]


@pytest.mark.parametrize(
    ("traded", "hour"),
    [
        pytest.param([4, -2, 1], 0, id="opened, reduced, added to"),
        pytest.param([2, -2, 3], 2, id="flat in between"),
        pytest.param([-3], 0, id="short"),
        pytest.param([-1, 3], 1, id="turned by one fill"),
        pytest.param([5, -5, -2, -1], 2, id="short after long"),
    ],
)
def test_the_fill_that_opened_it_is_found(traded: list[int], hour: int) -> None:
    found = entries([held(sum(traded))], fills(*traded))
    assert found == {CALL: START + timedelta(hours=hour)}


@pytest.mark.parametrize(
    ("quantity", "rows"),
    [
        pytest.param(3, [], id="no fill"),
        pytest.param(3, fills(1), id="held before the first fill"),
        pytest.param(3, fills(3, symbol="ACME260417P00100000"), id="fills of another contract"),
    ],
)
def test_a_beginning_that_is_not_among_the_fills_is_not_known(
    quantity: int, rows: list[dict[str, Any]]
) -> None:
    assert entries([held(quantity)], rows) == {}


@pytest.mark.parametrize("fault", [{"qty": "1.5"}, {"qty": None}, {"transaction_time": "soon"}])
def test_a_fill_of_it_that_cant_be_read_is_no_answer(fault: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError, match="can be read"):
        entries([held(1)], [row | fault for row in fills(1)])


@given(
    st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=12).filter(
        lambda traded: sum(traded) != 0
    )
)
def test_it_agrees_with_walking_forward(traded: list[int]) -> None:
    opened, quantity = -1, 0
    for hour, size in enumerate(traded):
        if quantity * (quantity + size) <= 0:
            opened = hour
        quantity += size
    assert entries([held(quantity)], fills(*traded)) == {CALL: START + timedelta(hours=opened)}
