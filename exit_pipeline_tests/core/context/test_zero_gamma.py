"""Zeros of net gamma."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from exit_pipeline.core.context.gamma_profile import GammaProfile
from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.context.zero_gamma import zero_gamma

SETTINGS = GammaSettings()
MINUTE = 1 / 525_600


def found(rows, spot=100.0, years=0.5, settings=SETTINGS):
    """Zeros of (strike, signed open contracts) rows with a volatility of 0.2."""
    strike, interest = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    sized = np.full(len(rows), 1.0)
    profile = GammaProfile.of(strike, years * sized, 0.2 * sized, interest)
    return profile, zero_gamma(profile, spot, settings)


def test_the_worked_case():
    _, zero = found([(90, -100), (110, 100)])
    assert [one.above for one in zero.crossings] == [1]
    assert zero.nearest.price == pytest.approx(np.sqrt(90 * 110) * np.exp(-0.01), rel=1e-9)
    assert zero.reason is None


def test_every_zero_is_listed_and_the_one_nearest_the_spot_is_named():
    """A reader of the first change of sign alone would answer 86 with the spot at 100."""
    rows = [(84, 60), (88, -50), (92, 50), (98, -60), (106, 70), (112, -40)]
    _, zero = found(rows, years=0.005)
    assert [one.above for one in zero.crossings] == [-1, 1, -1, 1, -1]
    assert zero.crossings[0].price == pytest.approx(86, abs=0.5)
    assert zero.nearest is zero.crossings[3]
    assert zero.nearest.price == pytest.approx(102, abs=0.5)


@given(
    st.lists(
        st.tuples(st.floats(85, 115), st.integers(-1_000, 1_000).filter(bool)),
        min_size=2, max_size=8,
    ),
    st.floats(0.005, 1),
)  # fmt: skip
def test_each_zero_is_brents_to_1e_8_with_a_sign_on_either_side(rows, years):
    profile, zero = found(rows, years=years)
    levels = zero.prices[zero.net != 0]
    for one in zero.crossings:
        right = np.searchsorted(levels, one.price)
        low, high = np.log(levels[right - 1]), np.log(levels[right])
        exact = np.exp(brentq(lambda z: profile.at(z)[0], low, high, xtol=1e-13, rtol=1e-14))
        assert one.price == pytest.approx(exact, rel=1e-8)
        assert profile.at(high)[0] * one.above > 0 > profile.at(low)[0] * one.above


@given(
    st.lists(st.tuples(st.floats(85, 115), st.integers(-1_000, 1_000)), min_size=1, max_size=8),
    st.floats(90, 110),
)
def test_the_spot_is_scanned_so_its_sign_is_that_of_its_side_of_the_nearest_zero(rows, spot):
    _, zero = found(rows, spot=spot, years=0.01)
    assert spot in zero.prices
    if zero.nearest and zero.at_spot:
        side = 1 if spot > zero.nearest.price else -1
        assert np.sign(zero.at_spot) == side * zero.nearest.above


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(90, 10), (110, 20)], "net gamma is positive from 0.8 to 1.2 times the spot"),
        ([(90, -10), (110, -20)], "net gamma is negative from 0.8 to 1.2 times the spot"),
        ([(90, 0)], "there is no gamma from 0.8 to 1.2 times the spot"),
    ],
)
def test_no_zero_is_told_with_the_reason(rows, reason):
    _, zero = found(rows)
    assert (zero.crossings, zero.nearest, zero.reason) == ((), None, reason)


@pytest.mark.parametrize("years", [MINUTE, 5 * MINUTE, 15 * MINUTE], ids=["1 min", "5", "15"])
def test_strikes_narrower_than_the_even_levels_are_not_stepped_over(years):
    """On the last day the gamma of a strike is thinner than the 0.68 % between even levels."""
    rows = [(99, -100), (99.5, 100), (100, -150), (100.5, 120), (101, -90)]
    _, zero = found(rows, spot=100.1, years=years)
    assert [one.above for one in zero.crossings] == [1, -1, 1, -1]
    # Where only two strikes matter and are alike in size, the zero is half-way between them.
    assert zero.nearest.price == pytest.approx(100.25, abs=0.02 if years < 10 * MINUTE else 0.1)


def test_a_zero_between_strikes_with_no_gamma_left_between_them_is_half_way():
    _, zero = found([(95, -100), (105, 100)], years=MINUTE)
    assert zero.net[len(zero.net) // 2] == 0
    assert zero.nearest.price == pytest.approx(np.sqrt(95 * 105), rel=1e-6)


def test_levels_are_as_set():
    settings = GammaSettings(lowest=0.9, highest=1.3, levels=200)
    _, zero = found([(90, -100), (110, 100)], settings=settings)
    assert len(zero.prices) == 201
    assert (zero.prices[0], zero.prices[-1]) == pytest.approx((90, 130))
    assert zero.net[zero.prices.searchsorted(100)] == zero.at_spot
