"""Prices of a few underlyings and their options over the sessions of a seed.

An underlying's price is a random walk in steps of 150 seconds. An option is worth
``(m + sqrt(m^2 + w^2)) / 2``, where ``m`` is what it is in the money by and ``w`` its width: 0.8 x
volatility x price x sqrt(years left), which makes it 0.4 x volatility x price x sqrt(years) at the
money, as the formula of Brenner and Subrahmanyam (1988) has it, and its intrinsic value far from
it. Example: at the money, price 100, volatility 60 %, a quarter of a year: 0.4 x 0.6 x 100 x 0.5 =
12.00. Bid and ask lie on legal ticks around it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import sqrt
from random import Random

from exit_pipeline.core.engine.price_orders import tick_size
from exit_pipeline.core.model.contract import OptionContract, OptionRight, parse_contract
from exit_pipeline.core.model.session import Session
from exit_pipeline_tests.simulation.streams import stream

STEP = timedelta(seconds=150)
START = {"ACME": 100.0, "BOLT": 42.0, "SPY": 450.0}
"""Underlyings and what they begin at, dollars."""

_VOLATILITY = {"ACME": 1.2, "BOLT": 1.8, "SPY": 0.7}
_DAYS_PER_YEAR = 365.0
_STEPS_PER_YEAR = 252 * 156


@dataclass(frozen=True, slots=True)
class Level:
    """What an option trades at: dollars per share and contracts."""

    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int


class SimMarket:
    """The true market of a seed.

    Args:
        seed: Fixes every price.
        sessions: The days, in order.

    Attributes:
        halts: Underlyings that don't trade now, with the moment at which they stopped.
        is_calm: Prices stand, with large sizes on both sides, as when all faults are over.
    """

    def __init__(self, seed: int, sessions: Sequence[Session]) -> None:
        self.sessions = tuple(sessions)
        self.halts: dict[str, datetime] = {}
        self.is_calm = False
        self._seed = seed
        self._paths = {name: _path(stream(seed, f"path/{name}"), name) for name in START}
        self._levels: dict[tuple[str, int], Level] = {}
        self._contracts: dict[str, OptionContract] = {}

    def price(self, underlying: str, at: datetime) -> Decimal:
        """An underlying's price, dollars."""
        price = self._paths[underlying][self._step(self._halted(underlying, at))]
        return Decimal(str(round(price, 2)))

    def level(self, symbol: str, at: datetime) -> Level:
        """An option's bid and ask."""
        contract = self._contracts.get(symbol)
        if contract is None:
            contract = self._contracts[symbol] = parse_contract(symbol)
        step = self._step(self._halted(contract.underlying, at))
        key = symbol, step * 2 + self.is_calm
        if key not in self._levels:
            self._levels[key] = self._make(contract, symbol, step)
        return self._levels[key]

    def vix(self, at: datetime) -> Decimal:
        """The level of the VIX."""
        return Decimal(str(round(18 + self._paths["SPY"][self._step(at)] % 7, 2)))

    def _halted(self, underlying: str, at: datetime) -> datetime:
        stopped = self.halts.get(underlying)
        return at if stopped is None else min(stopped, at)

    def _step(self, at: datetime) -> int:
        """Steps of trading until a moment, over all sessions."""
        steps = 0
        for session in self.sessions:
            if at <= session.opens_at:
                break
            steps += int((min(at, session.closes_at) - session.opens_at) / STEP)
        return steps

    def _make(self, contract: OptionContract, symbol: str, step: int) -> Level:
        chance = stream(self._seed, f"level/{symbol}/{step}")
        price = self._paths[contract.underlying][step]
        value = _value(contract, price, self.sessions[0].day)
        half = max(value * chance.uniform(0.008, 0.03), 0.01)
        bid = _to_tick(Decimal(str(max(value - half, 0.0))), contract.root, ROUND_FLOOR)
        ask = _to_tick(Decimal(str(value + half)), contract.root, ROUND_CEILING)
        ask = max(ask, bid + tick_size(contract.root, bid))
        if self.is_calm:
            return Level(max(bid, Decimal("0.05")), max(ask, Decimal("0.10")), 500, 500)
        small = chance.random() < 0.4
        return Level(bid, ask, *(chance.randint(1, 3 if small else 60) for _ in range(2)))


def _path(chance: Random, name: str) -> list[float]:
    price, prices = START[name], []
    scale = _VOLATILITY[name] / sqrt(_STEPS_PER_YEAR)
    for _ in range(330):
        prices.append(price)
        jump = chance.gauss(0, 0.02) if chance.random() < 0.01 else 0.0
        price *= 1 + chance.gauss(0, scale) + jump
    return prices


def _value(contract: OptionContract, price: float, first_day: date) -> float:
    days = max((contract.expiration - first_day).days, 0) + 0.3
    width = 0.8 * _VOLATILITY[contract.underlying] * price * sqrt(days / _DAYS_PER_YEAR)
    strike = float(contract.strike)
    moneyness = price - strike if contract.right is OptionRight.CALL else strike - price
    return (moneyness + sqrt(moneyness * moneyness + width * width)) / 2


def _to_tick(price: Decimal, root: str, rounding: str) -> Decimal:
    tick = tick_size(root, price)
    return (price / tick).to_integral_value(rounding) * tick
