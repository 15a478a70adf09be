"""Cboe's delayed quotes: public files of whole chains and single quotes, about 15 minutes old.

The files are neither documented nor guaranteed, and Cboe's terms restrict automated use, so they
serve as context for one desk and are asked for only where a setting names them. Fields and times
are those of stored bodies of 2023 and 2026, which are alike.

A chain of the S&P 500 has 30,000 contracts in 13 MB, so only the fields that are used are read, and
straight into records of fixed fields (msgspec) instead of a dictionary for each contract.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Final, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from exit_pipeline.adapters.clients.figures import read_instant, read_price
from exit_pipeline.adapters.clients.http import Address, HttpClient, RateLimits, Retries
from exit_pipeline.adapters.clients.us_symbols import INDICES
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.quote import Greeks, Quote
from exit_pipeline.ports import Clock

HOST: Final = "cdn.cboe.com"

_FOLDER: Final = "/api/global/delayed_quotes"
_NEW_YORK: Final = ZoneInfo("America/New_York")
_MOST_BYTES: Final = 40_000_000
"""Of a chain, decompressed: the largest seen was 13.7 MB (2026-08-21)."""

COLUMNS: Final = (
    "bid", "ask", "bid_size", "ask_size", "open_interest", "volume",
    "iv", "delta", "gamma", "theta", "vega",
)  # fmt: skip
"""Number columns of a chain."""


class _Option(msgspec.Struct, gc=False):
    """One contract: of its 23 fields those that are used."""

    option: str
    bid: float | None = math.nan
    ask: float | None = math.nan
    bid_size: float | None = math.nan
    ask_size: float | None = math.nan
    open_interest: float | None = math.nan
    volume: float | None = math.nan
    iv: float | None = math.nan
    delta: float | None = math.nan
    gamma: float | None = math.nan
    theta: float | None = math.nan
    vega: float | None = math.nan


class _Quote(msgspec.Struct):
    """The underlying, or an index."""

    current_price: float | str | None = None
    close: float | str | None = None
    last_trade_time: str | None = None


class _Chain(_Quote):
    """The underlying with its contracts."""

    options: list[_Option] = msgspec.field(default_factory=list)


class _ChainFile(msgspec.Struct):
    data: _Chain


class _QuoteFile(msgspec.Struct):
    data: _Quote


F = TypeVar("F", _ChainFile, _QuoteFile)

_CHAIN_FILE: Final = msgspec.json.Decoder(_ChainFile, strict=False)
_QUOTE_FILE: Final = msgspec.json.Decoder(_QuoteFile, strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A delayed price or index level.

    Attributes:
        last: Dollars or index points; None where the file has none.
        at: ``last_trade_time``: what the file tells of was so then, and not at its ``timestamp``,
            which is when the file was made; None where nothing was traded.
    """

    last: Decimal | None
    at: datetime | None


