"""What of a chain can be summed up."""

import numpy as np
import pytest

from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.context.usable_contracts import (
    Coverage,
    has_interest,
    why_too_few,
    why_unusable,
)
from exit_pipeline.core.model.chain import YEAR
from exit_pipeline_tests.core.context.chains import HALF_A_YEAR, NOW, chain_of

SETTINGS = GammaSettings()
NONE = np.nan


def chain_with(*interest, **columns):
    rows = [(90 + 5 * place, 1, one) for place, one in enumerate(interest)]
    return chain_of(rows, **columns)


def test_only_a_count_is_an_open_interest():
    interest = has_interest(chain_with(0, 5, -1, NONE, np.inf))
    assert interest.tolist() == [True, True, False, False, False]


def test_the_coverage_counts_each_ground_once():
    gone = [HALF_A_YEAR] * 4 + [NOW]
    assert Coverage.of(chain_with(0, 5, 7, NONE, NONE, expires_at=gone)) == Coverage(
        rows=5, gone=1, without_interest=1, open=2
    )


@pytest.mark.parametrize(
    ("interest", "reason"),
    [
        pytest.param([1, 1, 1, 1], None, id="all known"),
        pytest.param([1, 1, NONE, NONE], None, id="half, which is enough"),
        pytest.param([1, NONE, NONE, NONE],
                     "open interest is known of 1 of 4 contracts of XYZ, where 50 % are needed",
                     id="a quarter"),
        pytest.param([0, 0, 0, 0], "no contract of XYZ is open", id="none open"),
    ],
)  # fmt: skip
def test_a_chain_must_know_enough_of_its_open_interest(interest, reason):
    chain = chain_with(*interest)
    assert why_unusable(chain, Coverage.of(chain), SETTINGS) == reason


@pytest.mark.parametrize(
    ("known", "percent"),
    [
        pytest.param([True, True], None, id="all"),
        pytest.param([True, False], None, id="80 % of the open interest, which is enough"),
        pytest.param([False, True], 20, id="20 %"),
        pytest.param([False, False], 0, id="none"),
    ],
)
def test_volatilities_are_weighed_by_open_interest(known, percent):
    chain = chain_with(80, 20, NONE, 0)
    is_open = np.array([True, True, False, False])
    assert why_too_few(chain, is_open, np.array([*known, True, True]), SETTINGS) == (
        None
        if percent is None
        else f"a volatility is known of {percent} % of the open interest of XYZ, weighed by "
        "nearness, where 80 % are needed"
    )


def test_an_expiration_of_today_without_volatilities_is_missed_however_little_of_it_is_open():
    """On 2015-12-24 at 12:25 no quote of GOOG's last day had two sides: 38 % of its gamma, yet a
    small part of its open interest, was gone, and the rest was told as if it were the whole.
    """
    chain = chain_with(900, 100, expires_at=[NOW + YEAR, NOW + YEAR // 100])
    told = why_too_few(chain, np.ones(2, dtype=bool), np.array([True, False]), SETTINGS)
    assert told.startswith("a volatility is known of 47 % of the open interest of XYZ")
