"""Writes the tape of a live day: a part for each tick, and the day's two files made of them.

The tape has the form that the recorded source reads. A part, ``YYYY-MM-DD/parts/<file>-<tick>``, is
written once and never touched again, and the day's ``options.parquet`` and ``underlyings.parquet``
are made anew from all parts after each tick: two ticks at once, a killed one or one that is worked
again can't lose or double anything, since the next tick makes the files whole.

On a local disk each file is written under another name and then renamed. Elsewhere it is put in one
piece, which the object stores of fsspec (S3, GCS, Azure) do all or nothing.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.errors import ExitPipelineError, InputError, UnavailableError

if TYPE_CHECKING:
    import pyarrow as pa

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OURS: Final = b"exit_pipeline"
"""Key in the metadata of the day's files that tells them from a tape of another making."""

_TIMES: Final = frozenset({"quoted_at", "source_time"})
_TEXTS: Final = frozenset({"symbol", "source"})
_COUNTS: Final = frozenset({"bid_size", "ask_size", "open_interest"})
"""Columns that are not 64-bit floats."""


class FolderTapeWriter:
    """A tape in a folder or behind any fsspec URL; implements the ``TapeWriter`` port.

    Args:
        location: Path of a folder, or a URL such as ``s3://bucket/tapes``. It is opened when it is
            first written to, so that a wrong one can't keep a tick from starting.
    """

    def __init__(self, location: str) -> None:
        self._location = location

    def append(
        self,
        tick_at: datetime,
        options: Mapping[str, Sequence[Any]],
        underlyings: Mapping[str, Sequence[Any]],
    ) -> None:
        """Add a tick's rows to its day, New York date; the same tick again replaces its rows.

        Args:
            tick_at: The tick's scheduled time.
            options: Columns of ``options.parquet`` by name.
            underlyings: Columns of ``underlyings.parquet`` by name.

        Raises:
            InputError: The day's folder holds a tape of another making, which is left as it is.
            UnavailableError: It can't be written. The sentence names no URL, as one may hold a
                password.
        """
        day = tick_at.astimezone(_NEW_YORK).date().isoformat()
        try:
            folder = _Folder.open(self._location, day)
            for name, columns in (("options", options), ("underlyings", underlyings)):
                folder.add(name, f"{tick_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}", columns)
        except ExitPipelineError:
            raise
        except Exception as error:
            message = f"the tape of {day} can't be written: {type(error).__name__}"
            # The cause is dropped, since its text may hold the URL.
            raise UnavailableError(message) from None


class _Folder:
    """One day of a tape."""

    def __init__(self, files: Any, root: str, day: str) -> None:
        self._files, self._root, self._day = files, root, day

    @classmethod
    def open(cls, location: str, day: str) -> "_Folder":
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]

        files, root = url_to_fs(location)
        return cls(files, f"{root.rstrip('/')}/{day}", day)

    def add(self, name: str, tick: str, columns: Mapping[str, Sequence[Any]]) -> None:
        import pyarrow.parquet as pq

        self._files.invalidate_cache()
        part, whole = f"{self._root}/parts/{name}-{tick}.parquet", f"{self._root}/{name}.parquet"
        parts = self._parts(name)
        if not parts and self._files.exists(whole):
            with self._files.open(whole, "rb") as file:
                if _OURS not in (pq.read_schema(file).metadata or {}):
                    message = f"the tape's folder {self._day} holds a tape of another making"
                    raise InputError(message)
        self._put(part, _as_parquet(_table(columns)))
        rows = [pq.read_table(io.BytesIO(self._files.cat_file(one))) for one in self._parts(name)]
        self._put(whole, _as_parquet(_merged(rows)))

    def _parts(self, name: str) -> list[str]:
        try:
            found = self._files.ls(f"{self._root}/parts", detail=False)
        except FileNotFoundError:
            return []
        return sorted(one for one in found if one.rpartition("/")[2].startswith(f"{name}-"))

    def _put(self, path: str, content: bytes) -> None:
        from fsspec.implementations.local import (  # type: ignore[import-untyped]
            LocalFileSystem,
        )

        if not isinstance(self._files, LocalFileSystem):
            self._files.pipe_file(path, content)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{id(content):x}")
        try:
            beside.write_bytes(content)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)


def _table(columns: Mapping[str, Sequence[Any]]) -> "pa.Table":
    import pyarrow as pa

    def kind(name: str) -> "pa.DataType":
        if name in _TIMES:
            return pa.timestamp("us", "UTC")
        if name in _TEXTS:
            return pa.string()
        return pa.int64() if name in _COUNTS else pa.float64()

    return pa.table({name: pa.array(rows, kind(name)) for name, rows in columns.items()})


def _merged(parts: Sequence["pa.Table"]) -> "pa.Table":
    """All rows in the order of their ticks; a row that several ticks saw alike stands once."""
    import pyarrow as pa

    frame = pa.concat_tables(parts, promote_options="default").to_pandas()
    rows = frame.drop_duplicates(["symbol", "quoted_at"], keep="last")
    schema = pa.concat_tables(parts, promote_options="default").schema
    return pa.Table.from_pandas(rows, schema=schema, preserve_index=False).replace_schema_metadata(
        {_OURS: b"recorded live"}
    )


def _as_parquet(table: "pa.Table") -> bytes:
    import pyarrow.parquet as pq

    into = io.BytesIO()
    pq.write_table(table, into, compression="zstd")
    return into.getvalue()
