"""Where contracts can leave a position, and at what price."""

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.quote import QuoteGrade

_PARTS = 10_000
"""A limit in percent is compared to four decimals."""


def closing_price(book: Book) -> IntColumn:
    """The side of the quote that closing hits: the bid of a LONG position, the ask of a SHORT one.

    Units of 1/10,000 dollar per share; UNKNOWN where the quote has none.
    """
    price: IntColumn = np.where(book.side > 0, book.bid, book.ask)
    return price


def can_close(book: Book, grade: SmallColumn) -> BoolColumn:
    """Where an order could be priced, as ``price_order`` does: at a side of a quote not BAD.

    A long that nobody bids for can't be sold; it is worth nothing, and that is known.
    """
    priced: BoolColumn = grade != QuoteGrade.BAD
    return priced & (closing_price(book) > 0)


def waits(book: Book, urgency: SmallColumn, policy: Policy) -> BoolColumn:
    """Where the policy's guard has an exit wait for a narrower spread, as ``guard_spread`` does.

    Args:
        book: The rows.
        urgency: Of the exit in each row.
        policy: Its ``prices.guard_spread_percent`` is read.
    """
    limit = policy.prices.guard_spread_percent
    if limit is None:
        return np.zeros(len(book), np.bool_)
    apart = (book.ask - book.bid) * 200 * _PARTS
    wide = apart > (book.ask + book.bid) * round(limit * _PARTS)
    delayed: BoolColumn = wide & (book.bid > 0) & (urgency <= Urgency.NORMAL)
    return delayed
