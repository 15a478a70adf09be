"""Quotes of a past day, read from a tape.

A tape is a folder with one folder ``YYYY-MM-DD`` for each trading day, New York date, and in it

- ``options.parquet``: ``quoted_at`` (timestamp with a time zone), ``symbol`` (compact OCC), ``bid``
  and ``ask`` in dollars per share, and, where the source had them, ``bid_size`` and ``ask_size``
  in contracts;
- ``underlyings.parquet``: ``quoted_at``, ``symbol`` (ticker or index) and ``last`` in dollars or
  index points.

Further columns are allowed and not read. At time t the quote of a symbol is its newest row with
``quoted_at <= t``. pyarrow is imported with the first file, so that importing this stays cheap.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN, to_dollars
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice

if TYPE_CHECKING:
    import pyarrow as pa

_NEW_YORK: Final = ZoneInfo("America/New_York")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OCC_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root: yymmdd, C or P, eight digits of the strike."""

_LARGEST_PRICE: Final = 10_000_000.0
"""Dollars per share above which a number is a fault of the source: ten times the dearest share
listed (Berkshire Hathaway A, below 1,000,000)."""

_LATENESS: Final = timedelta(seconds=30)
"""How late a print may come before the feed counts as standing still, as for a live feed."""

_DAYS_IN_MEMORY: Final = 4
"""The day that is replayed and those before it that settlement looks back to, over a weekend."""


class RecordedMarketData:
    """A tape as a source of market data; implements the ``MarketData`` port.

    A day is read once, when it is first asked for, and the newest rows are found by binary search.

    Attributes:
        source: ``recorded``.
        is_live: False.

    Args:
        folder: The tape: a folder of ``YYYY-MM-DD`` folders.

    Raises:
        ConfigurationError: There is no such folder.
    """

    source = "recorded"
    is_live = False

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            message = f"tape {folder} must be a folder of YYYY-MM-DD folders, but is no folder"
            raise ConfigurationError(message)
        self._folder = folder
        # Days are kept for each object and not for each class, so that a closed run's tape goes.
        self._options_of = lru_cache(_DAYS_IN_MEMORY)(self._read_options)
        self._underlyings_of = lru_cache(_DAYS_IN_MEMORY)(self._read_underlyings)

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes and prices that the tape of the day has by `at`.

        Args:
            options: Compact OCC symbols; those that the tape has not quoted yet are left out.
            underlyings: Tickers and indices; likewise.
            at: A moment of any day on the tape, also of a day before the one that is replayed.

        Raises:
            InputError: The tape has no such day, or a file of it is missing or malformed.
        """
        micros, day = to_micros(at), _day(at)
        prices = self._underlyings_of(day)
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=prices.age_limit,
            quotes=self._options_of(day).newest(options, micros) if options else {},
            underlyings=prices.newest(underlyings, micros),
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """The option symbols of an underlying that the tape of the day has quoted by `at`, sorted.

        Raises:
            InputError: As for ``snapshot``, or the tape holds a symbol that is no OCC symbol.
        """
        micros, rows = to_micros(at), self._options_of(_day(at)).rows
        # One contract of each root tells which underlying the root belongs to.
        roots = {symbol[:-_OCC_TAIL]: symbol for symbol in rows.spans}
        wanted = {
            root for root, one in roots.items() if parse_contract(one).underlying == underlying
        }
        return [
            symbol
            for symbol in rows.spans
            if symbol[:-_OCC_TAIL] in wanted and rows.newest(symbol, micros) is not None
        ]

    def _read_options(self, day: date) -> "_Options":
        return _Options.read(self._file(day, "options.parquet"))

    def _read_underlyings(self, day: date) -> "_Underlyings":
        return _Underlyings.read(self._file(day, "underlyings.parquet"))

    def _file(self, day: date, name: str) -> Path:
        folder = self._folder / day.isoformat()
        if not folder.is_dir():
            message = f"tape {self._folder} has no day {day}, expected a folder of that name"
            raise InputError(message)
        return folder / name


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one file, by symbol and then by time.

    Attributes:
        spans: First row and row after the last, by symbol, in ascending order of symbols.
        times: ``quoted_at`` of each row, microseconds since the epoch.
    """

    spans: Mapping[str, tuple[int, int]]
    times: NDArray[np.int64]

    def newest(self, symbol: str, at: int) -> int | None:
        """The symbol's newest row that is not later than `at`."""
        first, stop = self.spans.get(symbol, (0, 0))
        row = bisect_right(self.times, at, first, stop) - 1
        return row if row >= first else None

    def quoted_at(self, row: int) -> datetime:
        return _EPOCH + timedelta(microseconds=int(self.times[row]))


@dataclass(frozen=True, slots=True)
class _Options:
    """``options.parquet``: prices in units of 1/10,000 dollar, sizes in contracts or -1."""

    rows: _Rows
    bids: NDArray[np.int64]
    asks: NDArray[np.int64]
    bid_sizes: NDArray[np.int64]
    ask_sizes: NDArray[np.int64]
    nonfinite: NDArray[np.bool_]

    @classmethod
    def read(cls, path: Path) -> "_Options":
        table = _read(path, required=("bid", "ask"), optional=("bid_size", "ask_size"))
        rows, order = _by_symbol(table)
        bids, no_bid = _units(_floats(table, "bid", path)[order])
        asks, no_ask = _units(_floats(table, "ask", path)[order])
        sizes = [_sizes(table, name, path)[order] for name in ("bid_size", "ask_size")]
        return cls(rows, bids, asks, sizes[0], sizes[1], no_bid | no_ask)

    def newest(self, symbols: Sequence[str], at: int) -> dict[str, Quote]:
        return {
            symbol: self._quote(symbol, row)
            for symbol in symbols
            if (row := self.rows.newest(symbol, at)) is not None
        }

    def _quote(self, symbol: str, row: int) -> Quote:
        bid_size, ask_size = int(self.bid_sizes[row]), int(self.ask_sizes[row])
        return Quote(
            symbol=symbol,
            bid=to_dollars(self.bids[row]),
            ask=to_dollars(self.asks[row]),
            bid_size=None if bid_size < 0 else bid_size,
            ask_size=None if ask_size < 0 else ask_size,
            quoted_at=self.rows.quoted_at(row),
            nonfinite=bool(self.nonfinite[row]),
        )


