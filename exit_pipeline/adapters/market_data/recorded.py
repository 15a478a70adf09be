"""Quotes of a past day, read from a tape.

A tape is a folder with one folder ``YYYY-MM-DD`` for each trading day, New York date, and in it

- ``options.parquet``: ``quoted_at`` (timestamp with a time zone), ``symbol`` (compact OCC), ``bid``
  and ``ask`` in dollars per share, and, where the source had them, ``bid_size``, ``ask_size`` and
  ``open_interest`` in contracts, and its own ``iv`` and ``gamma``;
- ``underlyings.parquet``: ``quoted_at``, ``symbol`` (ticker or index) and ``last`` in dollars or
  index points.

Further columns are allowed and not read. At time t the quote of a symbol is its newest row with
``quoted_at <= t``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Self
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.adapters.clients.tape_file import TapeFile
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN, to_dollars
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.ports import Surroundings

_NEW_YORK: Final = ZoneInfo("America/New_York")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_OCC_TAIL: Final = 15
"""Characters of a compact OCC symbol after its root: yymmdd, C or P, eight digits of the strike."""

_LATENESS: Final = timedelta(seconds=30)
"""How late a print may come before the feed counts as standing still, as for a live feed."""

_OPTIONAL: Final = ("bid_size", "ask_size", "open_interest", "iv", "gamma")

_DAYS_IN_MEMORY: Final = 4
"""The day that is replayed and those before it that settlement looks back to, over a weekend."""


def build(around: Surroundings) -> "RecordedMarketData":
    """The tape in the folder that ``EXIT_TAPE_DIR`` names.

    Raises:
        ConfigurationError: The variable is not set, or there is no such folder.
    """
    folder = around.environ.get("EXIT_TAPE_DIR")
    if not folder:
        message = "EXIT_TAPE_DIR is not set, expected the folder of a tape for recorded market data"
        raise ConfigurationError(message)
    return _tape(folder)


@cache
def _tape(folder: str) -> "RecordedMarketData":
    # One for all runs of a process: a replayed day would otherwise be read anew for each tick.
    return RecordedMarketData(Path(folder))


class RecordedMarketData:
    """A tape as a source of market data; implements the ``MarketData`` port.

    A day is read once, when it is first asked for, and the newest rows are found by binary search.

    Attributes:
        source: ``recorded``.
        is_live: False.
        tells_chains_unasked: True: it costs nobody a request.

    Args:
        folder: The tape: a folder of ``YYYY-MM-DD`` folders.

    Raises:
        ConfigurationError: There is no such folder.
    """

    source = "recorded"
    is_live = False
    tells_chains_unasked = True

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            message = f"tape {folder} must be a folder of YYYY-MM-DD folders, but is no folder"
            raise ConfigurationError(message)
        self._folder = folder
        # Days are kept for each object and not for each class, so that they go with the object.
        self._options_of = lru_cache(_DAYS_IN_MEMORY)(self._read_options)
        self._underlyings_of = lru_cache(_DAYS_IN_MEMORY)(self._read_underlyings)

    def days(self) -> Sequence[date]:
        """The days of which the tape has a folder, ascending.

        Raises:
            InputError: A folder has the form of a date that does not exist.
        """
        names = sorted(path.name for path in self._folder.iterdir() if path.is_dir())
        return [self._date(name) for name in names if _DAY.fullmatch(name)]

    def _date(self, name: str) -> date:
        try:
            return date.fromisoformat(name)
        except ValueError as error:
            message = f"tape {self._folder} has a folder {name}, which is no date"
            raise InputError(message) from error

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
        micros, file = to_micros(at), self._options_of(_day(at)).file
        return [
            symbol
            for symbol in _symbols_of(file, underlying)
            if file.newest(symbol, micros) is not None
        ]

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """Every contract of an underlying that the tape of the day has quoted by `at`.

        None where it has quoted none, or the underlying has no price yet.

        Raises:
            InputError: As for ``chain``.
        """
        micros, options = to_micros(at), self._options_of(_day(at))
        prices = self._underlyings_of(_day(at)).newest([underlying], micros)
        symbols = _symbols_of(options.file, underlying)
        found = [
            (one, row) for one in symbols if (row := options.file.newest(one, micros)) is not None
        ]
        if not found or underlying not in prices:
            return None
        rows = np.array([row for _, row in found], np.intp)
        return ListedChain(
            underlying=underlying,
            at=micros,
            spot=float(prices[underlying].last),
            source=self.source,
            symbols=[symbol for symbol, _ in found],
            bid=_dollars(options.bids[rows]),
            ask=_dollars(options.asks[rows]),
            open_interest=options.figures("open_interest", rows),
            feed_iv=options.figures("iv", rows),
            feed_gamma=options.figures("gamma", rows),
            quoted_at=options.file.times[rows],
        )

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
class _Options:
    """``options.parquet``: prices in units of 1/10,000 dollar, sizes in contracts or -1."""

    file: TapeFile
    bids: NDArray[np.int64]
    asks: NDArray[np.int64]
    bid_sizes: NDArray[np.int64]
    ask_sizes: NDArray[np.int64]
    nonfinite: NDArray[np.bool_]

    @classmethod
    def read(cls, path: Path) -> Self:
        file = TapeFile.read(path, required=("bid", "ask"), optional=_OPTIONAL)
        (bids, no_bid), (asks, no_ask) = file.prices("bid"), file.prices("ask")
        sizes = file.sizes("bid_size"), file.sizes("ask_size")
        return cls(file, bids, asks, *sizes, no_bid | no_ask)

    def figures(self, column: str, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """A column of numbers as the tape has it; NaN where it has none."""
        known = self.file.columns.get(column)
        return np.full(len(rows), np.nan) if known is None else known[rows]

    def newest(self, symbols: Sequence[str], at: int) -> dict[str, Quote]:
        return {
            symbol: self._quote(symbol, row)
            for symbol in symbols
            if (row := self.file.newest(symbol, at)) is not None
        }

    def _quote(self, symbol: str, row: int) -> Quote:
        bid_size, ask_size = int(self.bid_sizes[row]), int(self.ask_sizes[row])
        return Quote(
            symbol=symbol,
            bid=to_dollars(self.bids[row]),
            ask=to_dollars(self.asks[row]),
            bid_size=None if bid_size < 0 else bid_size,
            ask_size=None if ask_size < 0 else ask_size,
            quoted_at=self.file.quoted_at(row),
            nonfinite=bool(self.nonfinite[row]),
        )


@dataclass(frozen=True, slots=True)
class _Underlyings:
    """``underlyings.parquet``.

    Attributes:
        file: The file's keys.
        prices: Units of 1/10,000 dollar or index point.
        usable: For each row the newest one up to it that has a price: a row without one says
            nothing, so the price before it stays the newest, and ages.
        age_limit: Age at which this feed stands still: 30 seconds beyond the median time between
            two rows of a symbol. It is 90 seconds for a tape of minutes, whose newest row is up
            to a minute old by nature.
    """

    file: TapeFile
    prices: NDArray[np.int64]
    usable: NDArray[np.int64]
    age_limit: timedelta

    @classmethod
    def read(cls, path: Path) -> Self:
        file = TapeFile.read(path, required=("last",))
        prices, _ = file.prices("last")
        usable = np.maximum.accumulate(np.where(prices == UNKNOWN, -1, np.arange(len(prices))))
        gaps = [np.diff(file.times[first:stop]) for first, stop in file.spans.values()]
        spacing = np.median(np.concatenate(gaps)) if any(map(len, gaps)) else 0
        return cls(file, prices, usable, _LATENESS + timedelta(microseconds=int(spacing)))

    def newest(self, symbols: Sequence[str], at: int) -> dict[str, UnderlyingPrice]:
        return {
            symbol: UnderlyingPrice(
                symbol=symbol,
                last=Decimal(int(self.prices[row])).scaleb(-4),
                quoted_at=self.file.quoted_at(row),
            )
            for symbol in symbols
            if (row := self._newest(symbol, at)) is not None
        }

    def _newest(self, symbol: str, at: int) -> int | None:
        newest = self.file.newest(symbol, at)
        if newest is None:
            return None
        row = int(self.usable[newest])
        return row if row >= self.file.spans[symbol][0] else None


def _symbols_of(file: TapeFile, underlying: str) -> list[str]:
    # One contract of each root tells which underlying the root belongs to.
    roots = {symbol[:-_OCC_TAIL]: symbol for symbol in file.spans}
    own = {root for root, one in roots.items() if parse_contract(one).underlying == underlying}
    return [symbol for symbol in file.spans if symbol[:-_OCC_TAIL] in own]


def _dollars(units: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where(units == UNKNOWN, np.nan, units / UNITS_PER_DOLLAR)


def _day(at: datetime) -> date:
    return at.astimezone(_NEW_YORK).date()
