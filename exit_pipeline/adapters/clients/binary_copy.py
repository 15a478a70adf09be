"""PostgreSQL's binary COPY as NumPy columns, both ways, without an object per value.

The format (PostgreSQL documentation, COPY, "Binary Format"): a header of 19 bytes; for each row the
number of its fields in 2 bytes and then each field, its length in 4 bytes (-1 is NULL) before its
value; 2 bytes of -1 at the end. Numbers are big-endian. Times are microseconds and dates days since
2000-01-01.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"

EPOCH_MICROS: Final = 946_684_800_000_000
"""2000-01-01 UTC in microseconds since 1970."""

EPOCH_DAYS: Final = 10_957
"""2000-01-01 in days since 1970."""

_ARRAY_HEADER: Final = 20  # dimensions, flags, type, length and first index of an array of one


class CopiedRows:
    """What COPY TO STDOUT (FORMAT binary) gives: first columns of fixed width, then the others.

    It is written to like a file. The driver hands over one row at a time (libpq's PQgetCopyData
    gives "always one data row"), which tells where each row begins without reading the one before.

    Args:
        fixed: The type of each column of fixed width by its name, in the order of the query, as it
            is sent: big-endian, such as ``>i8``. None of their values may be NULL.
        others: The names of the columns of text and arrays that follow.
    """

    def __init__(self, fixed: Mapping[str, str], others: Sequence[str]) -> None:
        parts = [("fields", ">i2")]
        for name, kind in fixed.items():
            parts += [(f"{name} length", ">i4"), (name, kind)]
        self._row = np.dtype(parts)
        self._names, self._others = tuple(fixed), tuple(others)
        self._messages: list[bytes] = []

    def write(self, message: bytes) -> int:
        """Take what the driver hands over."""
        self._messages.append(message)
        return len(message)

    def read(self) -> "ReadRows":
        """The rows.

        Raises:
            ValueError: A column is NULL or not as wide as was said, which is a mistake of the
                query.
        """
        messages = self._messages
        messages[0] = messages[0].removeprefix(HEADER)
        if messages[-1].endswith(TRAILER) and len(messages[-1]) < self._row.itemsize:
            messages.pop()
        lengths = np.fromiter(map(len, messages), np.int64, len(messages))
        # Room after the last row, so that a window over its text does not end beyond the memory.
        widest = int(lengths.max(initial=0))
        buffer = np.frombuffer(b"".join([*messages, bytes(widest)]), np.uint8)
        starts = np.cumsum(lengths) - lengths
        rows = _windows(buffer, starts, self._row.itemsize).view(self._row)[:, 0]
        self._check(rows)
        tails = _tails(buffer, starts + self._row.itemsize, self._others)
        return ReadRows(rows={name: rows[name] for name in self._names}, tails=tails, buffer=buffer)

    def _check(self, rows: NDArray[Any]) -> None:
        expected = {"fields": len(self._names) + len(self._others)}
        expected |= {f"{name} length": self._row[name].itemsize for name in self._names}
        for name, value in expected.items():
            if (rows[name] != value).any():
                message = f"a copied row has another {name} than {value}"
                raise ValueError(message)


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Copied rows.

    Attributes:
        rows: Columns of fixed width by name, big-endian as they were sent.
        tails: Where each value of the other columns begins, and its length; -1 is NULL.
        buffer: All that was sent.
    """

    rows: Mapping[str, NDArray[Any]]
    tails: Mapping[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
    buffer: Bytes

    def number(self, name: str, kind: type[np.generic] | np.dtype[Any]) -> NDArray[Any]:
        """A column of numbers, in this machine's order of bytes."""
        return self.rows[name].astype(kind)

    def micros(self, name: str) -> NDArray[np.int64]:
        """A column of times in microseconds since 1970; -infinity is the least integer."""
        sent = self.rows[name].astype(np.int64)
        return np.where(sent == np.iinfo(np.int64).min, sent, sent + EPOCH_MICROS)

    def text(self, name: str) -> NDArray[np.bytes_]:
        """A column of text in UTF-8; NULL is empty."""
        begins, lengths = self.tails[name]
        width = max(int(lengths.max(initial=1)), 1)
        found = _windows(self.buffer, begins, width)
        found[np.arange(width) >= lengths[:, None]] = 0
        return found.view(f"S{width}")[:, 0]

    def texts(self, name: str) -> list[bytes | None]:
        """A column of long texts as one object each; NULL is None."""
        begins, lengths = (column.tolist() for column in self.tails[name])
        whole = self.buffer.tobytes()
        return [
            None if length < 0 else whole[begin : begin + length]
            for begin, length in zip(begins, lengths, strict=True)
        ]

    def small_arrays(self, name: str, width: int) -> NDArray[np.int16]:
        """A column of ``smallint[]`` as the rows of a matrix, filled up with zeros as is NULL."""
        begins, lengths = self.tails[name]
        found = np.zeros((len(begins), width), np.int16)
        for length in np.unique(lengths[lengths > _ARRAY_HEADER]).tolist():
            rows = np.flatnonzero(lengths == length)
            values = _windows(self.buffer, begins[rows], length)[:, _ARRAY_HEADER:]
            values = values.reshape(len(rows), -1, 6)[:, :width, 4:]
            found[rows, : values.shape[1]] = np.ascontiguousarray(values).view(">i2")[:, :, 0]
        return found


def _windows(buffer: Bytes, begins: NDArray[np.int64], width: int) -> Bytes:
    """So many bytes from each of these places."""
    if not len(begins):
        return np.zeros((0, width), np.uint8)
    windows: Bytes = np.ascontiguousarray(sliding_window_view(buffer, width)[begins])
    return windows


def _tails(
    buffer: Bytes, at: NDArray[np.int64], names: Sequence[str]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    found = {}
    for name in names:
        lengths = _windows(buffer, at, 4).view(">i4")[:, 0].astype(np.int64)
        found[name] = at + 4, lengths
        at = at + 4 + np.maximum(lengths, 0)
    return found
