"""What a day's orders and positions are worth."""

from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.day_record import DayOrder, DayPosition
from exit_pipeline_tests.days import a_position, an_order


@pytest.mark.parametrize(
    ("side", "price", "contracts", "dollars"),
    [
        ("LONG", "3.00", 5, "550.00"),
        ("SHORT", "3.00", 5, "-550.00"),
        ("SHORT", "0.00", 1, "190.00"),
        ("LONG", "1.90", 5, "0.00"),
        ("LONG", "3.00", 0, "0.00"),
    ],
)
def test_a_position_gains_by_its_side(side: str, price: str, contracts: int, dollars: str) -> None:
    position: DayPosition = a_position(side=side, entry_price=Decimal("1.90"))
    assert position.gain(Decimal(price), contracts) == Decimal(dollars)


SALE = {"side": "SELL_TO_CLOSE", "bid": Decimal("1.80"), "ask": Decimal("1.90")}
PURCHASE = SALE | {"side": "BUY_TO_CLOSE"}


@pytest.mark.parametrize(
    ("order", "price", "slippage", "share"),
    [
        (SALE, "1.80", "25.00", 0.5),
        (SALE, "1.85", "0.00", 0.0),
        (SALE, "1.70", "75.00", 1.5),
        (PURCHASE, "1.90", "25.00", 0.5),
        (PURCHASE, "1.84", "-5.00", -0.1),
        (SALE | {"ask": Decimal("1.80")}, "1.80", "0.00", None),
        (SALE | {"bid": Decimal("2.00")}, "1.80", "75.00", None),
        (SALE | {"bid": None}, "1.80", None, None),
        (SALE, None, None, None),
    ],
    ids=["sold at the bid", "sold at the mid", "sold through the bid", "bought at the ask",
         "bought below the mid", "locked", "crossed", "no bid", "not filled"],
)  # fmt: skip
def test_slippage_is_what_the_fill_is_worse_than_the_mid_of_the_decision(
    order: dict[str, Any], price: str | None, slippage: str | None, share: float | None
) -> None:
    found: DayOrder = an_order(average_price=None if price is None else Decimal(price), **order)
    assert found.slippage == (None if slippage is None else Decimal(slippage))
    assert found.spread_share == (None if share is None else pytest.approx(share))
