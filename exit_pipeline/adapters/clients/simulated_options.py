"""The simulated market's options: fair value, bid and ask, sizes, open interest, and bad quotes.

Everything is columnar: one call makes the quotes of all contracts of one underlying.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.adapters.clients.simulated_market import (
    SimulatedMarket,
    profile,
    stable_key,
    uniforms,
)
from exit_pipeline.core.model.price import UNKNOWN, to_dollars
from exit_pipeline.core.model.quote import Quote

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RATE: Final = 0.04
"""Continuous riskless rate of a year; no underlying pays a dividend here."""

_YEAR: Final = 365 * 86_400
"""Seconds of a year; options lose value by calendar time."""

_SHORTEST_LIFE: Final = 60 / _YEAR
"""Years; keeps the formula finite in the last minute."""

_FAULT_SECONDS: Final = 600
"""How long a bad quote stays bad. Each of ``_REFRESH`` divides it."""

_FAULT_RATE: Final = 0.003
"""Share of contracts, at any time, that have each of the four kinds of bad quote."""

_REFRESH: Final = ((2_000, 1), (300, 5), (30, 20), (0, 60))
"""Least open interest, and every how many seconds such a contract is quoted anew."""

_UNITS_PER_CENT: Final = 100


class Fault(IntEnum):
    """What is wrong with a bad quote."""

    MISSING = 0  # no bid is given
    WIDE = 1
    STALE = 2  # it stands still since its slot began
    CROSSED = 3


class Series(NamedTuple):
    """One contract as numbers.

    Attributes:
        symbol: Compact OCC symbol.
        strike: Dollars per share.
        sign: +1 call, -1 put.
        expires_at: End of trading, seconds since 1970-01-01 UTC.
        key: 64 bits from the symbol, the contract's own randomness.
    """

    symbol: str
    strike: float
    sign: int
    expires_at: int
    key: int


class Moment(NamedTuple):
    """A second of a session.

    Attributes:
        day: A weekday.
        opens_at: 09:30 New York time of that day, seconds since 1970-01-01 UTC.
        seconds: 0 at the open to 23,400 at the close.
    """

    day: date
    opens_at: int
    seconds: int


def quote_options(
    market: SimulatedMarket, underlying: str, series: Sequence[Series], at: Moment
) -> list[Quote]:
    """Quotes of contracts on one underlying, in their order.

    A quote is a function of its own time: asked for again at its ``quoted_at`` it is the same.
    """
    interest = open_interest(market, underlying, series, at)
    keys = np.array([one.key for one in series], dtype=np.uint64)
    steps = np.select(
        [interest >= least for least, _ in _REFRESH], [step for _, step in _REFRESH], default=1
    )
    seconds = at.seconds // steps * steps
    slot = seconds // _FAULT_SECONDS
    day_key = np.uint64(stable_key(market.seed, "quotes", at.day))
    fault = (uniforms(keys ^ day_key ^ slot.astype(np.uint64)) / _FAULT_RATE).astype(np.int64)
    seconds = np.where(fault == Fault.STALE, slot * _FAULT_SECONDS, seconds)

    fair, moneyness = _fair_values(market, underlying, series, at, seconds)
    nervous = np.maximum(1.0, market.price("VIX", at.day, seconds) / 20)
    half = _spread(fair, moneyness, interest) * nervous / 2
    half = np.where(fault == Fault.WIDE, fair / 4 + 0.10, half)
    bids, asks = _on_ticks(fair - half, fair + half, in_cents=profile(underlying).quotes_in_cents)
    bids = np.where(fault == Fault.CROSSED, asks + 5, bids)
    size_keys = keys + seconds.astype(np.uint64)
    return _as_quotes(
        series,
        (at.opens_at + seconds).tolist(),
        np.where(fault == Fault.MISSING, UNKNOWN, bids * _UNITS_PER_CENT).tolist(),
        (asks * _UNITS_PER_CENT).tolist(),
        np.where(bids > 0, _sizes(size_keys ^ day_key, interest), 0).tolist(),
        _sizes(~size_keys ^ day_key, interest).tolist(),
    )


def open_interest(
    market: SimulatedMarket, underlying: str, series: Sequence[Series], at: Moment
) -> Ints:
    """Contracts open at the end of the day before: most at the money and for near expirations."""
    strikes = np.array([one.strike for one in series])
    life = np.maximum(np.array([one.expires_at for one in series]) - at.opens_at, 0) / _YEAR
    own = uniforms(np.array([one.key for one in series], dtype=np.uint64))
    away = np.log(strikes / market.last_close(underlying, at.day))
    width = 0.06 * profile(underlying).volatility * np.sqrt(1 + 12 * life)
    expected = profile(underlying).open_interest * np.exp(-np.abs(away) / width) / (1 + 2 * life)
    return np.asarray(expected * (0.3 + 1.4 * own)).astype(np.int64)


def black_scholes(sign: Ints, spot: Floats, strike: Floats, years: Floats, sigma: Floats) -> Floats:
    """Value of European options without dividends, dollars per share.

    ``s (S N(s d1) - K exp(-r T) N(s d2))`` with ``d1 = (ln(S/K) + (r + sigma^2/2) T) / (sigma
    sqrt(T))``, ``d2 = d1 - sigma sqrt(T)`` and r = ``RATE`` (Black and Scholes, "The pricing of
    options and corporate liabilities", Journal of Political Economy 81, 1973, equation 13).

    Args:
        sign: s, +1 call, -1 put.
        spot: S, price of the underlying, dollars.
        strike: K, dollars.
        years: T, above 0.
        sigma: Volatility of a year, above 0; 0.2 is 20 %.

    Example: S 100, K 100, T 1 and sigma 0.2 at 4 % give a call of 9.9251 and a put of 6.0040.
    """
    from scipy.special import ndtr  # here, so that a code location imports fast

    deviation = sigma * np.sqrt(years)
    d1 = (np.log(spot / strike) + (RATE + sigma**2 / 2) * years) / deviation
    discounted = strike * np.exp(-RATE * years)
    value = sign * (spot * ndtr(sign * d1) - discounted * ndtr(sign * (d1 - deviation)))
    return np.asarray(value, dtype=np.float64)


def smile(
    vix: Floats, vix3m: Floats, multiple: float, log_moneyness: Floats, years: Floats
) -> tuple[Floats, Floats]:
    """Implied volatility, and moneyness in standard deviations.

    At the money it is `multiple` times a level that runs from VIX at 30 days over VIX3M at 93 days
    half-way back to 20 % at two years, straight in the square root of time. With
    m = ln(K/S) / (sigma sqrt(T)), between -4 and 4, it is multiplied by ``1 - 0.05 m + 0.015 m^2``:
    low strikes are dearer, as in all equity options since 1987 (Rubinstein, "Implied binomial
    trees", Journal of Finance 49, 1994), and both wings rise. The numbers are chosen, not fitted.

    Args:
        vix: Index points; 18 is 18 %.
        vix3m: Index points.
        multiple: The underlying's volatility as a multiple of VIX.
        log_moneyness: ln(K/S).
        years: Time to expiration.

    Example: VIX 18, a multiple of 1, 30 days and m = -2 give 0.18 * 1.16 = 0.2088.
    """
    month, quarter, far = np.sqrt([30 / 365, 93 / 365, 2.0])
    root = np.sqrt(np.maximum(years, 1 / 365))
    level = vix + (vix3m - vix) * np.clip((root - month) / (quarter - month), 0, 1)
    level = level + (20 - level) / 2 * np.clip((root - quarter) / (far - quarter), 0, 1)
    sigma = multiple * level / 100
    deviations = np.clip(log_moneyness / (sigma * root), -4, 4)
    return sigma * (1 - 0.05 * deviations + 0.015 * deviations**2), deviations


def _fair_values(
    market: SimulatedMarket, underlying: str, series: Sequence[Series], at: Moment, seconds: Ints
) -> tuple[Floats, Floats]:
    """Dollars per share, at least intrinsic since the options are American, and moneyness."""
    strike = np.array([one.strike for one in series])
    sign = np.array([one.sign for one in series])
    expires = np.array([one.expires_at for one in series])
    years = np.maximum((expires - at.opens_at - seconds) / _YEAR, _SHORTEST_LIFE)
    spot = market.price(underlying, at.day, seconds)
    sigma, moneyness = smile(
        market.price("VIX", at.day, seconds),
        market.price("VIX3M", at.day, seconds),
        profile(underlying).volatility,
        np.log(strike / spot),
        years,
    )
    european = black_scholes(sign, spot, strike, years, sigma)
    return np.maximum(european, np.maximum(sign * (spot - strike), 0)), moneyness


def _spread(fair: Floats, moneyness: Floats, interest: Ints) -> Floats:
    """Ask minus bid, dollars per share: a cent, and a share of the value.

    The share is 1.2 % where all the world trades and 7.2 % where nobody does, larger away from the
    money, and falls off for dear options, whose makers hedge with shares.

    Example: 2.00 at the money with open interest 500: 0.01 + 0.042 * 2 / 1.04 = 0.0908.
    """
    idle = 500 / (interest + 500)
    share = (0.012 + 0.06 * idle) * (1 + 0.05 * moneyness**2)
    return 0.01 + share * fair / (1 + fair / 50)


def _on_ticks(low: Floats, high: Floats, *, in_cents: bool) -> tuple[Ints, Ints]:
    """Bid and ask in whole cents on legal ticks, rounded apart.

    The tick is a cent below 3 dollars and five from there on, or always a cent (Cboe Rule 5.4 and
    its penny interval program).
    """
    bids = np.floor(np.maximum(low, 0) * 100).astype(np.int64)
    asks = np.maximum(np.ceil(high * 100).astype(np.int64), bids + 1)
    if in_cents:
        return bids, asks
    return np.where(bids < 300, bids, bids // 5 * 5), np.where(asks < 300, asks, -(-asks // 5) * 5)


def _sizes(keys: NDArray[np.uint64], interest: Ints) -> Ints:
    """Contracts, at least 1, more where more are open."""
    scale = 2 + 60 * interest / (interest + 2_000)
    return 1 + (-np.log(uniforms(keys)) * scale).astype(np.int64)


def _as_quotes(
    series: Sequence[Series],
    times: list[int],
    bids: list[int],
    asks: list[int],
    bid_sizes: list[int],
    ask_sizes: list[int],
) -> list[Quote]:
    instants = {time: datetime.fromtimestamp(time, UTC) for time in set(times)}
    return [
        Quote(
            symbol=one.symbol,
            bid=to_dollars(bid),
            ask=to_dollars(ask),
            bid_size=bid_size,
            ask_size=ask_size,
            quoted_at=instants[time],
        )
        for one, time, bid, ask, bid_size, ask_size in zip(
            series, times, bids, asks, bid_sizes, ask_sizes, strict=True
        )
    ]
