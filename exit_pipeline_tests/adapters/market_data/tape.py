"""Writes small tapes."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TIME = pa.timestamp("us", "UTC")
OPTION_COLUMNS = ("quoted_at", "symbol", "bid", "ask", "bid_size", "ask_size")
UNDERLYING_COLUMNS = ("quoted_at", "symbol", "last")


def write_file(path: Path, columns: Mapping[str, Any]) -> None:
    """Write a parquet file; ``quoted_at`` becomes a timestamp in UTC unless it is an array."""
    path.parent.mkdir(parents=True, exist_ok=True)
    given = {
        name: pa.array(values, TIME) if name == "quoted_at" and isinstance(values, list) else values
        for name, values in columns.items()
    }
    pq.write_table(pa.table(given), path)


def write_tape(
    folder: Path,
    day: date,
    options: Sequence[Sequence[Any]] = (),
    underlyings: Sequence[Sequence[Any]] = (),
) -> Path:
    """Write one day from rows in the order of ``OPTION_COLUMNS`` and ``UNDERLYING_COLUMNS``."""
    types = {"symbol": pa.string(), "bid_size": pa.int64(), "ask_size": pa.int64()}
    for name, columns, rows in (
        ("options", OPTION_COLUMNS, options),
        ("underlyings", UNDERLYING_COLUMNS, underlyings),
    ):
        arrays = {
            column: pa.array(
                [row[index] for row in rows],
                TIME if column == "quoted_at" else types.get(column, pa.float64()),
            )
            for index, column in enumerate(columns)
        }
        write_file(folder / day.isoformat() / f"{name}.parquet", arrays)
    return folder
