import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.tape_file import LARGEST_PRICE, TapeFile
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.adapters.market_data.tape import write_file
from exit_pipeline_tests.fakes import new_york

TEN = new_york(date(2015, 12, 24), 10)
NAN, INFINITY = float("nan"), float("inf")


def read_column(folder: Path, values: list[float | None]) -> TapeFile:
    path = folder / "file.parquet"
    times = [TEN + timedelta(minutes=minute) for minute in range(len(values))]
    columns = {"quoted_at": times, "symbol": ["GOOG"] * len(values)}
    write_file(path, {**columns, "value": pa.array(values, pa.float64())})
    return TapeFile.read(path, required=["value"])


@given(
    rows=st.lists(st.tuples(st.integers(0, 5), st.sampled_from("ABC")), min_size=1, max_size=30),
    asked=st.integers(-1, 6),
)
@settings(deadline=None, max_examples=50)
def test_finds_the_newest_row_that_is_not_later_whatever_the_order_of_the_file(rows, asked):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.parquet"
        columns = {
            "quoted_at": [TEN + timedelta(minutes=minute) for minute, _ in rows],
            "symbol": [symbol for _, symbol in rows],
            "number": list(range(len(rows))),
        }
        write_file(path, columns)
        file = TapeFile.read(path, required=["number"])

    for symbol in "ABCD":
        earlier = [
            (minute, number)
            for number, (minute, of) in enumerate(rows)
            if of == symbol and minute <= asked
        ]
        row = file.newest(symbol, to_micros(TEN + timedelta(minutes=asked)))
        if not earlier:
            assert row is None
        else:
            assert row is not None
            minute, number = max(earlier)
            assert file.quoted_at(row) == TEN + timedelta(minutes=minute)
            assert file.columns["number"][row] == number


@pytest.mark.parametrize(
    ("value", "units", "unusable"),
    [
        pytest.param(1.005, 10_050, False, id="half a cent"),
        pytest.param(0.1, 1_000, False, id="not a binary fraction"),
        pytest.param(0.0, 0, False, id="zero is a price"),
        pytest.param(4.35, 43_500, False, id="just below in binary"),
        pytest.param(None, UNKNOWN, False, id="empty"),
        pytest.param(NAN, UNKNOWN, False, id="not a number"),
        pytest.param(-0.01, UNKNOWN, True, id="negative"),
        pytest.param(INFINITY, UNKNOWN, True, id="infinite"),
        pytest.param(-INFINITY, UNKNOWN, True, id="minus infinite"),
        pytest.param(LARGEST_PRICE * 2, UNKNOWN, True, id="absurd"),
        pytest.param(1e300, UNKNOWN, True, id="beyond an integer"),
    ],
)
def test_reads_prices_exactly_and_marks_what_is_none(tmp_path, value, units, unusable):
    found, marked = read_column(tmp_path, [value]).prices("value")

    assert found.tolist() == [units]
    assert marked.tolist() == [unusable]


def test_reads_sizes_and_knows_where_there_is_none(tmp_path):
    file = read_column(tmp_path, [3, 0, None, -2, INFINITY])

    assert file.sizes("value").tolist() == [3, 0, -1, -1, -1]
    assert file.sizes("absent").tolist() == [-1] * 5


@pytest.mark.parametrize(
    "kind",
    [pa.decimal128(12, 4), pa.int32(), pa.float32()],
    ids=["decimal", "integer", "single precision"],
)
def test_reads_any_kind_of_number(tmp_path, kind):
    path = tmp_path / "file.parquet"
    write_file(path, {"quoted_at": [TEN], "symbol": ["GOOG"], "bid": pa.array([2.0]).cast(kind)})

    assert TapeFile.read(path, required=["bid"]).prices("bid")[0].tolist() == [20_000]


@pytest.mark.parametrize("kind", ["ns", "ms", "s"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_reads_times_of_any_resolution_and_zone(tmp_path, kind, zone):
    path = tmp_path / "file.parquet"
    times = pa.array([TEN], pa.timestamp("us", "UTC")).cast(pa.timestamp(kind, zone))
    write_file(path, {"quoted_at": times, "symbol": ["GOOG"]})

    assert TapeFile.read(path, required=[]).quoted_at(0) == TEN


def test_reads_a_file_without_rows(tmp_path):
    path = tmp_path / "file.parquet"
    write_file(path, {"quoted_at": [], "symbol": pa.array([], pa.string())})

    assert TapeFile.read(path, required=[]).newest("GOOG", to_micros(TEN)) is None


GOOD = {"quoted_at": [TEN], "symbol": ["GOOG"], "bid": [1.0]}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({**GOOD, "bid": ["cheap"]}, "column bid is string, expected numbers"),
        (
            {**GOOD, "quoted_at": pa.array([TEN.replace(tzinfo=None)], pa.timestamp("us"))},
            r"column quoted_at is timestamp\[us\], expected a timestamp with a time zone",
        ),
        ({**GOOD, "quoted_at": pa.array([1])}, "column quoted_at is int64, expected a timestamp"),
        ({**GOOD, "symbol": [1]}, "column symbol is int64, expected text"),
        ({**GOOD, "quoted_at": [None]}, "column quoted_at is empty in 1 rows, expected a value"),
        ({**GOOD, "symbol": pa.array([None], pa.string())}, "column symbol is empty in 1 rows"),
        (
            {"quoted_at": [TEN], "symbol": ["GOOG"]},
            "has no column bid, expected quoted_at, symbol, bid",
        ),
        ({"bid": [1.0]}, "has no column quoted_at, expected quoted_at, symbol, bid"),
    ],
    ids=[
        "text for a number", "time without zone", "number for a time", "number for text",
        "empty time", "empty symbol", "missing number", "missing time",
    ],
)  # fmt: skip
def test_says_in_one_sentence_what_is_wrong_with_a_file(tmp_path, columns, sentence):
    path = tmp_path / "file.parquet"
    write_file(path, columns)

    with pytest.raises(InputError, match=sentence):
        TapeFile.read(path, required=["bid"])


def test_says_that_a_file_is_missing(tmp_path):
    with pytest.raises(InputError, match=r"file\.parquet is missing from the tape"):
        TapeFile.read(tmp_path / "file.parquet", required=[])


@pytest.mark.parametrize("keep", [0, 3, 200], ids=["empty", "a few bytes", "half of it"])
def test_says_that_a_file_is_not_readable(tmp_path, keep):
    path = tmp_path / "file.parquet"
    write_file(path, GOOD)
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(InputError, match=r"file\.parquet is not a readable parquet file"):
        TapeFile.read(path, required=["bid"])


def test_a_garbled_middle_is_not_readable_either(tmp_path):
    path = tmp_path / "file.parquet"
    write_file(path, GOOD)
    content = bytearray(path.read_bytes())
    content[4:120] = b"\xff" * 116
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"file\.parquet is not a readable parquet file"):
        TapeFile.read(path, required=["bid"])


def test_tells_times_in_utc(tmp_path):
    assert read_column(tmp_path, [1.0]).quoted_at(0) == datetime(2015, 12, 24, 15, tzinfo=UTC)
