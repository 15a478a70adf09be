"""NumPy columns as rows of PostgreSQL's binary COPY; see ``binary_copy`` for the format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.adapters.clients.binary_copy import (
    EPOCH_DAYS,
    EPOCH_MICROS,
    HEADER,
    TRAILER,
    Bytes,
)
from exit_pipeline.core.model.price import UNKNOWN

_NEGATIVE: Final = 0x4000  # a numeric's sign
_BASE: Final = 10_000  # of a numeric's digits


@dataclass(frozen=True, slots=True)
class WireColumn:
    """One column as it is sent.

    Attributes:
        values: A row of bytes for each value, as wide as the widest.
        lengths: Of each value, -1 for NULL; None where all are as wide as `values`.
    """

    values: Bytes
    lengths: NDArray[np.int64] | None = None


def numbers(column: NDArray[np.generic], kind: str, known: NDArray[np.bool_]) -> WireColumn:
    """A column of numbers as `kind`, such as ``>i4``; where it is not known, NULL."""
    values = np.ascontiguousarray(column.astype(kind)).view(np.uint8).reshape(len(column), -1)
    return WireColumn(values, np.where(known, values.shape[1], -1))


def flags(column: NDArray[np.bool_]) -> WireColumn:
    """A column of booleans."""
    return WireColumn(column.astype(np.uint8)[:, None])


def instants(column: NDArray[np.int64]) -> WireColumn:
    """Microseconds since 1970 as timestamps; UNKNOWN is NULL."""
    known = column != UNKNOWN
    since = np.where(known, column, EPOCH_MICROS) - EPOCH_MICROS
    return numbers(since, ">i8", known)


def day(number: int, rows: int) -> WireColumn:
    """One date, in days since 1970, for all rows."""
    return WireColumn(_bytes_of(np.full(rows, number - EPOCH_DAYS, ">i4")))


def raw(column: NDArray[np.void]) -> WireColumn:
    """Bytes of one width, such as the 16 of a UUID."""
    return WireColumn(_bytes_of(column))


def text(column: NDArray[np.bytes_], *, empty_is_null: bool = False) -> WireColumn:
    """A column of text in UTF-8."""
    values = _bytes_of(column)
    # NumPy fills up with zero bytes, which no text has.
    lengths = np.char.str_len(column).astype(np.int64)
    if empty_is_null:
        lengths[lengths == 0] = -1
    return WireColumn(values, lengths)


def json(texts: Sequence[bytes]) -> WireColumn:
    """A column of jsonb from its texts, sent after the format's version; empty is NULL."""
    return text(np.array([one and b"\x01" + one for one in texts], np.bytes_), empty_is_null=True)


def dollars(units: NDArray[np.int64]) -> WireColumn:
    """Prices in units of 1/10,000 dollar as ``numeric`` of four decimals; UNKNOWN is NULL.

    A numeric's digits have the base 10,000, so that the last of four is the decimals. Example:
    12,500 units are the digits 0, 0, 1 and 2,500 with the first at the place of 10,000 squared.
    """
    known = units != UNKNOWN
    rest = np.abs(np.where(known, units, 0))
    words = np.zeros((len(units), 8), ">i2")
    words[:, 0], words[:, 1], words[:, 3] = 4, 2, 4
    words[:, 2] = np.where(units < 0, _NEGATIVE, 0)
    for place in (7, 6, 5, 4):
        rest, words[:, place] = np.divmod(rest, _BASE)
    return WireColumn(_bytes_of(words), np.where(known, words.itemsize * 8, -1))


def encode(columns: Sequence[WireColumn], rows: int) -> bytes:
    """The rows as COPY FROM STDIN (FORMAT binary) reads them.

    Each value is put at a place of its own in a row of the greatest width, and what is too wide is
    left out at the end, all rows at once.
    """
    width = 2 + sum(4 + column.values.shape[1] for column in columns)
    table = np.zeros((rows, width), np.uint8)
    is_sent = np.ones((rows, width), np.bool_)
    table[:, 1] = len(columns)
    at = 2
    for column in columns:
        end = at + 4 + column.values.shape[1]
        table[:, at + 4 : end] = column.values
        if column.lengths is None:
            table[:, at : at + 4] = _bytes_of(np.full(1, column.values.shape[1], ">i4"))
        else:
            table[:, at : at + 4] = _bytes_of(column.lengths.astype(">i4"))
            is_sent[:, at + 4 : end] = np.arange(end - at - 4) < column.lengths[:, None]
        at = end
    return b"".join([HEADER, table[is_sent].tobytes(), TRAILER])


def _bytes_of(column: NDArray[np.generic]) -> Bytes:
    return np.ascontiguousarray(column).view(np.uint8).reshape(len(column), -1)
