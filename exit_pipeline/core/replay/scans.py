"""What is carried from row to row of many paths at once, without stepping through the rows."""

from itertools import pairwise
from typing import Final

import numpy as np

from exit_pipeline.core.model.book import BoolColumn, HitsColumn, IntColumn
from exit_pipeline.core.replay.paths import RowIndex

_MOST_HITS: Final = 255
"""A count stays there, as the engine's does."""


def best_before(values: IntColumn, first: IntColumn, starts: RowIndex) -> IntColumn:
    """In each row, the highest value of the rows before it in its path.

    Args:
        values: By row.
        first: By path: the highest before its first row.
        starts: The row at which each path starts.

    Example: values of 5, 3 and 8 in a path that comes with a 4 are 4, 5 and 5 before each row.
    """
    best = np.empty_like(values)
    best[1:] = values[:-1]
    best[starts] = first
    # A call a path, not a row: it costs as much as a few hundred rows of a decision.
    for start, end in pairwise([*starts.tolist(), len(best)]):
        if end > start + 1:
            np.maximum.accumulate(best[start:end], out=best[start:end])
    return best


def hits_before(
    due: BoolColumn,
    ended: BoolColumn,
    renewed: BoolColumn,
    first: HitsColumn,
    starts: RowIndex,
) -> HitsColumn:
    """For how many rows in a row something had been due, before each row.

    Args:
        due: It is due in the row, which counts one more.
        ended: The count is 0 after the row.
        renewed: The count is 0 before the row.
        first: By path: the count before its first row.
        starts: The row at which each path starts.

    Example: due in the rows 0, 1 and 3, ended in none and renewed in row 3, it counts 0, 1, 2 and 0
    before each; had row 2 ended it, likewise.
    """
    counted = due & ~ended
    added = counted.astype(np.int64)
    added[starts] += first
    total = np.cumsum(added)
    # Totals never fall, so that the newest reset is the one with the highest total.
    began = np.where(renewed, total - added, 0)
    began[starts] = total[starts] - added[starts]
    np.copyto(began, total, where=ended)
    after = np.minimum(total - np.maximum.accumulate(began), _MOST_HITS).astype(np.uint8)
    return _shifted(after, renewed, first, starts)


def latched_before(
    sets: BoolColumn, keeps: BoolColumn, first: BoolColumn, starts: RowIndex
) -> BoolColumn:
    """Where something was latched before each row.

    Args:
        sets: It is latched after the row, whatever was before.
        keeps: What was latched before the row stays so after it.
        first: By path: whether it was latched before its first row.
        starts: The row at which each path starts.

    Example: set in row 1 and kept in all rows but 3, it is latched before the rows 2 and 3.
    """
    known = sets | ~keeps
    known[starts] = True
    after = sets.copy()
    after[starts] |= keeps[starts] & first
    # What is latched is what the newest row said that does not merely keep.
    newest = np.maximum.accumulate(np.where(known, np.arange(len(sets)), 0))
    before: BoolColumn = np.empty_like(after)
    before[1:] = after[newest[:-1]]
    before[starts] = first
    return before


def _shifted(
    after: HitsColumn, renewed: BoolColumn, first: HitsColumn, starts: RowIndex
) -> HitsColumn:
    before = np.empty_like(after)
    before[1:] = after[:-1]
    before[renewed] = 0
    before[starts] = first
    return before
