"""The expirations and strikes of a chain, and the place of each contract among them."""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, IntColumn
from exit_pipeline.core.model.chain import OptionChain

T = TypeVar("T", np.int64, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainGrid:
    """A table with a row per expiration and a column per strike, and its cells by contract.

    Attributes:
        expirations: Distinct instants of expiration, rising.
        strikes: Distinct strikes in dollars, rising.
        row: Row of each contract.
        column: Column of each contract.
    """

    expirations: IntColumn
    strikes: FloatColumn
    row: NDArray[np.intp]
    column: NDArray[np.intp]

    @classmethod
    def of(cls, chain: OptionChain) -> Self:
        """The grid of a chain; a chain has few expirations beside its contracts."""
        expirations, row = np.unique(chain.expires_at, return_inverse=True)
        strikes, column = np.unique(chain.strike, return_inverse=True)
        return cls(expirations=expirations, strikes=strikes, row=row, column=column)

    def take(self, rows: BoolColumn) -> Self:
        """The grid of some contracts, with the expirations and strikes that these have."""
        expirations, row = _renumbered(self.expirations, self.row[rows])
        strikes, column = _renumbered(self.strikes, self.column[rows])
        return type(self)(expirations=expirations, strikes=strikes, row=row, column=column)

    @property
    def cell(self) -> NDArray[np.intp]:
        """Place of each contract in the flattened table; a call and its put share one."""
        return self.row * len(self.strikes) + self.column

    def sum_by_cell(self, amounts: FloatColumn) -> FloatColumn:
        """Sums of contracts' amounts by cell, in the shape of the table.

        Its sums over axis 0 are by strike, over axis 1 by expiration.
        """
        shape = (len(self.expirations), len(self.strikes))
        sums = np.bincount(self.cell, weights=amounts, minlength=shape[0] * shape[1])
        return np.asarray(sums, dtype=np.float64).reshape(shape)


def _renumbered(values: NDArray[T], place: NDArray[np.intp]) -> tuple[NDArray[T], NDArray[np.intp]]:
    """The values that have a place, and their places among themselves."""
    is_kept = np.bincount(place, minlength=len(values)) > 0
    return values[is_kept], (np.cumsum(is_kept) - 1)[place]
