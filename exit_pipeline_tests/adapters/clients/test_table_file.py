"""Tables as Parquet files."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from exit_pipeline.adapters.clients.table_file import write_table
from exit_pipeline.core.model.errors import InputError

AT = datetime(2026, 3, 18, 14, 5, tzinfo=UTC)
ROWS = [
    {"name": "a", "price": None, "at": AT, "count": 1, "share": 0.5, "flag": True, "none": None},
    {"name": "é", "price": Decimal("-12.3456"), "at": None, "count": None, "share": None,
     "flag": None, "none": None},
]  # fmt: skip


def test_values_come_back_with_the_kind_that_they_had(tmp_path):
    path = tmp_path / "rows.parquet"
    write_table(path, ROWS)
    table = pq.read_table(path)
    assert table.to_pylist() == ROWS
    assert [str(kind) for kind in table.schema.types] == [
        "string", "decimal128(18, 4)", "timestamp[us, tz=UTC]", "int64", "double", "bool", "string"
    ]  # fmt: skip


def test_a_time_of_any_zone_is_the_same_instant(tmp_path):
    there = AT.astimezone(timezone(timedelta(hours=-4)))
    write_table(tmp_path / "rows.parquet", [{"at": there}])
    assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == [{"at": AT}]


def test_a_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "rows.parquet"
    for rows in (ROWS, ROWS[:1]):
        write_table(path, rows)
    assert pq.read_table(path).num_rows == 1
    assert [one.name for one in tmp_path.iterdir()] == ["rows.parquet"]


def test_what_can_t_be_written_is_a_sentence_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match=r"none/rows.parquet can't be written: "):
        write_table(tmp_path / "none" / "rows.parquet", ROWS)
    path = tmp_path / "rows.parquet"
    write_table(path, ROWS)
    with pytest.raises(pa.ArrowTypeError):
        write_table(path, [{"name": "a"}, {"name": 1}])
    assert pq.read_table(path).to_pylist() == ROWS
