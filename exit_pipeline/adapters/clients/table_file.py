"""A table as a Parquet file; pyarrow is imported with the first one that is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exit_pipeline.core.model.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_MONEY: Final = (18, 4)
"""Digits of a number of dollars, and how many of them follow the point, as the database has it."""


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows, of which all have the columns of the first one.

    What a column holds follows from its first value: texts, dollars, times with a zone, counts,
    numbers or flags; a column without any is one of texts. None is empty.

    Args:
        path: The file; what is there is replaced as a whole.
        rows: At least one.

    Raises:
        InputError: It can't be written there.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[name] for row in rows] for name in rows[0]}
    table = pa.table({name: pa.array(own, _kind(own)) for name, own in columns.items()})
    beside = path.with_name(f".{path.name}.{id(table):x}")
    try:
        pq.write_table(table, beside, compression="zstd")
        beside.replace(path)
    except OSError as error:
        message = f"{path} can't be written: {error.strerror or error}"
        raise InputError(message) from error
    finally:
        beside.unlink(missing_ok=True)


def _kind(values: Sequence[Any]) -> "pa.DataType":
    import pyarrow as pa

    kinds = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        Decimal: pa.decimal128(*_MONEY),
        datetime: pa.timestamp("us", "UTC"),
    }
    first = next((value for value in values if value is not None), "")
    return kinds.get(type(first), pa.string())
