"""Black's formula without units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from exit_pipeline.core.context.normalised_black import HIGH, LOW, inflection, log_value, value


def integral(x, s):
    """b as the integral of its derivative, which no cancellation touches."""
    peak = min(s, np.sqrt(2 * np.sqrt(1 + x * x) - 2)) if x else s
    height = -(x * x / peak**2 + peak**2 / 4) / 2
    part, _ = quad(
        lambda u: np.exp(-(x * x / (u * u) + u * u / 4) / 2 - height),
        0, s, epsabs=0, epsrel=1e-12, limit=500,
    )  # fmt: skip
    return np.log(part / np.sqrt(2 * np.pi)) + height


@pytest.mark.parametrize(
    ("x", "s"),
    [
        (0.0, 1e-4), (0.0, 0.2), (0.0, 3.0), (-1e-6, 1e-4), (-0.1, 0.02), (-0.1, 0.2),
        (-0.1, 0.4472), (-0.1, 0.448), (-0.5, 0.05), (-2.0, 0.1), (-2.0, 2.5), (-8.0, 4.1),
    ],
)  # fmt: skip
def test_the_value_is_the_integral_of_its_derivative_however_small_it_is(x, s):
    found = np.log(value(np.array([x]), np.array([s])))[0]
    assert found == pytest.approx(integral(x, s), abs=2e-11)


def test_the_value_at_the_money():
    assert value(np.array([0.0]), np.array([0.2]))[0] == pytest.approx(0.07965567455405798)


@given(st.floats(-5, -1e-6))
def test_both_branches_meet_at_the_point_of_inflection(x):
    x = np.array([x])
    s = inflection(x)
    low, slope = log_value(x, s, np.array([LOW]))
    high, fall = log_value(x, s, np.array([HIGH]))
    assert np.exp(low) + np.exp(high) == pytest.approx(np.exp(x / 2), rel=1e-14)
    assert np.exp(low) * slope == pytest.approx(-np.exp(high) * fall, rel=1e-12)


@given(st.floats(-3, 0), st.floats(0.01, 4))
def test_the_slope_is_the_derivative(x, s):
    x, s = np.array([x]), np.array([s])
    branch = np.where(s < inflection(x), LOW, HIGH)
    step = 1e-5 * s
    sides = [log_value(x, s + move, branch)[0] for move in (step, -step)]
    assert (sides[0] - sides[1]) / (2 * step) == pytest.approx(
        log_value(x, s, branch)[1], rel=1e-5, abs=1e-6
    )
