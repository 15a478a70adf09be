"""What a policy's quote limits make of paths: graded quotes, and the best marks before each row."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from exit_pipeline.core.engine.grade import QuoteLimits, grade_quotes
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.closable import can_close, is_usable
from exit_pipeline.core.replay.paths import Paths, RowIndex
from exit_pipeline.core.replay.scans import best_before


@dataclass(frozen=True, slots=True, kw_only=True)
class GradedPaths:
    """Paths under some quote limits; the same for all policies that have these limits.

    Attributes:
        book: The rows, with ``high_water`` and ``previous_mid`` as these limits leave them.
        marks: Of each row.
        closable: Rows at which contracts can leave.
        renewed: Rows whose session is not that of the row before in their path: there, counts
            begin anew.
    """

    book: Book
    marks: Marks
    closable: BoolColumn
    renewed: BoolColumn

    @classmethod
    def of(cls, paths: Paths, limits: QuoteLimits) -> Self:
        """Grade the quotes of paths, and carry along what comes of them.

        The best mark and the mid of the tick before are those of the rows here; what is recorded
        of them on a path's first row stands for all that was before it.
        """
        book, new = paths.book, paths.new_session
        marks = grade_quotes(book, limits)
        best = _high_water(book, marks, paths.starts)
        before = _previous_mids(book, marks, new, paths.starts)
        new |= book.session_close == UNKNOWN
        new[paths.starts] = False
        return cls(
            book=replace(book, high_water=best, previous_mid=before),
            marks=marks,
            closable=can_close(book, marks.grade),
            renewed=new,
        )


def _high_water(book: Book, marks: Marks, starts: RowIndex) -> IntColumn:
    """The best mark of a GOOD quote before each row: the lowest of a short is the highest of -x.

    UNKNOWN is the least integer, and the only one that is its own negative.
    """
    side = book.side.astype(np.int64)
    signed = marks.mark * side
    signed[~marks.good] = UNKNOWN
    best = best_before(signed, book.high_water[starts] * side[starts], starts)
    best *= side
    return best


def _previous_mids(
    book: Book, marks: Marks, new_session: BoolColumn, starts: RowIndex
) -> IntColumn:
    """The mid of the row before, where that was in the same session and its quote is not BAD."""
    before = np.empty_like(book.bid)
    np.add(book.bid[:-1], book.ask[:-1], out=before[1:])
    before >>= 1
    before[np.flatnonzero(~is_usable(marks.grade[:-1])) + 1] = UNKNOWN
    before[new_session | (book.session_close == UNKNOWN)] = UNKNOWN
    before[starts] = book.previous_mid[starts]
    return before
