"""The simulated market's underlyings: a price at every second of every weekday, from a seed alone.

Nothing is stored and no state is carried: a price is a pure function of (seed, ticker, second), so
any process, asked in any order, gives the same answer. Random numbers are SplitMix64 (Steele, Lea
and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) of a BLAKE2 hash and not
NumPy's Generator, whose streams may change between NumPy versions (NEP 19): the shipped sample book
has its entry prices from this market and must find the same ones again.

The model, day by day over weekdays, exchange holidays included:

- The market is CALM, NORMAL or STRESSED, a Markov chain whose regimes last some weeks.
- VIX runs to its regime's level, faster up when the market falls.
- An underlying's log price reverts slowly to its reference level, with daily shocks of its share of
  VIX, part of them common to all underlyings; so prices stay plausible over decades.
- Within a day the price is a Brownian bridge over minutes from the opening gap to the day's close.
"""

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.errors import InputError

FIRST_DAY: Final = date(2000, 1, 3)
"""A Monday, so that weekdays can be counted from it by whole weeks."""

LAST_DAY: Final = date(2068, 12, 31)
"""Two-digit years of OCC symbols end with 2068."""

SESSION_SECONDS: Final = 23_400
"""09:30 to 16:00 New York time."""

TRADING_DAYS: Final = 252
"""Trading days that a yearly volatility is spread over (Hull, "Options, Futures, and Other
Derivatives", 10th ed., section 15.4)."""

_SESSION_MINUTES: Final = SESSION_SECONDS // 60
_REVERSION: Final = 0.997
"""Share of an underlying's distance from its level that is left after a day: half in 231 days."""

_REALISED: Final = 0.85
"""Realised volatility as a share of implied: options are dearer than what follows on average."""

_VIX_VOLATILITY: Final = 0.05
"""Standard deviation of a day's change of log VIX within its regime."""

_TERMS: Final = {"VIX3M": 0.6, "VIX9D": 1.2}
"""How far a term moves with VIX around 19.5: VIX 13 has a VIX3M of 15.6, and 32 one of 27."""

_TICKER: Final = re.compile(r"[A-Z][A-Z.]{0,5}")


class Regime(IntEnum):
    """How nervous the market is."""

    CALM = 0
    NORMAL = 1
    STRESSED = 2


_VIX_LEVEL: Final = {Regime.CALM: 13.0, Regime.NORMAL: 18.0, Regime.STRESSED: 32.0}
_LEAVES_BELOW: Final = {Regime.CALM: 0.0, Regime.NORMAL: 0.03, Regime.STRESSED: 0.06}
"""A uniform number below this moves the market to the next calmer regime; likewise above the
following one to the next more nervous one."""
_LEAVES_ABOVE: Final = {Regime.CALM: 0.96, Regime.NORMAL: 0.98, Regime.STRESSED: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What tells one underlying from another.

    Attributes:
        level: Price that it reverts to, dollars.
        volatility: Its implied volatility as a multiple of VIX.
        correlation: Of its daily shocks with the market's.
        open_interest: Contracts open in an at-the-money series, the measure of its liquidity.
        quotes_in_cents: Options quote in cents at any price.
        expires_daily: Options expire on every weekday, not only on Fridays.
    """

    level: float
    volatility: float
    correlation: float
    open_interest: int
    quotes_in_cents: bool = False
    expires_daily: bool = False


_PROFILES: Final = {
    "SPY": Profile(level=620.0, volatility=0.95, correlation=0.98, open_interest=9000,
                   quotes_in_cents=True, expires_daily=True),
    "QQQ": Profile(level=560.0, volatility=1.20, correlation=0.92, open_interest=7000,
                   quotes_in_cents=True, expires_daily=True),
    "IWM": Profile(level=230.0, volatility=1.25, correlation=0.85, open_interest=5000,
                   quotes_in_cents=True, expires_daily=True),
    "AAPL": Profile(level=245.0, volatility=1.45, correlation=0.70, open_interest=6000),
    "NVDA": Profile(level=175.0, volatility=2.40, correlation=0.65, open_interest=8000),
    "TSLA": Profile(level=330.0, volatility=2.90, correlation=0.50, open_interest=6000),
}  # fmt: skip


@lru_cache(maxsize=4096)
def profile(ticker: str) -> Profile:
    """The ticker's profile; one that is not listed here gets a middling one from its letters."""
    if ticker in _PROFILES:
        return _PROFILES[ticker]
    level, volatility, correlation, interest = random_stream(
        stable_key("profile", ticker), 4
    ).tolist()
    return Profile(
        level=round(20 * 20**level),
        volatility=1.2 + 1.8 * volatility,
        correlation=0.3 + 0.5 * correlation,
        open_interest=int(50 * 40**interest),
    )


def is_ticker(text: str) -> bool:
    """Whether the text can name an underlying or an index: one to six capitals or dots."""
    return _TICKER.fullmatch(text) is not None


def stable_key(*parts: object) -> int:
    """64 bits that depend on the parts only, in every process and on every machine."""
    text = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest())


