"""Price closing orders: a limit on the legal tick, leaning by urgency, bounded by a worst price."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from exit_pipeline.core.engine.ladders import (
    FAR_SIDE,
    Ladder,
    OptionalLadder,
    Reach,
    price_level,
    usual_reach,
)
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.threshold import OptionalThreshold

_LADDER: Final = "Ladder of {} exits, such as start:50|worst:100|steps:3|seconds:10|timeout:leave."

PENNY_ROOTS: Final = frozenset({"SPY", "QQQ", "IWM"})
"""Series that trade in pennies at every price (Cboe, "Penny Interval Program")."""


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
    patient: OptionalLadder = Field(default=None, description=_LADDER.format("PATIENT"))
    normal: OptionalLadder = Field(default=None, description=_LADDER.format("NORMAL"))
    fast: OptionalLadder = Field(default=None, description=_LADDER.format("FAST"))
    emergency: OptionalLadder = Field(default=None, description=_LADDER.format("EMERGENCY"))
    budget_seconds: float = Field(
        default=0,
        ge=0,
        le=45,
        description="Time that a tick may take for steps of ladders, of all positions together; 0 "
        "takes one step a tick.",
    )
    guard_spread_percent: OptionalThreshold = Field(
        default=None,
        gt=0,
        le=200,
        description="Above this spread, % of the mid, PATIENT and NORMAL exits wait and others "
        "lean one urgency more; none is no guard.",
    )

    @model_validator(mode="after")
    def _patient_stays_inside(self) -> Self:
        if self.patient is not None and self.patient.worst_percent > FAR_SIDE:
            message = "a patient ladder of at most worst:100, since nothing presses it further"
            raise ValueError(message)
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_usual(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is told only where it is set: older policies keep their hashes."""
        usual = {name: field.default for name, field in type(self).model_fields.items()}
        return {
            name: value
            for name, value in dump(self).items()
            if name.startswith("collar_") or getattr(self, name) != usual[name]
        }

    def ladder(self, urgency: Urgency) -> Ladder | None:
        """The ladder of an urgency; None where it goes by the usual levels."""
        return (self.patient, self.normal, self.fast, self.emergency)[urgency]

    def reach(self, urgency: Urgency, step: int) -> Reach:
        """How far the attempt of an exit reaches that was repriced `step` times."""
        ladder = self.ladder(urgency)
        return ladder.reach(step) if ladder else usual_reach(price_level(urgency, step))


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
    reach: Reach,
    limits: PriceLimits,
) -> OrderPrice | None:
    """The limit of a closing order, or None where the quote gives no price to sell or buy at.

    The far side as quoted is always a legal price; anything else is rounded to the legal tick, a
    sale down and a purchase up, so that rounding never makes an order less likely to fill.

    Example: selling at 1.90 bid, 2.10 asked with a collar of 10 %: 100 % is 1.90, 150 % is 1.80 and
    200 % is 1.70. Where 200 % is also the worst that it may reach, that is 1.70 for each of them.

    Args:
        side: Closing leg.
        root: Of the contract, for its grid.
        bid: Dollars per share, likewise `ask`.
        ask: From the newest quote.
        reach: How far it leans, and how far it may.
        limits: The collar.
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
    start = _on_scale(reach.at, mid, far, away)
    limit = far if start == far else _to_tick(start, root, selling=selling)
    # Rounding, and the least tick, may carry a limit to where the far side itself is the better
    # price: a bid of 0.03 is hit at 0.03, not missed at the least tick of 0.05.
    if (start > far) if selling else (start < far):
        limit = limit if min(far, mid) <= limit <= max(far, mid) else far
    else:
        limit = min(limit, far) if selling else max(limit, far)
    worst = _to_tick(_on_scale(reach.worst, mid, far, away), root, selling=selling)
    return OrderPrice(limit=limit, worst=min(worst, limit) if selling else max(worst, limit))


def hold_within(price: OrderPrice, bound: Decimal, side: OrderSide, root: str) -> OrderPrice:
    """A price that goes no further than a worst price of before, however the market has moved.

    A limit that is held is on the legal tick, and rather too near than too far.

    Example: a sale at 1.40 that may go to 1.30, under a worst price of 1.70 of before, is one at
    1.70 that may go no further.
    """
    selling = side is OrderSide.SELL_TO_CLOSE
    if (price.limit >= bound) if selling else (price.limit <= bound):
        worst = max(price.worst, bound) if selling else min(price.worst, bound)
        return OrderPrice(limit=price.limit, worst=worst)
    tick = tick_size(root, bound)
    steps = (bound / tick).to_integral_value(ROUND_CEILING if selling else ROUND_FLOOR)
    return OrderPrice(limit=steps * tick, worst=bound)


def _on_scale(percent: Decimal, mid: Decimal, far: Decimal, away: Decimal) -> Decimal:
    """A price on the scale of a reach; `away` is the collar, negative for a sale."""
    inside, beyond = min(percent, Decimal(FAR_SIDE)), max(percent - FAR_SIDE, Decimal(0))
    return mid + (far - mid) * inside / 100 + away * beyond / 100


def _to_tick(price: Decimal, root: str, *, selling: bool) -> Decimal:
    # The tick at the price itself: a purchase quoted below 3 dollars may lean to above.
    tick = tick_size(root, price)
    steps = (price / tick).to_integral_value(ROUND_FLOOR if selling else ROUND_CEILING)
    return max(steps * tick, tick)
