"""What a wide spread does to an exit that is due: it waits, or it leans further."""

from decimal import Decimal
from enum import Enum

from exit_pipeline.core.model.decision import Urgency


class Guarding(Enum):
    """What the guard says of an exit."""

    NONE = "none"
    DELAYS = "delays"
    PRESSES = "presses"


def spread_percent(bid: Decimal, ask: Decimal) -> Decimal:
    """The spread in percent of the mid, of a quote with an ask.

    Example: 1.50 bid and 2.50 asked are 50 % apart.
    """
    return (ask - bid) / ((ask + bid) / 2) * 100


def guard_spread(
    bid: Decimal, ask: Decimal, urgency: Urgency, limit_percent: float | None
) -> Guarding:
    """Whether an exit waits for a narrower spread, or goes one urgency further because of it.

    What nothing presses (PATIENT, NORMAL: targets, and rules of time and context) waits, since half
    of a wide spread is what it would give away. A stop and an expiry (FAST, EMERGENCY) can't wait,
    and where few trade, a price that is only near is missed. Without a bid nothing is guarded: a
    long can't be sold then, and a short is bought back at the ask.

    Example: at 1.50 bid and 2.50 asked, 50 % apart, under a limit of 40 % a target waits and a stop
    that is FAST is priced as an EMERGENCY.

    Args:
        bid: Dollars per share, likewise `ask`.
        ask: From the newest quote.
        urgency: How much the exit presses.
        limit_percent: Spread, % of the mid, from which on it guards; None never does.
    """
    if limit_percent is None or bid <= 0:
        return Guarding.NONE
    if spread_percent(bid, ask) <= Decimal(str(limit_percent)):
        return Guarding.NONE
    return Guarding.DELAYS if urgency <= Urgency.NORMAL else Guarding.PRESSES
