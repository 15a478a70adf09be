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
        at: Now.
    """

    exit_reason: str
    urgency: Urgency
    quantity: int
    limit: Decimal | None
    worst: Decimal | None
    at: datetime


def handle_working(order: ExitOrder, due: Due | None, *, may_send_again: bool) -> Handling:
    """What to do with a working order, given what is due now.

    - A cancel that was asked for is asked for again until the broker confirms an end.
    - An order that the broker does not show is sent again under its own id where that can't make
      two of it, and as long as its price is within the newest bounds; anywhere else it is waited
      for.
    - A more urgent exit, or one of more contracts, takes the order's place.
    - The same exit is repriced when its patience is over and a new price would go further.
    - Otherwise, and where nothing is due any more, it rests: it asks for a price that was good
      enough, and ends with the day.

    Args:
        order: The working order.
        due: The newest decision; None on a HOLD.
        may_send_again: The broker takes an id once for ever, and did not show it just now.

    Example: a NORMAL sale at 1.90 that has rested 5 minutes is replaced when the new bid is 1.80,
    and kept when it is 1.90.
    """
    if order.status is OrderStatus.PENDING_CANCEL:
        return Handling.FINISH_CANCEL
    if order.status in {OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}:
        within = due is not None and due.worst is not None and not _beyond(order, due.worst)
        return Handling.SEND_AGAIN if may_send_again and within else Handling.KEEP
    if due is None or due.limit is None:
        return Handling.KEEP
    if due.urgency > Urgency[order.urgency] or due.quantity > order.remaining_quantity:
        return Handling.REPLACE
    is_over = due.at - order.intent_at >= PATIENCE[due.urgency]
    return Handling.REPLACE if is_over and _goes_further(order, due.limit) else Handling.KEEP


def _goes_further(order: ExitOrder, limit: Decimal) -> bool:
    request = order.request
    selling = request.side is OrderSide.SELL_TO_CLOSE
    return limit < request.limit_price if selling else limit > request.limit_price


def _beyond(order: ExitOrder, worst: Decimal) -> bool:
    request = order.request
    selling = request.side is OrderSide.SELL_TO_CLOSE
    return request.limit_price < worst if selling else request.limit_price > worst
