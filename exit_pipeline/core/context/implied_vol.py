"""Implied volatility: the volatility at which Black's formula gives an observed price."""

from typing import Final

import numpy as np
from scipy.special import erfcinv, erfcx

from exit_pipeline.core.context.normalised_black import HIGH, LOW, inflection, log_value
from exit_pipeline.core.model.book import FloatColumn, SmallColumn

STEPS: Final = 3
"""Enough to reach the last digit from the first guess: measured on millions of random cases up to
36 deviations from the money, where two leave an error of 1e-8 and a fourth changes nothing."""

_BLOCK: Final = 4_096
"""Prices at a time: columns that stay in the cache are not fetched anew at each step."""

_ROOT_2: Final = float(np.sqrt(2))
_ROOT_2_PI: Final = float(np.sqrt(2 * np.pi))


def implied_vol(
    price: FloatColumn,
    right: SmallColumn,
    forward: FloatColumn,
    strike: FloatColumn,
    years: FloatColumn,
    discount: FloatColumn | float = 1.0,
) -> FloatColumn:
    """The volatility of a year that an option's price implies; 0.2 is 20 %.

    The price is first turned into that of the side out of the money by put-call parity, which
    leaves few digits of a price deep in the money: give prices out of the money where there are
    any. Then ln b, or ln(e^(x/2) - b) above the point of inflection, is solved for sigma sqrt(T) by
    Halley's method; both are concave and nearly straight near a good guess, and a step never
    leaves its branch.

    Args:
        price: Dollars per share.
        right: +1 call, -1 put.
        forward: Price of the underlying for delivery at expiration, dollars: S e^((r-q)T).
        strike: Dollars per share.
        years: Time to expiration in years.
        discount: Value now of a dollar at expiration, e^(-rT).

    Returns:
        NaN where there is no answer: the price is not above the intrinsic value or not below the
        bound (forward of a call, strike of a put, discounted), or an input is not a finite number
        above 0.

    Example: a call at 7.9655675 with forward 100, strike 100 and a year to go is 0.2.
    """
    numbers = np.broadcast_arrays(price, forward, strike, years, discount)
    good = (np.minimum.reduce(numbers) > 0) & np.isfinite(np.maximum.reduce(numbers))
    vol = np.full(good.shape, np.nan)
    right = np.broadcast_to(right, good.shape)[good]
    vol[good] = _of_good(right, *(column[good] for column in numbers))
    return vol


def _of_good(
    right: SmallColumn,
    price: FloatColumn,
    forward: FloatColumn,
    strike: FloatColumn,
    years: FloatColumn,
    discount: FloatColumn,
) -> FloatColumn:
    """The volatilities where every input is a finite number above 0."""
    above = price / discount - np.maximum(right * (forward - strike), 0)
    unit = np.sqrt(forward * strike)
    x = -np.abs(np.log(forward / strike))
    b, lacking = above / unit, (np.minimum(forward, strike) - above) / unit
    # The bound itself has no volatility, nor has a price so near it that nothing is left of it.
    rows = np.flatnonzero((b > 0) & (lacking > 0))
    vol = np.full(x.shape, np.nan)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        vol[block] = _solve(x[block], b[block], lacking[block]) / np.sqrt(years[block])
    return vol


def _solve(x: FloatColumn, b: FloatColumn, lacking: FloatColumn) -> FloatColumn:
    """The s with b(x, s) = b, where `lacking` is e^(x/2) - b; both above 0."""
    edge, bound = inflection(x), np.exp(x / 2)
    b_at_edge = bound * (1 - erfcx(edge / _ROOT_2)) / 2
    is_low = b < b_at_edge
    branch = np.where(is_low, LOW, HIGH)
    # At the money b is below s / sqrt(2 pi), and elsewhere it is lower still.
    least = np.maximum(np.where(is_low, 0.0, edge), b * _ROOT_2_PI)
    most = np.where(is_low, edge, np.inf)
    target = np.log(np.where(is_low, b, lacking))
    s = np.empty_like(b)
    s[is_low] = _guess_low(x[is_low], b[is_low])
    high = ~is_low
    s[high] = edge[high] + _distance(lacking[high], bound[high] - b_at_edge[high])
    s = np.clip(s, least, most)
    for _ in range(STEPS):
        s = np.clip(_halley(x, s, branch, target), np.maximum(least, s / 4), most)
    return s


def _halley(
    x: FloatColumn, s: FloatColumn, branch: FloatColumn, target: FloatColumn
) -> FloatColumn:
    """One step; with v = db/ds, d ln(v)/ds is x^2/s^3 - s/4, which gives the second derivative."""
    logarithm, slope = log_value(x, s, branch)
    newton = (logarithm - target) / slope
    bend = (x / s) ** 2 / s - s / 4 - slope
    return np.asarray(s - newton / np.maximum(1 - newton * bend / 2, 0.5))


def _distance(lacking: FloatColumn, lacking_at_edge: FloatColumn) -> FloatColumn:
    """How far s lies above the point of inflection; exact at the money, where that is at 0.

    There e^0 - b(0, s) = erfc(s / sqrt 8).
    """
    return np.asarray(2 * _ROOT_2 * erfcinv(lacking / lacking_at_edge))


def _bachelier_table() -> tuple[FloatColumn, FloatColumn]:
    """Logarithms: of a normal option's value per unit of |x|, and of its distance h to the money.

    Near the money Black's formula is Bachelier's, where that ratio, n(h)/h - N(-h), is a function
    of h alone. From h = 60 down to 1e-9, so that the first column rises.
    """
    h = np.exp(np.linspace(np.log(60), np.log(1e-9), 400))
    ratio = 1 / (h * np.sqrt(2 * np.pi)) - erfcx(h / _ROOT_2) / 2
    return np.log(ratio) - h * h / 2, np.log(h)


_LN_RATIO, _LN_H = _bachelier_table()


def _guess_low(x: FloatColumn, b: FloatColumn) -> FloatColumn:
    """Bachelier's s, below the point of inflection, and once more with b freed of e^(-s^2/8)."""
    ratio, edge = np.log(b / -x), inflection(x)
    s = -x * np.exp(-np.interp(ratio, _LN_RATIO, _LN_H))
    s = np.minimum(s, edge)
    return np.asarray(-x * np.exp(-np.interp(ratio + s * s / 8, _LN_RATIO, _LN_H)))