def uniforms(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """One number of the open interval (0, 1) for each key: the output function of SplitMix64.

    Example: the stream of SplitMix64 seeded with 0 begins with 0xE220A8397B1DCDAF, so the key
    0x9E3779B97F4A7C15, its state after one step, gives 0.8833.
    """
    mixed = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def random_stream(key: int, length: int) -> NDArray[np.float64]:
    """The first numbers of (0, 1) of the SplitMix64 stream that starts at the key."""
    steps = np.arange(1, length + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return uniforms(steps + np.uint64(key))


def previous_weekday(day: date) -> date:
    """The last of Monday to Friday before the day."""
    return day - timedelta(days={0: 3, 6: 2}.get(day.weekday(), 1))


class SimulatedMarket:
    """Prices of underlyings and of VIX, VIX3M and VIX9D.

    Args:
        seed: Another seed is another world.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        # Kept for each object and not for each class, so that they go with the object.
        self._closes = lru_cache(256)(self._make_closes)
        self._path = lru_cache(1024)(self._make_path)

    def regime(self, day: date) -> Regime:
        """The market's regime on a weekday.

        Raises:
            InputError: The day is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        return Regime(int(_market(self.seed).regimes[_weekday_number(day)]))

    def price(self, ticker: str, day: date, seconds: NDArray[np.int64]) -> NDArray[np.float64]:
        """Prices, dollars or index points, at seconds after the open of a weekday.

        Between two minutes a price is on the straight line of their logarithms.

        Args:
            ticker: An underlying, or VIX, VIX3M or VIX9D.
            day: A weekday.
            seconds: 0 at 09:30 to 23,400 at 16:00 New York time.

        Raises:
            InputError: The day is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        if ticker in _TERMS:
            return _term(self.price("VIX", day, seconds), _TERMS[ticker])
        path = self._path(ticker, _weekday_number(day))
        logs = np.interp(seconds / 60, np.arange(_SESSION_MINUTES + 1), path)
        return np.asarray(np.exp(logs), dtype=np.float64)

    def last_close(self, ticker: str, day: date) -> float:
        """The close before a weekday, dollars or index points.

        Raises:
            InputError: The day is outside ``FIRST_DAY`` to ``LAST_DAY``.
        """
        return float(np.exp(self._closes(ticker)[max(_weekday_number(day) - 1, 0)]))

    def _make_closes(self, ticker: str) -> NDArray[np.float64]:
        """Logarithms of all daily closes."""
        market = _market(self.seed)
        if ticker == "VIX" or ticker in _TERMS:
            level = _term(market.vix, _TERMS.get(ticker, 1.0))
            return np.asarray(np.log(level), dtype=np.float64)
        of = profile(ticker)
        own = _normals(stable_key(self.seed, "closes", ticker), len(market.shocks))
        mixed = of.correlation * market.shocks + np.sqrt(1 - of.correlation**2) * own
        shocks = _daily_volatility(ticker, market.vix) * mixed
        distance = accumulate(shocks.tolist(), lambda last, shock: _REVERSION * last + shock)
        return math.log(of.level) + np.fromiter(distance, np.float64, len(shocks))

    def _make_path(self, ticker: str, number: int) -> NDArray[np.float64]:
        """Logarithms of a day's prices at the 391 minutes from open to close."""
        closes = self._closes(ticker)
        before, close = closes[max(number - 1, 0)], closes[number]
        shocks = _normals(stable_key(self.seed, "path", ticker, number), _SESSION_MINUTES + 1)
        volatility = float(_daily_volatility(ticker, _market(self.seed).vix)[number])
        opening = before + 0.3 * (close - before) + 0.3 * volatility * shocks[0]
        # Trading is liveliest after the open and before the close (Wood, McInish and Ord, "An
        # investigation of transactions data for NYSE stocks", Journal of Finance 40, 1985).
        liveliness = 0.7 + 2.4 * (np.linspace(0, 1, _SESSION_MINUTES) - 0.5) ** 2
        elapsed = np.append(0, np.cumsum(liveliness**2)) / np.sum(liveliness**2)
        walk = np.append(0, np.cumsum(liveliness * shocks[1:])) / np.sqrt(np.sum(liveliness**2))
        bridge = walk - elapsed * walk[-1]
        path: NDArray[np.float64] = opening + (close - opening) * elapsed + volatility * bridge
        return path


@dataclass(frozen=True, slots=True)
class _Market:
    """What all underlyings share, one value for each weekday from the first."""

    regimes: NDArray[np.int8]
    shocks: NDArray[np.float64]
    vix: NDArray[np.float64]


@cache
def _market(seed: int) -> _Market:
    days = _weekday_number(LAST_DAY) + 1
    shocks = _normals(stable_key(seed, "market"), days)
    moves = random_stream(stable_key(seed, "regime"), days).tolist()
    regimes = list(accumulate(moves, _next_regime, initial=Regime.NORMAL))[1:]
    # Volatility rises when prices fall: a correlation of about -0.7 in daily data of VIX and S&P
    # 500 (Whaley, "Understanding the VIX", Journal of Portfolio Management 35, 2009).
    own = _normals(stable_key(seed, "vix"), days)
    noise = _VIX_VOLATILITY * (np.sqrt(1 - 0.7**2) * own - 0.7 * shocks)
    targets = [float(np.log(_VIX_LEVEL[regime])) for regime in regimes]
    logs = accumulate(zip(targets, noise.tolist(), strict=True), _next_log_vix, initial=targets[0])
    vix = np.exp(np.array(list(logs)[1:]))
    return _Market(np.array(regimes, dtype=np.int8), shocks, np.maximum(vix, 9.0))


def _next_regime(last: Regime, move: float) -> Regime:
    if move < _LEAVES_BELOW[last]:
        return Regime(last - 1)
    return Regime(last + 1) if move > _LEAVES_ABOVE[last] else last


def _next_log_vix(last: float, target_and_noise: tuple[float, float]) -> float:
    target, noise = target_and_noise
    return last + 0.12 * (target - last) + noise


def _daily_volatility(ticker: str, vix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Standard deviation of a day's log return: VIX 18 and a multiple of 1 give 0.0096."""
    if ticker == "VIX":
        return np.full_like(vix, _VIX_VOLATILITY)
    share = profile(ticker).volatility * _REALISED / 100 / math.sqrt(TRADING_DAYS)
    return share * vix


def _term(vix: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    return 19.5 + share * (vix - 19.5)


def _normals(key: int, length: int) -> NDArray[np.float64]:
    from scipy.special import ndtri  # here, so that a code location imports fast

    return np.asarray(ndtri(random_stream(key, length)), dtype=np.float64)


def _weekday_number(day: date) -> int:
    if not FIRST_DAY <= day <= LAST_DAY:
        message = (
            f"date {day} is outside the simulated market, which runs {FIRST_DAY} to {LAST_DAY}"
        )
        raise InputError(message)
    weeks, weekday = divmod((day - FIRST_DAY).days, 7)
    return weeks * 5 + min(weekday, 4)
