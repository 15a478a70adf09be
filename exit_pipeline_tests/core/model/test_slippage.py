"""What a fill cost against the mid that it was decided on."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.slippage import Slippage

SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
CENTS = st.integers(1, 10_000).map(lambda cents: Decimal(cents) / 100)


def of(side: OrderSide, bid: str, ask: str, price: str, contracts: int) -> Slippage:
    found = Slippage.of(side, Decimal(bid), Decimal(ask), Decimal(price), contracts)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("side", "price", "dollars", "of_spread"),
    [
        pytest.param(SELL, "4.80", "22.50", 30.0, id="a sale between mid and bid"),
        pytest.param(SELL, "4.75", "37.50", 50.0, id="a sale at the bid"),
        pytest.param(SELL, "4.70", "52.50", 70.0, id="a sale below the bid"),
        pytest.param(SELL, "4.90", "-7.50", -10.0, id="a sale better than the mid"),
        pytest.param(BUY, "5.00", "37.50", 50.0, id="a purchase at the ask"),
        pytest.param(BUY, "4.80", "-22.50", -30.0, id="a purchase below the mid"),
    ],
)
def test_worse_than_the_mid_is_above_zero_for_either_side(
    side: OrderSide, price: str, dollars: str, of_spread: float
) -> None:
    found = of(side, "4.75", "5.00", price, 3)
    assert found.dollars == Decimal(dollars)
    assert found.of_spread == pytest.approx(of_spread)


@pytest.mark.parametrize(
    ("bid", "ask", "price", "contracts"),
    [
        pytest.param(None, Decimal(5), Decimal(4), 1, id="no bid"),
        pytest.param(Decimal(4), None, Decimal(4), 1, id="no ask"),
        pytest.param(Decimal(4), Decimal(5), None, 1, id="no price"),
        pytest.param(Decimal(4), Decimal(5), Decimal(4), 0, id="nothing filled"),
    ],
)
def test_what_is_not_known_has_no_slippage_rather_than_none_at_all(
    bid: Decimal | None, ask: Decimal | None, price: Decimal | None, contracts: int
) -> None:
    assert Slippage.of(SELL, bid, ask, price, contracts) is None


def test_a_locked_quote_has_dollars_and_no_share_of_a_spread() -> None:
    found = of(SELL, "5.00", "5.00", "4.90", 1)
    assert found.dollars == 10
    assert found.of_spread is None


def test_sums_weigh_each_fill_by_its_contracts() -> None:
    total = of(SELL, "1.00", "1.20", "1.00", 9) + of(SELL, "1.00", "2.00", "1.50", 1)
    assert total.dollars == 90
    assert total.of_spread == pytest.approx(100 * 90 / (9 * 20 + 100))


@given(CENTS, CENTS, CENTS, st.integers(1, 500))
def test_what_a_sale_loses_a_purchase_at_that_price_gains(
    one: Decimal, other: Decimal, price: Decimal, contracts: int
) -> None:
    bid, ask = min(one, other), max(one, other)
    sold, bought = (Slippage.of(side, bid, ask, price, contracts) for side in (SELL, BUY))
    assert sold is not None
    assert bought is not None
    assert (sold + bought).dollars == 0
