"""What is wrong with the quote that a decision was made on, judged apart from the program's grade.

The limits are those of the default policy.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

_USABLE_FOR: Final = timedelta(minutes=15)
_AHEAD: Final = timedelta(seconds=5)
_WORTHLESS_ASK: Final = Decimal("0.15")


def why_bad(decision: Mapping[str, Any]) -> str:
    """Why nothing may be sent on a quote; empty where something may.

    Args:
        decision: Its inputs, as they are recorded.

    Example: without a bid, an ask of 0.15 may be of a worthless contract, and one of 6.00 is no
    market, of which no mark can be made.
    """
    bid, ask, quoted_at = decision["bid"], decision["ask"], decision["quoted_at"]
    if bid is None or ask is None or decision["nonfinite"]:
        return "it has no two finite sides"
    if bid > ask or ask <= 0:
        return f"it is crossed, {bid} bid and {ask} asked"
    if bid == 0 and ask > _WORTHLESS_ASK:
        return f"nobody bids, and {ask} is asked"
    at = decision["decided_at"]
    if quoted_at is None or not -_AHEAD <= at - quoted_at <= _USABLE_FOR:
        return f"it is of {quoted_at} and the decision of {at}"
    feed_at = decision["feed_at"]
    if feed_at is None or at - feed_at > decision["feed_age_limit"]:
        return f"its feed is of {feed_at} and the decision of {at}"
    return ""
