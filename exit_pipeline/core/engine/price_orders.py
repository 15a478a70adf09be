"""Price closing orders: a limit on the legal tick, leaning by urgency, bounded by a worst price."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.order import OrderSide

PENNY_ROOTS: Final = frozenset({"SPY", "QQQ", "IWM"})
"""Series that trade in pennies at every price (Cboe, "Penny Interval Program")."""

_LEAN: Final = (Decimal("0.5"), Decimal(1))
"""Share of the way from the mid to the far side, by level; the last one stands for all above."""

_BEYOND: Final = (Decimal(0), Decimal(0), Decimal("0.5"), Decimal(1))
"""Share of the collar beyond the far side, by level; the last one stands for all above."""

_COLLARS: Final = (Decimal(1), Decimal("2.5"), Decimal(5))
"""Width of the collar for levels up to EMERGENCY, one above, and all above that: by default 10, 25
and 50 % of the mid."""


class PriceLimits(BaseModel):
    """How far a closing order may go."""

    # Defaults are read like what is stated, so that 1 and 1.0 have one hash.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

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


def price_level(urgency: Urgency, step: int) -> int:
    """How far an attempt leans that was repriced `step` times: one level more for each.

    What is PATIENT never goes beyond the far side of the market, since nothing presses it.

    Example: a FAST exit is at EMERGENCY after one repricing, and one level above after two.
    """
    level = urgency + step
    return min(level, Urgency.NORMAL) if urgency is Urgency.PATIENT else level


def price_order(
    side: OrderSide,
    root: str,
    bid: Decimal,
    ask: Decimal,
    level: int,
    limits: PriceLimits,
) -> OrderPrice | None:
    """The limit of a closing order, or None where the quote gives no price to sell or buy at.

    PATIENT asks for the mid's half-way to the far side, NORMAL for the far side itself (the bid for
    a sale), FAST goes half of the collar beyond it and EMERGENCY all of it. The far side as quoted
    is always a legal price; anything else is rounded to the legal tick, a sale down and a purchase
    up, so that rounding never makes an order less likely to fill.

    Above EMERGENCY the collar has 2.5 and then 5 times the width.

    Example: selling at 1.90 bid, 2.10 asked with a collar of 10 %: NORMAL 1.90, FAST 1.80 and
    EMERGENCY 1.70, which is also the worst price; repriced once 1.40, and again 0.90.

    Args:
        side: Closing leg.
        root: Of the contract, for its grid.
        bid: Dollars per share, likewise `ask`.
        ask: From the newest quote.
        level: An ``Urgency``, or a level of ``price_level``.
        limits: How far orders may go.
    """
    selling = side is OrderSide.SELL_TO_CLOSE
    far = bid if selling else ask
    if far <= 0:
        return None
    mid = (bid + ask) / 2
    widest = min(max(level - Urgency.EMERGENCY, 0), len(_COLLARS) - 1)
    collar = _COLLARS[widest] * max(
        limits.collar_ticks * tick_size(root, far), mid * Decimal(str(limits.collar_percent)) / 100
    )
    away = -collar if selling else collar
    lean, beyond = _LEAN[min(level, len(_LEAN) - 1)], _BEYOND[min(level, len(_BEYOND) - 1)]
    start = mid + (far - mid) * lean + away * beyond
    limit = far if start == far else _to_tick(start, root, selling=selling)
    # Rounding, and the least tick, may carry a limit to where the far side itself is the better
    # price: a bid of 0.03 is hit at 0.03, not missed at the least tick of 0.05.
    if level == Urgency.PATIENT:
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
