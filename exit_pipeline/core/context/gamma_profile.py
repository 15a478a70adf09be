"""Net gamma exposure as a function of the underlying's price."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT

PERCENT: Final = 0.01
_ROOT_2: Final = float(np.sqrt(2))
_ROOT_2_PI: Final = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaProfile:
    """Dollar gamma per 1 % move at any price S, each contract's volatility held fixed.

    A contract's gamma times open interest, 100 shares, S^2 and 1 % is, in z = ln S,

        S w e^-(a z + b)^2,    a = 1 / (sigma sqrt(2 T)),    b = a ((r - q + sigma^2/2) T - ln K),
        w = OI * 100 * 0.01 * e^(-qT) / (sigma sqrt(2 pi T)),

    so that a price costs one exponential a contract. Strikes keep their volatility when the price
    moves ("sticky strike"), the convention of all published profiles.

    Attributes:
        a: By contract.
        b: By contract.
        w: By contract, with the sign of its open interest.
    """

    a: FloatColumn
    b: FloatColumn
    w: FloatColumn

    @classmethod
    def of(
        cls,
        strike: FloatColumn,
        years: FloatColumn,
        vol: FloatColumn,
        signed_interest: FloatColumn,
        *,
        rate: float = 0.0,
        dividend: float = 0.0,
    ) -> Self:
        """The profile of contracts.

        Args:
            strike: Dollars per share.
            years: Time to expiration in years, above 0.
            vol: Volatility of a year, above 0.
            signed_interest: Open contracts, calls positive and puts negative; where both sides of
                a strike have one volatility their difference stands for both.
            rate: Continuous riskless rate of a year.
            dividend: Continuous dividend yield of a year.
        """
        deviation = vol * np.sqrt(years)
        a = 1 / (_ROOT_2 * deviation)
        drift = (rate - dividend + vol * vol / 2) * years
        scale = SHARES_PER_CONTRACT * PERCENT * np.exp(-dividend * years) / _ROOT_2_PI
        return cls(a=a, b=a * (drift - np.log(strike)), w=signed_interest * scale / deviation)

    def net(self, prices: FloatColumn) -> FloatColumn:
        """Net dollars of gamma per 1 % move at each of some prices.

        Example: 100 calls more than puts open at K 100 with sigma 0.2 and half a year to go have,
        at S 100, n(0.0707) / (100 * 0.1414) * 100 * 100 * 100^2 * 0.01 = 28,139.
        """
        room = np.empty_like(self.a)
        return np.array([price * self._sum(np.log(price), room) for price in prices])

    def at(self, z: float) -> tuple[float, float]:
        """The sum without its factor S at z = ln S, and its slope in z, both times one factor > 0.

        The factor makes the largest exponential 1, so that the sign is known even between strikes
        where a minute before the close all gamma is too small for a float.
        """
        u = self.a * z + self.b
        weight = u * u
        np.exp(weight.min() - weight, out=weight)
        weight *= self.w
        u *= weight
        u *= self.a
        return float(weight.sum()), -2 * float(u.sum())

    def _sum(self, z: float, room: FloatColumn) -> float:
        np.multiply(self.a, z, out=room)
        room += self.b
        room *= room
        np.negative(room, out=room)
        np.exp(room, out=room)
        room *= self.w
        return float(room.sum())
