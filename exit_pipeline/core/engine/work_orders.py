"""What becomes of an exit order that is still working when its position is decided again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final

from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderSide, OrderStatus

PATIENCE: Final = {
    Urgency.PATIENT: timedelta(minutes=15),
    Urgency.NORMAL: timedelta(minutes=5),
    Urgency.FAST: timedelta(0),
    Urgency.EMERGENCY: timedelta(0),
}
"""How long an attempt may rest before it is repriced: three ticks, one tick, or not at all."""

TRIES: Final = 3
"""Repriced attempts after which an exit that has not filled is a person's matter too."""


LONG: Final = timedelta(minutes=15)
"""How long an exit that is due may work before it is a person's matter too: three ticks."""


class Handling(Enum):
    """What is done with a working order."""

    KEEP = "keep"
    REPLACE = "replace"
    FINISH_CANCEL = "finish cancel"
    SEND_AGAIN = "send again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What the position's newest decision asks for.

    Attributes:
        exit_reason: The rule's name in capitals.
        urgency: How much it presses.
        quantity: Contracts to close.
        limit: What its next attempt would ask for, dollars per share; None without a usable quote.
        worst: Beyond this it would never go; None likewise.
        far_side: The side of the quote that closing hits, dollars per share; None likewise.
        at: Now.
        patience: How long an attempt of it rests before it is repriced; None goes by its urgency.
    """

    exit_reason: str
    urgency: Urgency
    quantity: int
    limit: Decimal | None
    worst: Decimal | None
    far_side: Decimal | None
    at: datetime
    patience: timedelta | None = None


def handle_working(order: ExitOrder, due: Due | None, *, may_send_again: bool) -> Handling:
    """What to do with a working order, given what is due now.

    - A cancel that was asked for is asked for again until the broker confirms an end.
    - An order that the broker does not show is sent again under its own id where that can't make
      two of it, and as long as its price is within the newest bounds; anywhere else it is waited
      for.
    - A more urgent exit, or one of more contracts, takes the order's place.
    - The same exit is repriced when its patience is over, the market has gone away from it, and a
      new price would go further. What could trade at the quote lacks size, not a lower price.
    - Otherwise, and where nothing is due any more, it rests: it asks for a price that was good
      enough, and ends with the day.

    Args:
        order: The working order.
        due: The newest decision; None on a HOLD.
        may_send_again: The broker takes an id once for ever, and did not show it just now.

    Example: a NORMAL sale at 1.90 that has rested 5 minutes is replaced when the bid is 1.80, and
    kept when it is 1.90.
    """
    if order.status is OrderStatus.PENDING_CANCEL:
        return Handling.FINISH_CANCEL
    if order.status in {OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}:
        # Its price is within bounds where the newest worst price is no better for us than it.
        within = due is not None and due.worst is not None and not _is_better(due.worst, order)
        return Handling.SEND_AGAIN if may_send_again and within else Handling.KEEP
    if due is None or due.limit is None or due.far_side is None:
        return Handling.KEEP
    if due.urgency > Urgency[order.urgency] or due.quantity > order.remaining_quantity:
        return Handling.REPLACE
    patience = PATIENCE[due.urgency] if due.patience is None else due.patience
    is_over = due.at - order.intent_at >= patience
    helps = _is_beyond(due.far_side, order) and _is_beyond(due.limit, order)
    return Handling.REPLACE if is_over and helps else Handling.KEEP


def has_waited_long(order: ExitOrder, at: datetime) -> bool:
    """Whether an order that is due has worked so long that a person should look at it."""
    return at - order.intent_at >= LONG


def _is_beyond(price: Decimal, order: ExitOrder) -> bool:
    """Whether a price is worse for us than the order's limit: lower for a sale."""
    request = order.request
    selling = request.side is OrderSide.SELL_TO_CLOSE
    return price < request.limit_price if selling else price > request.limit_price


def _is_better(price: Decimal, order: ExitOrder) -> bool:
    request = order.request
    selling = request.side is OrderSide.SELL_TO_CLOSE
    return price > request.limit_price if selling else price < request.limit_price