@dataclass(frozen=True, slots=True)
class _Underlyings:
    """``underlyings.parquet``: prices in units, and the age at which this feed stands still.

    The limit is 30 seconds beyond the median time between two rows of a symbol: 90 seconds for a
    tape of minutes, whose newest row is up to a minute old by nature.
    """

    rows: _Rows
    prices: NDArray[np.int64]
    age_limit: timedelta

    @classmethod
    def read(cls, path: Path) -> "_Underlyings":
        table = _read(path, required=("last",))
        prices, _ = _units(_floats(table, "last", path))
        # A row without a usable price says nothing; the one before it stays the newest, and ages.
        known = prices != UNKNOWN
        rows, order = _by_symbol(table.filter(known))
        gaps = [np.diff(rows.times[first:stop]) for first, stop in rows.spans.values()]
        spacing = np.median(np.concatenate(gaps)) if any(map(len, gaps)) else 0
        return cls(rows, prices[known][order], _LATENESS + timedelta(microseconds=int(spacing)))

    def newest(self, symbols: Sequence[str], at: int) -> dict[str, UnderlyingPrice]:
        return {
            symbol: UnderlyingPrice(
                symbol=symbol,
                last=Decimal(int(self.prices[row])).scaleb(-4),
                quoted_at=self.rows.quoted_at(row),
            )
            for symbol in symbols
            if (row := self.rows.newest(symbol, at)) is not None
        }


def _day(at: datetime) -> date:
    return at.astimezone(_NEW_YORK).date()


def _read(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> "pa.Table":
    import pyarrow as pa  # noqa: PLC0415 see the module's docstring
    import pyarrow.parquet as pq  # noqa: PLC0415

    needed = ("quoted_at", "symbol", *required)
    try:
        with pq.ParquetFile(path) as file:
            present = set(file.schema_arrow.names)
            if missing := [name for name in needed if name not in present]:
                message = f"{path} has no column {missing[0]}, expected {', '.join(needed)}"
                raise InputError(message)
            table = file.read(columns=[*needed, *(name for name in optional if name in present)])
    except FileNotFoundError as error:
        message = f"{path} is missing from the tape"
        raise InputError(message) from error
    except (pa.ArrowException, OSError) as error:
        message = f"{path} is not a readable parquet file"
        raise InputError(message) from error
    _check_key(table, path)
    return table


def _check_key(table: "pa.Table", path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415

    kind, text = (table.schema.field(name).type for name in ("quoted_at", "symbol"))
    if not (pa.types.is_timestamp(kind) and kind.tz):
        raise _wrong(path, "quoted_at", str(kind), "a timestamp with a time zone")
    if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
        raise _wrong(path, "symbol", str(text), "text")
    for name in ("quoted_at", "symbol"):
        if empty := table[name].null_count:
            raise _wrong(path, name, f"empty in {empty} rows", "a value in each")


def _wrong(path: Path, column: str, found: str, expected: str) -> InputError:
    return InputError(f"{path}: column {column} is {found}, expected {expected}")


def _by_symbol(table: "pa.Table") -> tuple[_Rows, NDArray[np.intp]]:
    """The table's keys in order of symbol and time, and the row that each of them had."""
    import pyarrow as pa  # noqa: PLC0415

    times = table["quoted_at"].cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
    micros = times.to_numpy()
    symbols = table["symbol"].combine_chunks().dictionary_encode()
    names = np.array(symbols.dictionary.to_pylist(), dtype=np.str_)
    codes = symbols.indices.to_numpy()
    ranks = np.argsort(np.argsort(names))[codes]
    # A stable sort: of two rows with one symbol and time, the later one in the file is newer.
    order = np.lexsort((micros, ranks))
    edges = np.searchsorted(ranks[order], np.arange(len(names) + 1)).tolist()
    spans = dict(zip(np.sort(names).tolist(), pairwise(edges), strict=True))
    return _Rows(spans, micros[order]), order


def _floats(table: "pa.Table", name: str, path: Path) -> NDArray[np.float64]:
    """A column as floats; an empty cell is NaN."""
    import pyarrow as pa  # noqa: PLC0415

    try:
        column = table[name].cast(pa.float64())
    except pa.ArrowException as error:
        raise _wrong(path, name, str(table.schema.field(name).type), "numbers") from error
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _sizes(table: "pa.Table", name: str, path: Path) -> NDArray[np.int64]:
    """A column as contracts; -1 where the tape has no such column or cell."""
    if name not in table.schema.names:
        return np.full(table.num_rows, -1, dtype=np.int64)
    sizes = _floats(table, name, path)
    return np.where(np.isfinite(sizes) & (sizes >= 0), sizes, -1).astype(np.int64)


def _units(prices: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Dollars as units of 1/10,000 dollar, and where they are no price though a value is given."""
    unusable = (prices < 0) | (prices > _LARGEST_PRICE)
    known = np.isfinite(prices) & ~unusable
    units = np.rint(np.where(known, prices, 0) * UNITS_PER_DOLLAR).astype(np.int64)
    return np.where(known, units, UNKNOWN), unusable
