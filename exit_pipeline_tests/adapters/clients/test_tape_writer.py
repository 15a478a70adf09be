from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest

from exit_pipeline.adapters.clients.tape_writer import FolderTapeWriter
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline_tests.adapters.market_data.tape import write_tape
from exit_pipeline_tests.fakes import new_york

DAY = date(2026, 3, 18)
TEN = new_york(DAY, 10)
CALL, PUT = "ACME260417C00100000", "ACME260417P00100000"


def options(at: datetime, *symbols: str, bid: float = 1.0) -> dict[str, list[Any]]:
    return {
        "quoted_at": [at] * len(symbols),
        "symbol": list(symbols),
        "bid": [bid] * len(symbols),
        "ask": [None] * len(symbols),
        "bid_size": [5] * len(symbols),
    }


def prices(at: datetime, *symbols: str) -> dict[str, list[Any]]:
    return {
        "quoted_at": [at] * len(symbols),
        "symbol": list(symbols),
        "last": [100.0] * len(symbols),
    }


def append(folder: str | Path, at: datetime, *symbols: str, bid: float = 1.0) -> None:
    writer = FolderTapeWriter(str(folder))
    writer.append(at, options(at, *symbols, bid=bid), prices(at, "ACME"))


def rows(path: Path) -> list[tuple[datetime, str, float]]:
    table = pq.read_table(path, columns=["quoted_at", "symbol", "bid"]).to_pylist()
    return [(row["quoted_at"], row["symbol"], row["bid"]) for row in table]


def test_ticks_of_a_day_make_two_files_in_its_folder(tmp_path):
    append(tmp_path, TEN, CALL, PUT)
    append(tmp_path, TEN + timedelta(minutes=5), CALL, bid=1.1)

    assert rows(tmp_path / "2026-03-18/options.parquet") == [
        (TEN, CALL, 1.0),
        (TEN, PUT, 1.0),
        (TEN + timedelta(minutes=5), CALL, 1.1),
    ]
    assert pq.read_table(tmp_path / "2026-03-18/underlyings.parquet").num_rows == 2


def test_times_are_utc_and_counts_are_whole(tmp_path):
    append(tmp_path, TEN, CALL)
    schema = pq.read_schema(tmp_path / "2026-03-18/options.parquet")

    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "quoted_at": "timestamp[us, tz=UTC]",
        "symbol": "string",
        "bid": "double",
        "ask": "double",
        "bid_size": "int64",
    }


def test_a_folder_may_have_any_name(tmp_path):
    append(tmp_path / "tapes [live] *", TEN, CALL)
    append(tmp_path / "tapes [live] *", TEN + timedelta(minutes=5), CALL)

    assert len(rows(tmp_path / "tapes [live] */2026-03-18/options.parquet")) == 2


def test_the_day_is_that_of_new_york(tmp_path):
    append(tmp_path, datetime(2026, 3, 19, 1, tzinfo=UTC), CALL)

    assert [folder.name for folder in tmp_path.iterdir()] == ["2026-03-18"]


def test_the_same_tick_again_replaces_its_rows(tmp_path):
    append(tmp_path, TEN, CALL, PUT)
    append(tmp_path, TEN, CALL, bid=1.2)

    assert rows(tmp_path / "2026-03-18/options.parquet") == [(TEN, CALL, 1.2)]


def test_a_quote_that_two_ticks_saw_stands_once(tmp_path):
    writer = FolderTapeWriter(str(tmp_path))
    writer.append(TEN, options(TEN, CALL), prices(TEN))
    writer.append(TEN + timedelta(minutes=5), options(TEN, CALL), prices(TEN))

    assert rows(tmp_path / "2026-03-18/options.parquet") == [(TEN, CALL, 1.0)]


def test_a_part_that_another_tick_left_is_taken_in_by_the_next(tmp_path):
    append(tmp_path, TEN, CALL)
    whole = tmp_path / "2026-03-18/options.parquet"
    whole.unlink()  # as after a kill between the part and the day's file
    append(tmp_path, TEN + timedelta(minutes=5), CALL)

    assert [at for at, *_ in rows(whole)] == [TEN, TEN + timedelta(minutes=5)]


def test_a_tick_without_quotes_is_kept_too(tmp_path):
    append(tmp_path, TEN)
    append(tmp_path, TEN + timedelta(minutes=5), CALL)

    assert rows(tmp_path / "2026-03-18/options.parquet") == [
        (TEN + timedelta(minutes=5), CALL, 1.0)
    ]


def test_a_tape_of_another_making_is_left_as_it_is(tmp_path):
    write_tape(tmp_path, DAY, [(TEN, CALL, 1.0, 1.1, 5, 5)], [(TEN, "ACME", 100.0)])
    before = (tmp_path / "2026-03-18/options.parquet").read_bytes()
    with pytest.raises(InputError, match="2026-03-18 holds a tape of another making"):
        append(tmp_path, TEN, PUT)
    assert (tmp_path / "2026-03-18/options.parquet").read_bytes() == before


def test_a_write_that_fails_leaves_the_day_as_it_was(tmp_path, monkeypatch):
    append(tmp_path, TEN, CALL)

    def full(*_args: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UnavailableError, match="tape of 2026-03-18 can't be written: OSError"):
        append(tmp_path, TEN + timedelta(minutes=5), CALL)
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 4
    assert rows(tmp_path / "2026-03-18/options.parquet") == [(TEN, CALL, 1.0)]


def test_a_url_is_written_to_as_well():
    append("memory://tapes", TEN, CALL)
    append("memory://tapes/", TEN + timedelta(minutes=5), CALL)
    files = fsspec.filesystem("memory")
    try:
        with files.open("/tapes/2026-03-18/options.parquet") as file:
            assert pq.read_table(file).num_rows == 2
    finally:
        files.rm("/tapes", recursive=True)


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("ftp://desk:hushhush@127.0.0.1:1/tapes", id="a store that is not there"),
        pytest.param("nowhere://desk:hushhush@store/tapes", id="an unknown kind of store"),
        pytest.param("/proc/hushhush", id="a folder that can't be made"),
    ],
)
def test_what_can_not_be_written_is_said_without_the_location(location):
    with pytest.raises(UnavailableError) as caught:
        append(location, TEN, CALL)
    assert "hushhush" not in str(caught.value)
    assert caught.value.__cause__ is None
