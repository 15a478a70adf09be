"""One volatility for each expiration and strike."""

import numpy as np
import pytest

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.smile import smile, usable_quotes
from exit_pipeline.core.model.instant import DAYS
from exit_pipeline_tests.core.context.chains import HALF_A_YEAR, NOW, chain_of, index_chain

NONE = np.nan


def solved(chain, **rates):
    return smile(chain, ChainGrid.of(chain), **rates)


@pytest.mark.parametrize(
    ("bid", "ask", "usable"),
    [
        pytest.param(1.00, 1.10, True, id="an ordinary quote"),
        pytest.param(1.00, 1.00, True, id="locked"),
        pytest.param(0.05, 0.15, True, id="a spread as wide as the mid"),
        pytest.param(0.05, 0.20, False, id="wider than the mid"),
        pytest.param(1.10, 1.00, False, id="crossed"),
        pytest.param(0.00, 0.05, False, id="no bid"),
        pytest.param(-1.0, 0.05, False, id="a negative bid"),
        pytest.param(NONE, 0.05, False, id="bid not known"),
        pytest.param(0.05, NONE, False, id="ask not known"),
        pytest.param(0.05, np.inf, False, id="ask infinite"),
        pytest.param(np.inf, np.inf, False, id="both infinite"),
    ],
)
def test_a_quote_is_usable_when_its_mid_says_something(bid, ask, usable):
    assert usable_quotes(chain_of([(100, 1, 1)], bid=[bid], ask=[ask])).tolist() == [usable]


def test_each_strike_is_solved_from_its_side_out_of_the_money():
    """The sides in the money are quoted at nonsense here and must not be looked at."""
    rows = [(90, -1, 1), (90, 1, 1), (110, 1, 1), (110, -1, 1)]
    chain = chain_of(rows, vol=[0.25, 0.9, 0.15, 0.9])
    found = solved(chain)
    assert found.vol == pytest.approx(np.array([[0.25, 0.15]]), abs=1e-12)
    assert found.is_solved.all()


def test_a_strike_without_a_quote_lies_straight_between_its_neighbours_and_ends_are_flat():
    rows = [(80, -1, 1), (90, -1, 1), (100, 1, 1), (110, 1, 1), (120, 1, 1)]
    quotes = chain_of(rows, vol=[0.9, 0.22, 0.9, 0.18, 0.9])
    bid = quotes.bid * [0, 1, 0, 1, 0]
    found = solved(chain_of(rows, vol=[0.9, 0.22, 0.9, 0.18, 0.9], bid=bid))
    assert found.vol == pytest.approx(np.array([[0.22, 0.22, 0.198998, 0.18, 0.18]]), abs=1e-6)
    assert found.is_solved.tolist() == [[False, True, False, True, False]]


def test_an_expiration_without_a_usable_quote_has_no_volatility_and_borrows_none():
    rows, later = [(90, -1, 1), (90, -1, 1)], HALF_A_YEAR + 90 * DAYS
    bid = chain_of(rows, expires_at=[HALF_A_YEAR, later]).bid * [0, 1]
    found = solved(chain_of(rows, expires_at=[HALF_A_YEAR, later], bid=bid)).vol[:, 0]
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.2, abs=1e-12)


def test_the_side_is_that_of_the_forward_and_rates_are_taken_out():
    """At 4 % the forward of 100 is 102.02, so at 101 it is the put that is out of the money."""
    put = EuropeanOptions(right=-1, spot=100.0, strike=101.0, years=0.5, vol=0.3, rate=0.04)
    price = float(put.price())
    chain = chain_of([(101, -1, 1), (101, 1, 1)], bid=[price, 50], ask=[price, 50])
    assert solved(chain, rate=0.04).vol[0, 0] == pytest.approx(0.3, abs=1e-12)


def test_two_contracts_of_one_strike_expiration_and_right_share_the_mean():
    chain = chain_of([(110, 1, 1), (110, 1, 1)], vol=[0.2, 0.3])
    assert solved(chain).vol[0, 0] == pytest.approx(0.25, abs=1e-12)


def test_a_minute_before_the_close_is_solved():
    chain = chain_of([(100.01, 1, 1)], expires_at=[NOW + 60_000_000])
    assert solved(chain).vol[0, 0] == pytest.approx(0.2, abs=1e-9)


def test_exact_quotes_of_a_whole_index_give_the_volatilities_that_made_them():
    chain, vol = index_chain(tick=0)
    grid = ChainGrid.of(chain)
    found = smile(chain, grid)
    own = found.is_solved.ravel()[grid.cell]
    assert own.all()
    assert np.abs(found.vol.ravel()[grid.cell] - vol).max() < 1e-9
