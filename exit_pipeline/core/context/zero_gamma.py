"""Where net gamma changes its sign: the zero-gamma level, also called the flip."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.context.gamma_profile import GammaProfile
from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.model.book import FloatColumn

NARROW_STRIKES: Final = 20
"""Strikes of contracts near their end that are scanned beside the even levels: 1 % to either
side of the spot where strikes are 0.1 % apart, as those of the S&P 500 are."""

_PRECISION: Final = 1e-10
"""Of a refined level, relative; a hundredth of what is promised."""

_STEPS_MAX: Final = 200
"""At least every third step is a bisection, and 40 of those reach the precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A price at which net gamma is zero.

    Attributes:
        price: Dollars, exact to 1e-8 of itself.
        above: Sign of net gamma just above it, +1 or -1; just below it is the other one.
    """

    price: float
    above: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroGamma:
    """The profile of net gamma and every zero that its scan shows.

    Attributes:
        prices: Prices scanned, rising, dollars; the spot is one of them.
        net: Net dollars of gamma per 1 % move at each.
        at_spot: Of these, at the spot.
        crossings: All zeros found, rising.
        nearest: The one nearest the spot; None where there is none.
        reason: Why there is none.
    """

    prices: FloatColumn
    net: FloatColumn
    at_spot: float
    crossings: tuple[Crossing, ...]
    nearest: Crossing | None
    reason: str | None = None


def zero_gamma(profile: GammaProfile, spot: float, settings: GammaSettings) -> ZeroGamma:
    """Scan net gamma around the spot and refine each change of sign.

    Scanned are evenly spaced levels, the spot, and the strikes nearest to it of contracts whose
    gamma is narrower than the spacing: those of the last day. Two zeros between neighbouring
    levels are missed, as in any scan; the sign at the spot is always that of its side of the
    nearest zero.

    Args:
        profile: Net gamma as a function of price.
        spot: Price of the underlying, dollars, above 0.
        settings: Range and number of levels.

    Example: 100 contracts more in calls than puts at 110 and the reverse at 90, both with 0.2 and
    half a year to go: zero gamma is at sqrt(90 * 110) * e^(-0.2^2 / 4) = 98.5087.
    """
    prices = _scanned(profile, spot, settings)
    net = profile.net(prices)
    crossings = tuple(_refined(profile, *pair) for pair in _changes(prices, net))
    nearest = min(crossings, key=lambda one: abs(one.price - spot), default=None)
    return ZeroGamma(
        prices=prices,
        net=net,
        at_spot=float(net[np.searchsorted(prices, spot)]),
        crossings=crossings,
        nearest=nearest,
        reason=None if crossings else _why_none(net, settings),
    )


def _scanned(profile: GammaProfile, spot: float, settings: GammaSettings) -> FloatColumn:
    even = np.linspace(settings.lowest * spot, settings.highest * spot, settings.levels)
    step = even[1] - even[0]
    # Gamma peaks where a z + b is 0 and falls to 1/e of that within 1/a of it.
    is_narrow = profile.a > spot / step
    peaks = np.exp(-profile.b[is_narrow] / profile.a[is_narrow])
    # One level for a strike's peaks of several expirations. Rounding moves it by 0.005 % of the
    # spot, where gamma of a volatility of 0.2 is 0.04 % wide even a minute before the close.
    peaks = np.unique(np.round(peaks / spot, 4)) * spot
    peaks = peaks[(peaks > even[0]) & (peaks < even[-1])]
    near = peaks[np.argsort(np.abs(peaks - spot), kind="stable")[:NARROW_STRIKES]]
    return np.unique(np.concatenate([even, [spot], near]))


def _changes(prices: FloatColumn, net: FloatColumn) -> list[tuple[float, float]]:
    """Neighbouring prices with opposite signs; levels without any gamma are passed over."""
    some: NDArray[np.intp] = np.flatnonzero(net)
    signs = np.sign(net[some])
    at = np.flatnonzero(signs[1:] != signs[:-1])
    return [(float(prices[some[i]]), float(prices[some[i + 1]])) for i in at]


def _refined(profile: GammaProfile, low: float, high: float) -> Crossing:
    """Newton's method in ln S, with a bisection wherever it leaves the bracket or is slow.

    Slow is a step longer than half of the one before the last (Press and others, "Numerical
    recipes", 2007, section 9.4).
    """
    left, right = float(np.log(low)), float(np.log(high))
    above = 1 if profile.at(right)[0] > 0 else -1
    z = (left + right) / 2
    last = before_last = right - left
    for _ in range(_STEPS_MAX):
        height, slope = profile.at(z)
        left, right = (left, z) if height * above > 0 else (z, right)
        following = z - height / slope if slope else left
        if not left < following < right or 2 * abs(following - z) > before_last:
            following = (left + right) / 2
        before_last, last, z = last, abs(following - z), following
        if last < _PRECISION:
            break
    return Crossing(price=float(np.exp(z)), above=above)


def _why_none(net: FloatColumn, settings: GammaSettings) -> str:
    share = f"from {settings.lowest:g} to {settings.highest:g} times the spot"
    if not net.any():
        return f"there is no gamma {share}"
    return f"net gamma is {'positive' if net.sum() > 0 else 'negative'} {share}"
