"""The recorded rows of positions, each position's in a row: the paths that a replay walks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import Book, BoolColumn

RowIndex = NDArray[np.intp]

N = TypeVar("N", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Recorded rows of positions, sorted by position, then by time.

    Rows are of runs of one kind, such as the live ones: where a dry run lies between two live
    ticks, its row would count as a tick of its own.

    Attributes:
        book: The rows.
        starts: The row at which each position's path starts, ascending from 0; each path ends
            where the next one starts.
        hashes: Hashes of the recorded policies, which ``book.policy`` indexes; empty where they
            are not known.
    """

    book: Book
    starts: RowIndex
    hashes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        edges = np.append(self.starts, len(self.book))
        if edges[0] != 0 or (np.diff(edges) <= 0).any():
            message = (
                f"paths over {len(self.book)} rows must start at row 0, each at least a row after "
                f"the one before, had starts {self.starts[:5]} ..."
            )
            raise ValueError(message)

    @classmethod
    def of(cls, book: Book, positions: NDArray[Any], hashes: Sequence[str] = ()) -> Self:
        """The paths of a book whose rows are sorted already.

        Args:
            book: The rows.
            positions: Each row's position, by any code or text.
            hashes: Of the recorded policies, which ``book.policy`` indexes.

        Raises:
            ValueError: A row of a position is earlier than the one before it.

        Example: rows of the positions 7, 7, 7 and 4 are two paths, which start at 0 and 3.
        """
        turns = np.flatnonzero(positions[1:] != positions[:-1]) + 1
        starts = np.append(0, turns) if len(book) else turns
        backwards = book.decided_at[1:] < book.decided_at[:-1]
        backwards[starts[1:] - 1] = False
        if backwards.any():
            row = backwards.argmax() + 1
            message = f"rows of a path must be in the order of time; {row} is not"
            raise ValueError(message)
        return cls(book=book, starts=starts.astype(np.intp), hashes=tuple(hashes))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def ends(self) -> RowIndex:
        """The row after the last one of each path."""
        ends: RowIndex = np.append(self.starts, len(self.book))[1:]
        return ends

    def path_of(self, rows: RowIndex) -> RowIndex:
        """The path that each of some rows is in."""
        paths: RowIndex = np.searchsorted(self.starts, rows, side="right") - 1
        return paths

    def blocks(self, rows: int) -> Iterator[tuple[int, int, Self]]:
        """Whole paths in portions of about so many rows, which share the memory of the whole.

        Yields:
            The first path of the portion, its first row, and the portion.
        """
        first, ends = 0, self.ends
        while first < len(self):
            start = self.starts[first]
            last = max(int(np.searchsorted(ends, start + rows, side="right")), first + 1)
            part = slice(start, ends[last - 1])
            starts = self.starts[first:last] - start
            yield (
                first,
                int(start),
                type(self)(book=self.book.take(part), starts=starts, hashes=self.hashes),
            )
            first = last

    def select(self, chosen: RowIndex) -> tuple[Self, RowIndex]:
        """Some of the paths, and the row here of each of their rows."""
        rows, starts = spans(self.starts[chosen], self.ends[chosen])
        return type(self)(book=self.book.take(rows), starts=starts, hashes=self.hashes), rows

    @property
    def new_session(self) -> BoolColumn:
        """Rows that are not in the session of the row before in their path."""
        close = self.book.session_close
        new = np.zeros(len(close), np.bool_)
        new[1:] = close[1:] != close[:-1]
        new[self.starts] = False
        return new


def spans(starts: RowIndex, ends: RowIndex) -> tuple[RowIndex, RowIndex]:
    """The rows of several spans one after another, and where among them each span starts.

    Example: of the spans 2 to 4 and 7 to 10 the rows are 2, 3, 7, 8 and 9, and they start at 0
    and 2.
    """
    lengths = ends - starts
    offsets = np.cumsum(lengths) - lengths
    rows: RowIndex = np.repeat(starts - offsets, lengths) + np.arange(lengths.sum())
    return rows, offsets


def rows_of(book: Book, rows: slice | RowIndex, **carried: NDArray[Any]) -> Book:
    """The book of some rows, with other columns in place of some of those that were recorded."""
    columns = {c.name: getattr(book, c.name) for c in fields(Book) if c.name not in carried}
    return Book(**{name: column[rows] for name, column in columns.items()}, **carried)


def repeated(values: NDArray[N], starts: RowIndex, rows: int) -> NDArray[N]:
    """One value a path as a column of all its rows."""
    column: NDArray[N] = np.repeat(values, np.diff(np.append(starts, rows)))
    return column
