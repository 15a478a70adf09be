"""Prices at which a position is left at a loss, or gives back a gain, exact to the unit."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN

WHOLE: Final = 10_000
"""A hundred percent, in 1/100 percent."""


def price_at(price: IntColumn, side: SmallColumn, loss: IntColumn) -> IntColumn:
    """The price at which a loss on another price is met exactly, or just not yet exceeded.

    A mid is a whole number of units, so that rounding down for a LONG position, up for a SHORT one,
    leaves exactly the mids at which the loss is met.

    Args:
        price: What the loss is measured on, units of 1/10,000 dollar.
        side: +1 LONG, -1 SHORT.
        loss: 1/100 percent of `price`; negative for a gain.

    Example: 30 % lost on 1.90 is 1.33 of a LONG position and 2.47 of a SHORT one; a third of it
    lost, 0.6333, is 1.2666 and 2.5334.
    """
    # -(-x // n) rounds up; for a SHORT position that is what dividing its negative down does.
    signed = side * price * WHOLE - price * loss
    found: IntColumn = side * (signed // WHOLE)
    return found


def is_met(book: Book, marks: Marks, rows: NDArray[np.intp], stop: IntColumn) -> BoolColumn:
    """Where the mid is at or beyond a stop; on a DEGRADED quote the mid before must have been too.

    Args:
        book: The rows.
        marks: Of the whole book.
        rows: Those to be judged, whose quotes are usable.
        stop: Price of each of those rows.
    """
    side = book.side[rows]
    met: BoolColumn = side * (book.mid(rows) - stop) <= 0
    before = book.previous_mid[rows]
    met &= marks.good[rows] | ((before != UNKNOWN) & (side * (before - stop) <= 0))
    return met
