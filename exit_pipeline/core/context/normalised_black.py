"""Black's formula without units, in a form that keeps its digits however small the price is.

With F the forward, K the strike, x = -|ln(F/K)| and s = sigma sqrt(T), every European option is
known from the price b of the side out of the money in units of sqrt(F K) (Jaeckel, "Let's be
rational", Wilmott, January 2015, section 2):

    b(x, s) = e^(x/2) N(x/s + s/2) - e^(-x/2) N(x/s - s/2),    0 < b < e^(x/2)

Written with h = x / (s sqrt 2), t = s / sqrt 8 and the scaled complementary error function, both b
and what it lacks to its bound are an exponential times a factor near one:

    b            = e^-(h^2+t^2) / 2 * (erfcx(-(h+t)) - erfcx(t-h))
    e^(x/2) - b  = e^-(h^2+t^2) / 2 * (erfcx(  h+t ) + erfcx(t-h))

The first is used up to the point of inflection s = sqrt(-2x), where h + t = 0, and the second from
there on; then no argument of erfcx is negative, so nothing overflows.
"""

from typing import Final

import numpy as np
from scipy.special import erfcx

from exit_pipeline.core.model.book import FloatColumn

LOW: Final = 1.0
"""The branch below the point of inflection, where b itself is computed."""

HIGH: Final = -1.0
"""The branch above it, where e^(x/2) - b is."""

_ROOT_2: Final = float(np.sqrt(2))
_ROOT_8: Final = float(np.sqrt(8))
_SLOPE: Final = float(np.sqrt(2 / np.pi))


def inflection(x: FloatColumn) -> FloatColumn:
    """The s at which b turns from convex to concave: sqrt(-2x).

    Example: x = -0.02 gives 0.2.
    """
    return np.asarray(np.sqrt(-2 * x))


def log_value(
    x: FloatColumn, s: FloatColumn, branch: FloatColumn
) -> tuple[FloatColumn, FloatColumn]:
    """The logarithm of the branch's value, and its slope in s.

    Since db/ds = e^-(h^2+t^2) / sqrt(2 pi), the exponential cancels from the slope, which is
    ``branch * sqrt(2/pi) / (the bracket of the module's formulas)``.

    Args:
        x: -|ln(F/K)|, at most 0.
        s: sigma sqrt(T), above 0, on the branch's side of ``inflection``.
        branch: ``LOW`` or ``HIGH`` by row.

    Example: x = 0, s = 0.2 on ``HIGH``: b is 0.0796557, so the logarithm is ln(0.9203443) =
    -0.0830074 and the slope -0.396953 / 0.9203443 = -0.431309.
    """
    h, t = x / (_ROOT_2 * s), s / _ROOT_8
    bracket = erfcx(-branch * (h + t)) - branch * erfcx(t - h)
    return np.log(bracket / 2) - (h * h + t * t), branch * _SLOPE / bracket


def value(x: FloatColumn, s: FloatColumn) -> FloatColumn:
    """b(x, s): the price out of the money in units of sqrt(F K).

    Example: x = 0, s = 0.2 gives 0.0796557.
    """
    branch = np.where(s < inflection(x), LOW, HIGH)
    logarithm, _ = log_value(x, s, branch)
    part = np.exp(logarithm)
    return np.where(branch == LOW, part, np.exp(x / 2) - part)
