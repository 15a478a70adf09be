"""Whether a decision knew anything that was not known yet when it was made."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import KINDS, Book, BoolColumn, IntColumn, Kind
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.core.model.instant import MICROSECOND, SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.core.model.reading import FUTURE_TOLERANCE

OF_THE_FUTURE: Final = frozenset({
    "session_close", "last_trading_close", "next_earnings", "next_ex_dividend",
})  # fmt: skip
"""Inputs that are times of what is announced long before, and later by their nature."""

JUDGED: Final = tuple(
    name
    for name, kind in KINDS.items()
    if kind is Kind.INSTANT and name not in OF_THE_FUTURE and name != "decided_at"
)
"""Inputs that may bear no later time than their decision's."""

_SKEW: Final = FUTURE_TOLERANCE // MICROSECOND


def look_ahead(
    book: Book, decisions: Decisions, policies: Sequence[Policy]
) -> dict[str, BoolColumn]:
    """The inputs with a time later than their decision's, and in which rows.

    What the database keeps, the entry and the gamma signal, is asked for up to the decision's time,
    so that any later one is told. What a market source stamps by its own clock may be ahead of ours
    a little: a quote by the policy's ``quotes.future_seconds_max``, the underlying's price and VIX
    by the 5 seconds of ``FUTURE_TOLERANCE``. What is further ahead and was refused for it decided
    nothing, and is not told: a quote that is flagged FUTURE, a VIX level or a price of an
    underlying that is kept as not known.

    Args:
        book: The inputs.
        decisions: What came of them, under the policies.
        policies: ``book.policy`` indexes this list.

    Example: a quote that is stamped 3 seconds after its decision is a clock's skew, and a gamma
    signal of one second later is a look ahead.
    """
    found = {}
    for name in JUDGED:
        at: IntColumn = getattr(book, name)
        # UNKNOWN is the least integer, and so never later.
        is_ahead = at > book.decided_at + _allowance(name, book, policies)
        is_ahead &= _was_used(name, book, decisions)
        if is_ahead.any():
            found[name] = is_ahead
    return found


def _allowance(name: str, book: Book, policies: Sequence[Policy]) -> IntColumn | int:
    """Microseconds by which an input may be ahead."""
    if name == "quoted_at":
        seconds = [policy.quotes.future_seconds_max for policy in policies]
        by_policy: IntColumn = np.array([round(one * SECONDS) for one in seconds], np.int64)
        allowed: IntColumn = by_policy[book.policy]
        return allowed
    return _SKEW if name in {"feed_at", "vix_at"} else 0


def _was_used(name: str, book: Book, decisions: Decisions) -> BoolColumn:
    """Where anything could be decided by what has this time."""
    used: BoolColumn = np.ones(len(book), np.bool_)
    if name == "quoted_at":
        used = (decisions.flags & (QuoteFlag.FUTURE | QuoteFlag.MISSING)) == 0
    elif name == "feed_at":
        used = book.underlying_price != UNKNOWN
    elif name == "vix_at":
        used = ~np.isnan(book.vix)
    return used
