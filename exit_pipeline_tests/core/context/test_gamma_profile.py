"""Net gamma over prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.gamma_profile import GammaProfile

ONE = {"strike": np.array([100.0]), "years": np.array([0.5]), "vol": np.array([0.2])}
RATES = {"rate": 0.04, "dividend": 0.01}


def random_contracts(count=300):
    random = np.random.default_rng(2)
    return {
        "strike": random.uniform(70, 130, count),
        "years": np.exp(random.uniform(np.log(1e-3), np.log(2), count)),
        "vol": random.uniform(0.1, 0.6, count),
    }


@pytest.mark.parametrize("rates", [{}, RATES], ids=["no rates", "rates"])
def test_the_profile_is_gamma_repriced_at_each_price(rates):
    contracts = random_contracts()
    interest = np.random.default_rng(3).integers(-5_000, 5_000, 300).astype(float)
    prices = np.linspace(80, 120, 9)
    direct = [
        (EuropeanOptions(right=1, spot=price, **contracts, **rates).gamma() * interest).sum()
        * 100 * price**2 * 0.01
        for price in prices
    ]  # fmt: skip
    profile = GammaProfile.of(**contracts, signed_interest=interest, **rates)
    assert profile.net(prices) == pytest.approx(np.array(direct), rel=1e-10)


def test_the_worked_case():
    profile = GammaProfile.of(**ONE, signed_interest=np.array([100.0]))
    assert profile.net(np.array([100.0]))[0] == pytest.approx(28_139.04356, abs=1e-4)


@given(st.floats(80, 120))
def test_the_scaled_sum_has_the_profiles_sign_and_slope(price):
    interest = np.random.default_rng(3).integers(-5_000, 5_000, 300).astype(float)
    profile = GammaProfile.of(**random_contracts(), signed_interest=interest)
    z, step = np.log(price), 1e-6
    height, slope = profile.at(z)
    low, same, high = profile.net(np.exp([z - step, z, z + step])) / np.exp([z - step, z, z + step])
    assert np.sign(height) == np.sign(same)
    assert slope / height == pytest.approx((high - low) / (2 * step) / same, rel=1e-4, abs=1e-2)


def test_the_scaled_sum_has_a_sign_where_every_gamma_is_too_small_for_a_float():
    minute = np.full(2, 1 / 525_600)
    profile = GammaProfile.of(
        np.array([95.0, 105.0]), minute, np.full(2, 0.2), np.array([-1.0, 1.0])
    )
    assert profile.net(np.array([99.0, 101.0])).tolist() == [0, 0]
    assert profile.at(np.log(99))[0] < 0 < profile.at(np.log(101))[0]


def test_no_contracts_have_no_gamma():
    none = np.empty(0)
    assert GammaProfile.of(none, none, none, none).net(np.array([99.0])).tolist() == [0]