@dataclass(frozen=True)
class Chain:
    """A chain by columns.

    Attributes:
        underlying: The underlying's delayed price.
        symbols: Compact OCC symbols, in the file's order.
        columns: Each of ``COLUMNS``; NaN where the file has null.
    """

    underlying: Level
    symbols: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each symbol."""
        return {symbol: row for row, symbol in enumerate(self.symbols)}

    def quote(self, symbol: str) -> Quote | None:
        """The quote of a contract, as old as the underlying's price; None if it is not listed.

        ``iv`` 0.0 means that the file's figures were not computed, so they are not known.
        """
        row = self.row_of.get(symbol)
        if row is None or self.underlying.at is None:
            return None
        cell = {name: float(self.columns[name][row]) for name in COLUMNS}
        (bid, no_bid), (ask, no_ask) = (_price(cell[name]) for name in ("bid", "ask"))
        computed = cell["iv"] > 0
        return Quote(
            symbol=symbol,
            bid=bid,
            ask=ask,
            bid_size=_count(cell["bid_size"]),
            ask_size=_count(cell["ask_size"]),
            quoted_at=self.underlying.at,
            nonfinite=no_bid or no_ask,
            open_interest=_count(cell["open_interest"]),
            greeks=Greeks(
                iv=cell["iv"],
                delta=_known(cell["delta"]),
                gamma=_known(cell["gamma"]),
                theta=_known(cell["theta"]),
                vega=_known(cell["vega"]),
            )
            if computed
            else None,
        )


def parse_chain(body: bytes) -> Chain:
    """Read ``options/<symbol>.json``.

    Raises:
        UnavailableError: It is broken off, or not of the known form.
    """
    data = _decode(_CHAIN_FILE, body).data
    symbols = tuple(map(attrgetter("option"), data.options))
    return Chain(_level(data), symbols, {name: _column(data.options, name) for name in COLUMNS})


def parse_level(body: bytes) -> Level:
    """Read ``quotes/<symbol>.json``.

    Raises:
        UnavailableError: It is broken off, or not of the known form.
    """
    return _level(_decode(_QUOTE_FILE, body).data)


class CboeFiles:
    """Requests for the files.

    Args:
        environ: ``CBOE_BASE_URL`` may name a server on this machine, for tests.
        clock: For the HTTP client.
        timeout_seconds: Budget of one file with its retries.
        retries: How reads are tried again.

    Raises:
        ConfigurationError: ``CBOE_BASE_URL`` is no server on this machine.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        clock: Clock,
        *,
        timeout_seconds: float = 20.0,
        retries: Retries = Retries(),  # noqa: B008 frozen
    ) -> None:
        self._http = HttpClient(
            vendor="Cboe",
            address=Address.of(HOST, environ, "CBOE_BASE_URL"),
            headers={},
            limits=RateLimits(),
            timeout_seconds=timeout_seconds,
            max_bytes=_MOST_BYTES,
            clock=clock,
            retries=retries,
        )

    def chain(self, symbol: str) -> Chain:
        """The chain of an underlying, an index under its plain name such as ``SPX``.

        Raises:
            RequestFailed: No usable answer; status 403 where Cboe has no such file.
            Refused: A 4xx.
            UnavailableError: It is not of the known form.
        """
        return parse_chain(self._read("options", symbol))

    def level(self, symbol: str) -> Level:
        """The price of a share or level of an index such as ``VIX``.

        Raises:
            RequestFailed: No usable answer; status 403 where Cboe has no such file.
            Refused: A 4xx.
            UnavailableError: It is not of the known form.
        """
        return parse_level(self._read("quotes", symbol))

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _read(self, kind: str, symbol: str) -> bytes:
        name = f"_{symbol}" if symbol in INDICES else quote(symbol, safe="")
        template = f"{_FOLDER}/{kind}/{{symbol}}.json"
        return self._http.read(f"{_FOLDER}/{kind}/{name}.json", template=template, parse=False).raw


def _decode(decoder: "msgspec.json.Decoder[F]", body: bytes) -> F:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message = f"Cboe: the file is not of the known form: {error}"
        raise UnavailableError(message) from None
    except msgspec.DecodeError:
        kind = "HTML" if body.lstrip()[:1] == b"<" else "broken off or no JSON"
        message = f"Cboe: the file is {kind}"
        raise UnavailableError(message) from None


def _column(options: Sequence[_Option], name: str) -> NDArray[np.float64]:
    values = map(attrgetter(name), options)
    try:
        return np.fromiter(values, np.float64, len(options))
    except TypeError:
        # A null is None, which only the slower way makes NaN.
        return np.array([getattr(option, name) for option in options], np.float64)


def _level(data: _Quote) -> Level:
    """The price of now; ``prev_day_close`` is none, though some readers fall back to it."""
    price = read_price(data.current_price)[0] or read_price(data.close)[0]
    return Level(last=price or None, at=read_instant(data.last_trade_time, _NEW_YORK))


def _price(value: float) -> tuple[Decimal | None, bool]:
    return (None, False) if math.isnan(value) else read_price(value)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def _count(value: float) -> int | None:
    return int(value) if math.isfinite(value) and value >= 0 else None
