"""Contracts that leave positions on their recorded paths, and what never leaves there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from exit_pipeline.core.model.book import IntColumn
from exit_pipeline.core.replay.paths import RowIndex

NO_ROW: Final = -1
"""Stands for a row that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """Every exit on some paths, in the order of rows; each leaves at its row's closing price.

    Attributes:
        reasons: What `reason` indexes: rules in capitals.
        row: Row of the paths' book, ascending; a row has one exit at most.
        quantity: Contracts that leave there, at least 1.
        reason: Why.
        held: By path: contracts that were held before its first row.
        worth: By path: the last row whose quote says what closing would bring; ``NO_ROW`` if none.
    """

    reasons: tuple[str, ...]
    row: RowIndex
    quantity: IntColumn
    reason: RowIndex
    held: IntColumn
    worth: RowIndex

    def __len__(self) -> int:
        return len(self.row)

    def shifted(self, rows: int) -> Self:
        """The same exits in a book that has so many rows before these."""
        worth = np.where(self.worth == NO_ROW, NO_ROW, self.worth + rows)
        return replace(self, row=self.row + rows, worth=worth)

    def placed(self, rows: RowIndex) -> Self:
        """The same exits in a book that has these rows at the given places, and others besides."""
        worth = np.where(self.worth == NO_ROW, NO_ROW, rows[self.worth])
        return replace(self, row=rows[self.row], worth=worth)

    @classmethod
    def merged(cls, parts: Sequence[Self], places: Sequence[RowIndex]) -> Self:
        """Exits on portions of paths as exits on all of them.

        Args:
            parts: Of each portion, placed in the book of all.
            places: Of each portion, which of all paths its own are.
        """
        reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
        index = [np.array([reasons.index(one) for one in part.reasons], np.intp) for part in parts]
        row = _concatenated([part.row for part in parts])
        order = np.argsort(row, kind="stable")
        reason = [one[part.reason] for one, part in zip(index, parts, strict=True)]
        back = np.argsort(_concatenated(places), kind="stable")
        return cls(
            reasons=reasons,
            row=row[order],
            quantity=_concatenated([part.quantity for part in parts])[order],
            reason=_concatenated(reason)[order],
            held=_concatenated([part.held for part in parts])[back],
            worth=_concatenated([part.worth for part in parts])[back],
        )


def _concatenated(columns: Sequence[IntColumn]) -> IntColumn:
    return np.concatenate([np.zeros(0, np.intp), *columns])
