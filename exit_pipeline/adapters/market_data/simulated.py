"""A simulated market: for a first run, a demonstration, a schedule on a machine without an account.

Quotes follow from the seed, the date and the time alone, for any weekday, exchange holidays
included; the model is in ``simulated_market`` and ``simulated_options``. The session is 09:30 to
16:00 New York time; at any other time the quotes are those of the last close, with their old time.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from exit_pipeline.adapters.clients.simulated_market import (
    SESSION_SECONDS,
    Profile,
    SimulatedMarket,
    is_ticker,
    previous_weekday,
    profile,
    stable_key,
)
from exit_pipeline.adapters.clients.simulated_options import (
    Moment,
    Series,
    open_interest,
    quote_options,
)
from exit_pipeline.core.model.contract import OptionContract, OptionRight, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import SECONDS, to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.ports import Surroundings

DEFAULT_SEED: Final = 199
"""The world of the shipped sample day."""

_NEW_YORK: Final = ZoneInfo("America/New_York")
_OPEN: Final = time(9, 30)
_CLOSE: Final = time(16, 0)
_FEED_AGE_LIMIT: Final = timedelta(seconds=30)
_INDICES: Final = frozenset({"VIX", "VIX3M", "VIX9D"})
_INDEX_SECONDS: Final = 15
"""Cboe disseminates VIX every 15 seconds."""

_STRIKE_STEPS: Final = (
    (25.0, Decimal("0.5")),
    (100.0, Decimal(1)),
    (250.0, Decimal("2.5")),
    (math.inf, Decimal(5)),
)
"""Below which price of the underlying strikes lie how far apart, dollars."""

_WEEKLIES: Final = 8
_MONTHLIES: Final = 12
_LEAPS_MONTH: Final = 1
_LEAPS_YEARS: Final = (1, 2)
_DAILIES: Final = 10
"""Expirations that are listed: so many weekdays, Fridays and third Fridays from today on, and the
third Fridays of the next two Januaries but the first."""


def build(_around: Surroundings) -> "SimulatedMarketData":
    """The world of the shipped sample day; nothing needs to be set."""
    return SimulatedMarketData()


class SimulatedMarketData:
    """A made-up market as a source of market data; implements the ``MarketData`` port.

    Any ticker has a price, and any contract that has not expired has a quote. About one quote in a
    hundred is bad: without a bid, wide, standing still or crossed.

    Attributes:
        source: ``simulated``.
        is_live: False.
        tells_chains_unasked: True: it costs nobody a request.

    Args:
        seed: Another seed is another world.
    """

    source = "simulated"
    is_live = False
    tells_chains_unasked = True

    def __init__(self, seed: int = DEFAULT_SEED) -> None:
        self._market = SimulatedMarket(seed)

    def snapshot(
        self, options: Sequence[str], underlyings: Sequence[str], at: datetime
    ) -> MarketSnapshot:
        """The newest quotes of option symbols, and prices of underlyings, VIX and VIX3M, by `at`.

        Args:
            options: Compact OCC symbols; expired and adjusted contracts are left out.
            underlyings: Tickers and indices; what cannot be a ticker is left out.
            at: Any moment of the simulated years, past or to come.

        Raises:
            InputError: The date is outside the simulated years.
        """
        moment = _moment(at)
        quotes: dict[str, Quote] = {}
        for underlying, series in _by_underlying(options, at).items():
            for quote in quote_options(self._market, underlying, series, moment):
                quotes[quote.symbol] = quote
        return MarketSnapshot(
            source=self.source,
            feed_age_limit=_FEED_AGE_LIMIT,
            quotes=quotes,
            underlyings={s: self._price(s, moment) for s in underlyings if _is_known(s)},
        )

    def chain(self, underlying: str, at: datetime) -> Sequence[str]:
        """The option symbols listed on an underlying, sorted; none for an index.

        Raises:
            InputError: The date is outside the simulated years.
        """
        if underlying in _INDICES or not is_ticker(underlying):
            return []
        now, today = to_micros(at) // SECONDS, at.astimezone(_NEW_YORK).date()
        spot, of = self._market.last_close(underlying, _moment(at).day), profile(underlying)
        contracts = (
            OptionContract(root=underlying, expiration=day, right=right, strike=strike)
            for day in _expirations(today, daily=of.expires_daily)
            for strike in _strikes(spot, of, (day - today).days)
            for right in OptionRight
        )
        return sorted(contract.symbol for contract in contracts if _expires_at(contract) > now)

    def option_chain(self, underlying: str, at: datetime) -> ListedChain | None:
        """Every listed contract with its quote and open interest; None for an index.

        Raises:
            InputError: The date is outside the simulated years.
        """
        symbols = self.chain(underlying, at)
        if not symbols:
            return None
        quotes = self.snapshot(symbols, [], at).quotes
        interest = self.open_interest(symbols, at)
        return ListedChain.of_quotes(
            (replace(quote, open_interest=interest[one]) for one, quote in quotes.items()),
            underlying=underlying,
            at=to_micros(at),
            spot=float(self._price(underlying, _moment(at)).last),
            source=self.source,
        )

    def open_interest(self, options: Sequence[str], at: datetime) -> dict[str, int]:
        """Contracts open at the end of the day before, by option symbol, for making a tape.

        Raises:
            InputError: The date is outside the simulated years.
        """
        moment = _moment(at)
        return {
            one.symbol: int(contracts)
            for underlying, series in _by_underlying(options, at).items()
            for one, contracts in zip(
                series, open_interest(self._market, underlying, series, moment), strict=True
            )
        }

    def _price(self, symbol: str, at: Moment) -> UnderlyingPrice:
        step = _INDEX_SECONDS if symbol in _INDICES else 1
        seconds = at.seconds // step * step
        price = float(self._market.price(symbol, at.day, np.array([seconds]))[0])
        return UnderlyingPrice(
            symbol=symbol,
            last=Decimal(round(price * 100)).scaleb(-2),
            quoted_at=datetime.fromtimestamp(at.opens_at + seconds, UTC),
        )


def _is_known(symbol: str) -> bool:
    return symbol in _INDICES or is_ticker(symbol)


def _moment(at: datetime) -> Moment:
    """The second of the session that is on or was last."""
    now = to_micros(at) // SECONDS
    day = at.astimezone(_NEW_YORK).date()
    if day.weekday() >= 5 or now < _timestamp(day, _OPEN):
        day = previous_weekday(day)
    opens_at = _timestamp(day, _OPEN)
    return Moment(day, opens_at, min(now - opens_at, SESSION_SECONDS))


@lru_cache(maxsize=10_000)
def _timestamp(day: date, wall_clock: time) -> int:
    return to_micros(datetime.combine(day, wall_clock, _NEW_YORK)) // SECONDS


def _by_underlying(symbols: Sequence[str], at: datetime) -> dict[str, list[Series]]:
    now = to_micros(at) // SECONDS
    groups: dict[str, list[Series]] = defaultdict(list)
    for symbol in symbols:
        found = _series(symbol)
        if found is not None and found[1].expires_at > now:
            groups[found[0]].append(found[1])
    return groups


@lru_cache(maxsize=100_000)
def _series(symbol: str) -> tuple[str, Series] | None:
    """The underlying and the contract as numbers; None where nothing can be quoted."""
    try:
        contract = parse_contract(symbol)
    except InputError:
        return None
    # What an adjusted contract delivers is not known, so neither is its price.
    if contract.is_adjusted or not is_ticker(contract.underlying) or not contract.strike:
        return None
    sign = 1 if contract.right is OptionRight.CALL else -1
    key = stable_key("series", symbol)
    return contract.underlying, Series(
        symbol, float(contract.strike), sign, _expires_at(contract), key
    )


def _expires_at(contract: OptionContract) -> int:
    """End of trading: 16:00 of the last weekday on which it trades."""
    day = contract.expiration
    if contract.settles_in_the_morning or day.weekday() >= 5:
        day = previous_weekday(day)
    return _timestamp(day, _CLOSE)


def _expirations(today: date, *, daily: bool) -> list[date]:
    days = [today + timedelta(days=ahead) for ahead in range(7 * _WEEKLIES)]
    found = {day for day in days if day.weekday() == 4}
    if daily:
        found |= set([day for day in days if day.weekday() < 5][:_DAILIES])
    months = [divmod(today.month - 1 + ahead, 12) for ahead in range(_MONTHLIES)]
    found |= {_third_friday(today.year + years, month + 1) for years, month in months}
    found |= {_third_friday(today.year + ahead, _LEAPS_MONTH) for ahead in _LEAPS_YEARS}
    return sorted(day for day in found if day >= today)


def _third_friday(year: int, month: int) -> date:
    fifteenth = date(year, month, 15)
    return fifteenth + timedelta(days=(4 - fifteenth.weekday()) % 7)


def _strikes(spot: float, of: Profile, days: int) -> Iterator[Decimal]:
    """Round strikes within three standard deviations at 20 % VIX, at least 5 and at most 60 %."""
    if of.expires_daily:
        step = Decimal(1) if days <= 45 else Decimal(5)
    else:
        step = next(step for below, step in _STRIKE_STEPS if spot < below)
    reach = min(max(3 * 0.20 * of.volatility * math.sqrt(days / 365), 0.05), 0.60)
    lowest, highest = (int(spot * side / float(step)) for side in (1 - reach, 1 + reach))
    return (step * count for count in range(max(lowest, 1), highest + 1))
