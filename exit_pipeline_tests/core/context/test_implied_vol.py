"""Implied volatility."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.implied_vol import implied_vol

COUNT = 400_000


def random_cases(deviations, seed):
    """Contracts out of the money by up to so many deviations, a minute to three years to go."""
    random = np.random.default_rng(seed)
    vol = np.exp(random.uniform(np.log(0.01), np.log(3), COUNT))
    years = np.exp(random.uniform(np.log(1 / 525_600), np.log(3), COUNT))
    forward = np.exp(random.uniform(0, 9, COUNT))
    strike = forward * np.exp(random.uniform(-deviations, deviations, COUNT) * vol * np.sqrt(years))
    right = np.where(strike >= forward, 1, -1)
    return vol, right, forward, strike, years


def priced(vol, right, forward, strike, years, **rates):
    return EuropeanOptions(
        right=right, spot=forward, strike=strike, years=years, vol=vol, **rates
    ).price()


def solve_one(price, right=1, forward=100.0, strike=100.0, years=1.0, discount=1.0):
    columns = (np.array([float(one)]) for one in (price, right, forward, strike, years))
    return implied_vol(*columns, discount)[0]


@pytest.mark.parametrize("deviations", [0.01, 6, 36])
def test_every_volatility_comes_back_to_1e_9(deviations):
    vol, *contract = random_cases(deviations, seed=5)
    price = priced(vol, *contract)
    sized = price > 1e-280  # below, a float has fewer digits
    assert sized.mean() > 0.99
    found = implied_vol(price, *contract)
    assert np.isfinite(found[sized]).all()
    assert np.abs(found - vol)[sized].max() < 1e-9


def test_a_volatility_comes_back_under_rates():
    years, rate, dividend = 0.7, 0.05, 0.02
    price = priced(0.33, -1, 100.0, 90.0, years, rate=rate, dividend=dividend)
    forward = 100 * np.exp((rate - dividend) * years)
    assert solve_one(price, -1, forward, 90.0, years, np.exp(-rate * years)) == pytest.approx(
        0.33, abs=1e-12
    )


def test_the_worked_case():
    assert solve_one(7.965567455405804) == pytest.approx(0.2, abs=1e-14)


@pytest.mark.parametrize(
    ("price", "right", "strike", "solved"),
    [
        pytest.param(20.0, 1, 80, False, id="a call at its intrinsic value"),
        pytest.param(19.99, 1, 80, False, id="a call below it"),
        pytest.param(20.01, 1, 80, True, id="a call above it"),
        pytest.param(20.0, -1, 120, False, id="a put at its intrinsic value"),
        pytest.param(20.01, -1, 120, True, id="a put above it"),
        pytest.param(100.0, 1, 120, False, id="a call at the forward"),
        pytest.param(101.0, 1, 120, False, id="a call above the forward"),
        pytest.param(99.9, 1, 120, True, id="a call below the forward"),
        pytest.param(80.0, -1, 80, False, id="a put at its strike"),
        pytest.param(79.9, -1, 80, True, id="a put below its strike"),
        pytest.param(0.0, 1, 120, False, id="a price of zero"),
        pytest.param(-0.1, 1, 120, False, id="a negative price"),
        pytest.param(1e-300, 1, 120, True, id="next to nothing"),
        pytest.param(1e-300, 1, 100, True, id="next to nothing at the money"),
    ],
)
def test_a_price_outside_its_bounds_has_no_volatility(price, right, strike, solved):
    assert np.isfinite(solve_one(price, right, strike=strike)) == solved


@pytest.mark.parametrize("place", [0, 2, 3, 4, 5])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_a_bad_input_has_no_volatility_and_warns_of_nothing(place, bad):
    terms = [8.0, 1, 100.0, 100.0, 1.0, 1.0]
    terms[place] = bad
    assert np.isnan(solve_one(*terms))


@given(
    st.floats(1e-3, 1e5), st.floats(1e-3, 1e5), st.floats(1e-6, 30), st.sampled_from([1, -1]),
    st.floats(0, 1),
)  # fmt: skip
def test_whatever_lies_between_the_bounds_is_solved_to_the_price(
    forward, strike, years, right, share
):
    bound = forward if right > 0 else strike
    least = max(right * (forward - strike), 0.0)
    price = least + share * (bound - least)
    found = solve_one(price, right, forward, strike, years)
    if np.isnan(found):
        # Only where a float can't tell the price from one of its bounds.
        assert min(price - least, bound - price) <= 1e-12 * max(forward, strike)
    else:
        back = priced(found, right, forward, strike, years)
        assert back == pytest.approx(price, abs=1e-11 * max(forward, strike))


def test_nothing_in_is_nothing_out():
    none = np.empty(0)
    assert len(implied_vol(none, none, none, none, none)) == 0
