"""One parquet file of a tape, in the order in which it is asked: by symbol, then by time.

Every tape file has the columns ``quoted_at``, a timestamp with a time zone, and ``symbol``; the
others are numbers. pyarrow is imported with the first file, so that importing this stays cheap.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_PRICE: Final = 10_000_000.0
"""Dollars per share above which a number is a fault of the source: ten times the dearest share
listed (Berkshire Hathaway A, below 1,000,000)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TapeFile:
    """The rows of one file, by symbol and then by time.

    Attributes:
        path: The file, for messages.
        spans: First row and row after the last of each symbol, in ascending order of symbols.
        times: ``quoted_at`` of each row, microseconds since the epoch.
        columns: The number columns that were asked for and are there; an empty cell is NaN.
    """

    path: Path
    spans: Mapping[str, tuple[int, int]]
    times: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]

    @classmethod
    def read(cls, path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> Self:
        """Read a file. Rows may be in any order; of two with one key the later one is newer.

        Args:
            path: The file.
            required: Number columns that it must have.
            optional: Number columns that it may have.

        Raises:
            InputError: The file is missing, is not parquet, or lacks or garbles a column.
        """
        table = _read(path, required, optional)
        _check_key(table, path)
        spans, times, order = _sort(table)
        names = [name for name in (*required, *optional) if name in table.schema.names]
        return cls(path, spans, times, {name: _floats(table, name, path)[order] for name in names})

    def newest(self, symbol: str, at: int) -> int | None:
        """The symbol's newest row that is not later than `at`, microseconds since the epoch."""
        first, stop = self.spans.get(symbol, (0, 0))
        row = bisect_right(self.times, at, first, stop) - 1
        return row if row >= first else None

    def quoted_at(self, row: int) -> datetime:
        """The row's own time, aware, UTC."""
        return _EPOCH + timedelta(microseconds=int(self.times[row]))

    def prices(self, column: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """A column of dollars as units of 1/10,000 dollar, and where a value is no price.

        An empty cell, a negative and an infinite or absurd value are ``UNKNOWN``; all but the
        empty cell are marked in the second array.
        """
        dollars = self.columns[column]
        unusable = (dollars < 0) | (dollars > LARGEST_PRICE)
        known = ~(unusable | np.isnan(dollars))
        units = np.rint(np.where(known, dollars, 0) * UNITS_PER_DOLLAR).astype(np.int64)
        return np.where(known, units, UNKNOWN), unusable

    def sizes(self, column: str) -> NDArray[np.int64]:
        """A column of contracts; -1 where the file has no such column or no usable value."""
        sizes = self.columns.get(column, np.full(len(self.times), np.nan))
        return np.where(np.isfinite(sizes) & (sizes >= 0), sizes, -1).astype(np.int64)


def _read(path: Path, required: Sequence[str], optional: Sequence[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    needed = ("quoted_at", "symbol", *required)
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            if missing := [name for name in needed if name not in present]:
                message = f"{path} has no column {missing[0]}, expected {', '.join(needed)}"
                raise InputError(message)
            return file.read(columns=[*needed, *(name for name in optional if name in present)])
    except FileNotFoundError as error:
        message = f"{path} is missing from the tape"
        raise InputError(message) from error
    except (pa.ArrowException, OSError) as error:
        message = f"{path} is not a readable parquet file"
        raise InputError(message) from error


def _check_key(table: "pa.Table", path: Path) -> None:
    import pyarrow as pa

    kind, text = (table.schema.field(name).type for name in ("quoted_at", "symbol"))
    if not (pa.types.is_timestamp(kind) and kind.tz):
        raise _wrong(path, "quoted_at", str(kind), "a timestamp with a time zone")
    if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
        raise _wrong(path, "symbol", str(text), "text")
    for name in ("quoted_at", "symbol"):
        if empty := table[name].null_count:
            raise _wrong(path, name, f"empty in {empty} rows", "a value in each")


def _sort(
    table: "pa.Table",
) -> tuple[dict[str, tuple[int, int]], NDArray[np.int64], NDArray[np.intp]]:
    """The symbols' spans, the times, and the order of the table's rows."""
    import pyarrow as pa

    times = table["quoted_at"].cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
    micros = np.asarray(times.to_numpy(), dtype=np.int64)
    symbols = table["symbol"].combine_chunks().dictionary_encode()
    names = np.array(symbols.dictionary.to_pylist(), dtype=np.str_)
    ranks = np.argsort(np.argsort(names))[symbols.indices.to_numpy()]
    order = np.lexsort((micros, ranks))  # stable
    edges = np.searchsorted(ranks[order], np.arange(len(names) + 1)).tolist()
    spans = dict(zip(np.sort(names).tolist(), pairwise(edges), strict=True))
    return spans, micros[order], order


def _floats(table: "pa.Table", name: str, path: Path) -> NDArray[np.float64]:
    import pyarrow as pa

    try:
        column = table[name].cast(pa.float64())
    except pa.ArrowException as error:
        raise _wrong(path, name, str(table.schema.field(name).type), "numbers") from error
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _wrong(path: Path, column: str, found: str, expected: str) -> InputError:
    return InputError(f"{path}: column {column} is {found}, expected {expected}")
