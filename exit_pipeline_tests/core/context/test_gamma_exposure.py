"""Gamma, vanna and charm exposure."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.gamma_exposure import gamma_exposure
from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.model.instant import DAYS, MINUTES
from exit_pipeline_tests.core.context.chains import HALF_A_YEAR, NOW, chain_of

ROWS = [(90, 1, 100), (90, -1, 300), (100, 1, 250), (100, -1, 200), (110, 1, 200), (110, -1, 50)]


def exposed(chain, **settings):
    return gamma_exposure(chain, ChainGrid.of(chain), chain.feed_iv, GammaSettings(**settings))


def fed(gammas, rows=ROWS, **settings):
    """The exposure of contracts whose gammas are given."""
    return exposed(chain_of(rows, feed_gamma=gammas), figures="feed", **settings)


def test_dollars_per_1_percent_move_with_calls_positive_and_puts_negative():
    one = fed([0.01] * 6)
    # gamma 0.01 * contracts * 100 shares * 100^2 * 0.01
    assert one.calls_by_strike == pytest.approx([10_000, 25_000, 20_000])
    assert one.puts_by_strike == pytest.approx([-30_000, -20_000, -5_000])
    assert (one.calls, one.puts, one.net, one.gross) == pytest.approx((55e3, -55e3, 0, 110e3))


def test_gamma_is_computed_unless_the_feeds_is_asked_for():
    chain = chain_of(ROWS, feed_gamma=[0.5] * 6)
    own = chain_of(ROWS).feed_gamma  # of exact volatilities
    assert exposed(chain).gross == pytest.approx((own * chain.open_interest).sum() * 1e4)
    assert exposed(chain).figures == "solved"
    assert exposed(chain, figures="feed").gross == pytest.approx(0.5 * 1_100 * 1e4)
    assert exposed(chain, figures="feed").figures == "feed"


@pytest.mark.parametrize(
    ("walls", "call_wall", "put_wall"),
    [pytest.param("side", 100, 90, id="by side"), pytest.param("net", 110, 90, id="by net")],
)
def test_walls_follow_the_definition_that_is_recorded(walls, call_wall, put_wall):
    one = fed([0.01] * 6, walls=walls)
    assert (one.call_wall, one.put_wall, one.walls) == (call_wall, put_wall, walls)


@pytest.mark.parametrize("walls", ["side", "net"])
@pytest.mark.parametrize(
    ("right", "walls_found"), [(1, (100, None)), (-1, (None, 100))], ids=["calls", "puts"]
)
def test_a_side_without_gamma_has_no_wall(walls, right, walls_found):
    one = fed([0.01, 0.02], [(90, right, 10), (100, right, 10)], walls=walls)
    assert (one.call_wall, one.put_wall) == walls_found


def test_of_equal_walls_the_lowest_strike_is_named():
    one = fed([0.01] * 4, [(90, 1, 10), (100, 1, 10), (90, -1, 10), (100, -1, 10)])
    assert (one.call_wall, one.put_wall) == (90, 90)


@pytest.mark.parametrize(
    ("away", "share"),
    [
        pytest.param(MINUTES, 0.4, id="a minute before the close"),
        pytest.param(390 * MINUTES, 0.4, id="a whole session"),
        pytest.param(17 * 60 * MINUTES, 0.0, id="the next day's open"),
    ],
)
def test_the_share_of_the_last_day_is_of_the_gross(away, share):
    rows = [(100, 1, 100), (100, -1, 300), (100, 1, 500), (100, -1, 100)]
    chain = chain_of(rows, expires_at=[NOW + away] * 2 + [NOW + 9 * DAYS] * 2)
    one = exposed(replace(chain, feed_gamma=np.full(4, 0.01)), figures="feed")
    assert one.zero_dte_share == pytest.approx(share)


def test_without_any_gamma_there_is_no_share():
    assert fed([0.0] * 6).zero_dte_share is None


def test_vanna_is_the_delta_that_a_point_of_volatility_adds_and_charm_the_one_of_a_day():
    """A call that is bought and a put that is sold, repriced with both moved a little."""
    chain = chain_of([(105, 1, 1_000), (95, -1, 700)])
    one = exposed(chain)

    def delta_dollars(vol=0.2, years=0.5):
        options = EuropeanOptions(
            right=chain.right, spot=100.0, strike=chain.strike, years=years, vol=vol
        )
        return (options.delta() * chain.right * chain.open_interest * 100 * 100).sum()

    point, day = 1e-4, 1 / 365 / 100
    vanna = (delta_dollars(vol=0.2 + point) - delta_dollars(vol=0.2 - point)) / (2 * point) * 0.01
    charm = (delta_dollars(years=0.5 - day) - delta_dollars(years=0.5 + day)) / 2 * 100
    assert one.vanna == pytest.approx(vanna, rel=1e-6)
    assert one.charm == pytest.approx(charm, rel=1e-6)


contracts = st.lists(
    st.tuples(
        st.sampled_from([90.0, 95.0, 100.0, 107.5]), st.sampled_from([1, -1]),
        st.integers(0, 10_000),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(contracts)
def test_strikes_and_expirations_each_add_up_to_the_whole(rows):
    expires_at = [HALF_A_YEAR + (place % 3) * 30 * DAYS for place in range(len(rows))]
    one = exposed(chain_of(rows, expires_at=expires_at))
    for parts in (one.net_by_strike, one.net_by_expiration):
        assert parts.sum() == pytest.approx(one.net, rel=1e-9, abs=1e-6)
    assert (one.calls_by_strike.sum(), one.puts_by_expiration.sum()) == pytest.approx(
        (one.calls, one.puts)
    )


@given(contracts)
def test_calls_in_the_place_of_puts_turn_every_sign(rows):
    one, other = (
        exposed(chain_of([(strike, right * sign, count) for strike, right, count in rows]))
        for sign in (1, -1)
    )
    for name in ("net", "vanna", "charm"):
        assert getattr(one, name) == pytest.approx(-getattr(other, name), rel=1e-9, abs=1e-6)
    assert one.gross == pytest.approx(other.gross)
    assert (one.call_wall, one.put_wall) == (other.put_wall, other.call_wall)
