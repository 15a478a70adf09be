"""Value and sensitivities of European options after Black, Scholes and Merton."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy.special import ndtr

from exit_pipeline.core.context.normalised_black import value
from exit_pipeline.core.model.book import BoolColumn, FloatColumn, SmallColumn

_ROOT_2_PI: Final = float(np.sqrt(2 * np.pi))


@dataclass(frozen=True, kw_only=True)
class EuropeanOptions:
    """European options, one row each; each field is a column or one number for all rows.

    With s the right, D = e^(-rT), Q = e^(-qT), n and N the normal density and distribution
    (Merton, "Theory of rational option pricing", Bell Journal of Economics 4, 1973; the
    sensitivities as in Haug, "The complete guide to option pricing formulas", 2007, chapter 2):

        d1 = (ln(S/K) + (r - q + sigma^2/2) T) / (sigma sqrt T),    d2 = d1 - sigma sqrt T

    A row is NaN in every answer where an input is not finite, or where spot, strike, years or
    volatility is not above 0: what expired has no value left to tell.

    Worked case of the examples: S 100, K 100, T 0.5, sigma 0.2, r 0.04, q 0.01, a call.

    Attributes:
        right: s, +1 call, -1 put.
        spot: S, dollars per share.
        strike: K, dollars per share.
        years: T, time to expiration in years.
        vol: sigma, volatility of a year; 0.2 is 20 %.
        rate: r, continuous riskless rate of a year.
        dividend: q, continuous dividend yield of a year.
    """

    right: SmallColumn | FloatColumn | float
    spot: FloatColumn | float
    strike: FloatColumn | float
    years: FloatColumn | float
    vol: FloatColumn | float
    rate: float = 0.0
    dividend: float = 0.0

    @cached_property
    def _inputs(self) -> tuple[FloatColumn, FloatColumn, FloatColumn, FloatColumn]:
        """S, K, T and sigma, all NaN in a bad row, so that nothing warns and its answers are."""
        given = [np.asarray(one) for one in (self.spot, self.strike, self.years, self.vol)]
        good: BoolColumn = np.ones(np.broadcast_shapes(*(one.shape for one in given)), np.bool_)
        for one in given:
            good &= (one > 0) & (one < np.inf)
        spot, strike, years, vol = (
            given if good.all() else (np.where(good, x, np.nan) for x in given)
        )
        return spot, strike, years, vol

    @cached_property
    def deviation(self) -> FloatColumn:
        """Sigma sqrt T, the standard deviation of the logarithm of the price. Example: 0.141421."""
        _, _, years, vol = self._inputs
        return np.asarray(vol * np.sqrt(years))

    @cached_property
    def d1(self) -> FloatColumn:
        """Deviations from the strike to the forward, and half of one more. Example: 0.176777."""
        return np.asarray(self._log_moneyness() / self.deviation + self.deviation / 2)

    def price(self) -> FloatColumn:
        """Dollars per share: the intrinsic value of the forward and what is above it.

        The part above comes from ``normalised_black``, so a call worth 1e-100 has all its digits.
        Example: 6.339252.
        """
        spot, strike, years, _ = self._inputs
        discount = np.exp(-self.rate * years)
        forward = spot * np.exp((self.rate - self.dividend) * years)
        above = np.sqrt(forward * strike) * value(-np.abs(self._log_moneyness()), self.deviation)
        return np.asarray(discount * (above + np.maximum(self.right * (forward - strike), 0)))

    def delta(self) -> FloatColumn:
        """Dollars per dollar of the underlying: s Q N(s d1). Example: 0.567314."""
        _, _, years, _ = self._inputs
        return np.asarray(self.right * np.exp(-self.dividend * years) * ndtr(self.right * self.d1))

    def gamma(self) -> FloatColumn:
        """Delta per dollar of the underlying: Q n(d1) / (S sigma sqrt T). Example: 0.0276336."""
        spot, *_ = self._inputs
        return np.asarray(self._density / (spot * self.deviation))

    def vega(self) -> FloatColumn:
        """Dollars per 1.00 of volatility, or 100 points: S Q n(d1) sqrt T. Example: 27.6336."""
        spot, _, years, _ = self._inputs
        return np.asarray(spot * self._density * np.sqrt(years))

    def theta(self) -> FloatColumn:
        """Dollars per year of passing time, usually negative; divide by 365 for a day.

        -S Q n(d1) sigma / (2 sqrt T) - s r K D N(s d2) + s q S Q N(s d1). Example: -6.975097.
        """
        spot, strike, years, vol = self._inputs
        decay = spot * self._density * vol / (2 * np.sqrt(years))
        exercised = self.right * ndtr(self.right * (self.d1 - self.deviation))
        interest = self.rate * strike * np.exp(-self.rate * years) * exercised
        return np.asarray(self.dividend * spot * self.delta() - decay - interest)

    def vanna(self) -> FloatColumn:
        """Delta per 1.00 of volatility: -Q n(d1) d2 / sigma. Example: -0.0690840."""
        *_, vol = self._inputs
        return np.asarray(-self._density * (self.d1 - self.deviation) / vol)

    def charm(self) -> FloatColumn:
        """Delta per year of passing time; divide by 365 for a day.

        s q Q N(s d1) - Q n(d1) (2 (r-q) T - d2 sigma sqrt T) / (2 T sigma sqrt T).
        Example: -0.0634109.
        """
        _, _, years, _ = self._inputs
        drift = 2 * (self.rate - self.dividend) * years
        drift = (drift - (self.d1 - self.deviation) * self.deviation) / (2 * years * self.deviation)
        carry = self.dividend * self.delta() if self.dividend else 0.0
        return np.asarray(carry - self._density * drift)

    @cached_property
    def _density(self) -> FloatColumn:
        """Q n(d1)."""
        _, _, years, _ = self._inputs
        return np.asarray(np.exp(-self.d1 * self.d1 / 2 - self.dividend * years) / _ROOT_2_PI)

    def _log_moneyness(self) -> FloatColumn:
        """ln(F/K), F being the forward."""
        spot, strike, years, _ = self._inputs
        return np.asarray(np.log(spot / strike) + (self.rate - self.dividend) * years)
