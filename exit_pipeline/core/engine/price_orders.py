"""Price closing orders: a limit on the legal tick, leaning by urgency, bounded by a worst price."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.order import OrderSide

PENNY_ROOTS: Final = frozenset({"SPY", "QQQ", "IWM"})
"""Series that trade in pennies at every price (Cboe, "Penny Interval Program")."""

_LEAN: Final = {
    Urgency.PATIENT: "0.5",
    Urgency.NORMAL: "1",
    Urgency.FAST: "1",
    Urgency.EMERGENCY: "1",
}
_BEYOND: Final = {
    Urgency.PATIENT: "0",
    Urgency.NORMAL: "0",
    Urgency.FAST: "0.5",
    Urgency.EMERGENCY: "1",
}


class PriceLimits(BaseModel):
    """How far a closing order may go."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    collar_percent: float = Field(
        default=10, ge=0, le=50, description="The worst price lies this share of the mid, % ..."
    )
    collar_ticks: int = Field(
        default=2, ge=0, le=20, description="... but at least these ticks, beyond the far side."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPrice:
    """The limit of one attempt and the price beyond which it never goes, dollars per share."""

    limit: Decimal
    worst: Decimal


def tick_size(root: str, price: Decimal) -> Decimal:
    """The increment that is legal for every series of `root` at `price`, dollars.

    Outside the penny roots a series may trade in 0.01/0.05 or in 0.05/0.10 below/from 3 dollars;
    0.05/0.10 is legal in both, so no class data is needed.

    Example: ``tick_size("GOOG", Decimal("2.95"))`` is 0.05, and 0.10 from 3.00 on.
    """
    if root in PENNY_ROOTS:
        return Decimal("0.01")
    return Decimal("0.05") if price < 3 else Decimal("0.10")


def price_order(
    side: OrderSide,
    root: str,
    bid: Decimal,
    ask: Decimal,
    urgency: Urgency,
    limits: PriceLimits,
) -> OrderPrice | None:
    """The limit of a closing order, or None where the quote gives no price to sell or buy at.

    PATIENT asks for the mid's half-way to the far side, NORMAL for the far side itself (the bid for
    a sale), FAST goes half of the collar beyond it and EMERGENCY all of it. The far side as quoted
    is always a legal price; anything else is rounded to the legal tick, a sale down and a purchase
    up, so that rounding never makes an order less likely to fill.

    Example: selling at 1.90 bid, 2.10 asked with a collar of 10 %: NORMAL 1.90, FAST 1.80 and
    EMERGENCY 1.70, which is also the worst price.
    """
    selling = side is OrderSide.SELL_TO_CLOSE
    far = bid if selling else ask
    if far <= 0:
        return None
    mid = (bid + ask) / 2
    collar = max(
        limits.collar_ticks * tick_size(root, far), mid * Decimal(str(limits.collar_percent)) / 100
    )
    away = -collar if selling else collar
    start = mid + (far - mid) * Decimal(_LEAN[urgency]) + away * Decimal(_BEYOND[urgency])
    limit = far if start == far else _to_tick(start, root, selling=selling)
    # Rounding, and the least tick, may carry a limit to where the far side itself is the better
    # price: a bid of 0.03 is hit at 0.03, not missed at the least tick of 0.05.
    if urgency is Urgency.PATIENT:
        limit = limit if min(far, mid) <= limit <= max(far, mid) else far
    else:
        limit = min(limit, far) if selling else max(limit, far)
    worst = _to_tick(far + away, root, selling=selling)
    return OrderPrice(limit=limit, worst=min(worst, limit) if selling else max(worst, limit))


def _to_tick(price: Decimal, root: str, *, selling: bool) -> Decimal:
    # The tick at the price itself: a purchase quoted below 3 dollars may lean to above.
    tick = tick_size(root, price)
    steps = (price / tick).to_integral_value(ROUND_FLOOR if selling else ROUND_CEILING)
    return max(steps * tick, tick)
