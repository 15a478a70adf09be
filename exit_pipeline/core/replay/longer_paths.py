"""Paths with rows that nothing recorded: what became of the market after the record ended."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, SmallColumn
from exit_pipeline.core.replay.paths import Paths, RowIndex
from exit_pipeline.core.replay.recorded_exits import Told

_STAYS: Final = (
    "policy", "last_trading_close", "side", "right", "strike", "quantity", "open_quantity",
    "profit_exited", "entry_price", "entry_time", "intraday", "entry_iv", "gex_entry",
    "entry_regime",
)  # fmt: skip
"""What a position's last row says of it for all rows after."""


def later_book(last: Book, **seen: np.ndarray) -> Book:
    """Rows after the last ones that were recorded.

    What is told of a position stays. What a tick would carry on, such as the best mark, a replay
    carries on by itself. The context, Greeks and the account's figures are not known.

    Args:
        last: Of each row, its position's last recorded one.
        seen: What is known of the rows themselves: times and quotes.
    """
    kept = {name: getattr(last, name) for name in _STAYS}
    return Book.of(len(last), **kept, **seen)


def lengthen(paths: Paths, more: Book, path: RowIndex) -> tuple[Paths, RowIndex]:
    """Paths with further rows at their ends.

    Args:
        paths: The paths.
        more: The rows, those of each path by time.
        path: Which path each is of.

    Returns:
        The longer paths, and the row there of each row here.

    Example: two paths of 2 rows, of which the first gets another one, start at 0 and 3, and their
    rows are 0, 1, 3 and 4 there.
    """
    here = len(paths.book)
    of_row = np.append(paths.path_of(np.arange(here)), path)
    order = np.argsort(of_row, kind="stable")
    columns = {
        one.name: np.concatenate([getattr(paths.book, one.name), getattr(more, one.name)])[order]
        for one in fields(Book)
    }
    starts = np.searchsorted(of_row[order], np.arange(len(paths)))
    rows = np.empty(len(order), np.intp)
    rows[order] = np.arange(len(order))
    return Paths(book=Book(**columns), starts=starts, hashes=paths.hashes), rows[:here]


def tell_nothing(told: Told, rows: RowIndex, grade: SmallColumn) -> Told:
    """What was decided, where nothing is decided on further rows.

    Args:
        told: On the rows that were recorded.
        rows: The row in the longer paths of each.
        grade: Of all rows of the longer paths; that of recorded rows stays as recorded.
    """
    reasons = told.reasons if "" in told.reasons else (*told.reasons, "")
    size = len(grade)
    closes, reason = np.zeros(size, np.int64), np.full(size, reasons.index(""), np.intp)
    urgency, all_grades = np.zeros(size, np.int8), grade.copy()
    closes[rows], reason[rows] = told.closes, told.reason
    urgency[rows], all_grades[rows] = told.urgency, told.grade
    return Told(
        reasons=reasons, closes=closes, reason=reason, grade=all_grades, urgency=urgency
    )  # fmt: skip


def own_grades(book: Book, policies: Sequence[Policy]) -> SmallColumn:
    """The grade of each row's quote under the row's own policy."""
    grade = np.zeros(len(book), np.int8)
    for index, policy in enumerate(policies):
        rows = np.flatnonzero(book.policy == index)
        grade[rows] = grade_quotes(book.take(rows), policy.quotes).grade
    return grade
