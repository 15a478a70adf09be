"""Where contracts can leave a position, and at what price."""

import numpy as np

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.replay.paths import RowIndex

_PARTS = 10_000
"""A limit in percent is compared to four decimals."""


def closing_price(book: Book) -> IntColumn:
    """The side of the quote that closing hits: the bid of a LONG position, the ask of a SHORT one.

    Units of 1/10,000 dollar per share; UNKNOWN where the quote has none.
    """
    price: IntColumn = np.where(book.side > 0, book.bid, book.ask)
    return price


def is_usable(grade: SmallColumn) -> BoolColumn:
    """Where a quote is GOOD or DEGRADED, and not BAD or of a grade that is not known here."""
    # What is below GOOD is, without its sign, above all.
    usable: BoolColumn = grade.view(np.uint8) < QuoteGrade.BAD
    return usable


def can_close(book: Book, grade: SmallColumn) -> BoolColumn:
    """Where an order could be priced, as ``price_order`` does: at a side of a quote not BAD.

    A long that nobody bids for can't be sold; it is worth nothing, and that is known.
    """
    return is_usable(grade) & (closing_price(book) > 0)


def last_worth(grade: SmallColumn, starts: RowIndex) -> RowIndex:
    """The last row of each path whose quote says what closing would bring; -1 if none does.

    That a long is worthless is such a word too.
    """
    said = np.where(is_usable(grade), np.arange(len(grade)), -1)
    last: RowIndex = np.maximum.reduceat(said, starts)
    return last


def waits(book: Book, urgency: SmallColumn, limit_percent: float | None) -> BoolColumn:
    """Where a policy's guard has an exit wait for a narrower spread, as ``guard_spread`` does.

    Args:
        book: The rows.
        urgency: Of the exit in each row.
        limit_percent: The policy's ``prices.guard_spread_percent``.
    """
    if limit_percent is None:
        return np.zeros(len(book), np.bool_)
    apart = (book.ask - book.bid) * 200 * _PARTS
    wide = apart > (book.ask + book.bid) * round(limit_percent * _PARTS)
    delayed: BoolColumn = wide & (book.bid > 0) & (urgency <= Urgency.NORMAL)
    return delayed
