"""The whole gamma context of a chain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.gamma_context import gamma_context
from exit_pipeline.core.context.gamma_exposure import gamma_exposure
from exit_pipeline.core.context.gamma_profile import GammaProfile
from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.context.implied_vol import implied_vol
from exit_pipeline.core.context.usable_contracts import Coverage
from exit_pipeline.core.context.zero_gamma import zero_gamma
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.instant import DAYS, MINUTES
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.core.context.chains import HALF_A_YEAR, NOW, chain_of, index_chain

ROWS = [(90, -1, 1_000), (100, 1, 20), (110, 1, 1_000)]
NONE = np.full(3, np.nan)


def zeros_of(chain, vol):
    """Zeros with a volatility of each contract's own."""
    used = np.isfinite(vol) & (chain.open_interest > 0)
    profile = GammaProfile.of(
        chain.strike[used], chain.years[used], vol[used], (chain.right * chain.open_interest)[used]
    )
    return zero_gamma(profile, chain.spot, GammaSettings())


def test_the_worked_case():
    one = gamma_context(chain_of([(110, 1, 1_000), (90, -1, 1_000)]))
    assert one.exposure.calls == pytest.approx(235_167.37, abs=0.01)
    assert one.exposure.puts == pytest.approx(-202_257.56, abs=0.01)
    assert one.zero.nearest.price == pytest.approx(98.5087, abs=1e-4)
    assert one.signal.direction is Direction.CALL
    assert one.signal.strength == pytest.approx(0.0752, abs=1e-4)
    assert (one.reason, one.underlying, one.at, one.source) == (None, "XYZ", NOW, "a test")


@pytest.mark.parametrize("outward", [False, True], ids=["to the nearest", "outward"])
def test_quotes_in_steps_of_5_cents_make_no_false_zero_and_move_the_true_one_little(outward):
    chain, vol = index_chain(tick=0.05, outward=outward)
    truth = zeros_of(chain, vol)
    used = chain.open_interest > 0
    part = chain.take(used)
    net = gamma_exposure(part, ChainGrid.of(part), vol[used], GammaSettings()).net
    one = gamma_context(chain)
    assert len(truth.crossings) == len(one.zero.crossings) == 1
    assert one.zero.nearest.price == pytest.approx(truth.nearest.price, rel=0.0015)
    assert one.exposure.net == pytest.approx(net, rel=0.01)


def test_solving_each_contract_from_its_own_price_would_move_the_zero_by_1_percent():
    """The trap that the smile avoids: half a tick of a price in the money is all its time value."""
    chain, vol = index_chain(tick=0.05)
    spots = np.full(len(chain), chain.spot)
    own = implied_vol(chain.bid, chain.right, spots, chain.strike, chain.years)
    moved = zeros_of(chain, own).nearest.price / zeros_of(chain, vol).nearest.price - 1
    assert abs(moved) > 0.005


def test_the_profile_at_the_spot_is_the_exposure_there():
    one = gamma_context(index_chain()[0])
    assert one.zero.at_spot == pytest.approx(one.exposure.net, rel=1e-9)


@given(st.lists(st.tuples(st.sampled_from([90, 95, 100, 105, 110]), st.sampled_from([1, -1]),
                          st.integers(1, 5_000)), min_size=2, max_size=10),
       st.integers(2, 1_000))  # fmt: skip
def test_more_of_the_same_open_interest_scales_net_gamma_and_keeps_the_zeros(rows, factor):
    quoted = [*rows, (80, -1, 1), (120, 1, 1)]  # so that the spot lies inside
    quoted += [(strike, 1 if strike >= 100 else -1, 0) for strike in (90, 95, 100, 105, 110)]
    one = gamma_context(chain_of(quoted))
    other = gamma_context(chain_of([(k, right, count * factor) for k, right, count in quoted]))
    scale = one.exposure.gross * factor
    assert other.exposure.net == pytest.approx(one.exposure.net * factor, abs=1e-9 * scale)
    assert other.exposure.gross == pytest.approx(scale)
    if abs(one.exposure.net) > 1e-9 * one.exposure.gross:
        assert other.signal.direction is one.signal.direction
    for mine, yours in zip(one.zero.crossings, other.zero.crossings, strict=True):
        assert mine.above == yours.above
        assert mine.price == pytest.approx(yours.price, rel=1e-7)


@pytest.mark.parametrize(
    ("chain", "reason"),
    [
        pytest.param(chain_of(ROWS).take(slice(0)), "the chain of XYZ has no contracts",
                     id="no contracts"),
        pytest.param(replace(chain_of(ROWS), spot=np.nan),
                     "the spot of XYZ is nan, where a price above 0 was expected", id="no spot"),
        pytest.param(replace(chain_of(ROWS), spot=np.inf),
                     "the spot of XYZ is inf, where a price above 0 was expected",
                     id="spot infinite"),
        pytest.param(replace(chain_of(ROWS), spot=0.0),
                     "the spot of XYZ is 0, where a price above 0 was expected", id="spot zero"),
        pytest.param(replace(chain_of(ROWS), spot=-3.0),
                     "the spot of XYZ is -3, where a price above 0 was expected",
                     id="spot negative"),
        pytest.param(replace(chain_of(ROWS), at=UNKNOWN),
                     "the time of the chain of XYZ is not known", id="no time"),
        pytest.param(replace(chain_of(ROWS), expires_at=np.full(3, NOW)),
                     "all 3 contracts of XYZ have expired or name none", id="all expired"),
        pytest.param(replace(chain_of(ROWS), expires_at=np.full(3, UNKNOWN)),
                     "all 3 contracts of XYZ have expired or name none",
                     id="no expiration known"),
        pytest.param(replace(chain_of(ROWS), open_interest=NONE),
                     "open interest is known of 0 of 3 contracts of XYZ, where 50 % are needed",
                     id="no open interest known"),
        pytest.param(replace(chain_of(ROWS), open_interest=np.zeros(3)),
                     "no contract of XYZ is open", id="nothing open"),
        pytest.param(replace(chain_of(ROWS), spot=89.0),
                     "the spot of XYZ, 89, lies outside the strikes of its chain, 90 to 110",
                     id="spot below the strikes"),
        pytest.param(replace(chain_of(ROWS), spot=111.0),
                     "the spot of XYZ, 111, lies outside the strikes of its chain, 90 to 110",
                     id="spot above the strikes"),
        pytest.param(replace(chain_of(ROWS), bid=NONE), "a volatility is known of 0 % of the open "
                     "interest of XYZ, weighed by nearness, where 80 % are needed", id="no quotes"),
        pytest.param(replace(chain_of(ROWS), **dict.fromkeys(
                         ("bid", "ask", "open_interest", "feed_iv", "feed_gamma"), NONE)),
                     "open interest is known of 0 of 3 contracts of XYZ, where 50 % are needed",
                     id="nothing known"),
    ],
)  # fmt: skip
def test_what_cant_be_evaluated_is_told_with_the_reason_and_without_a_number(chain, reason):
    one = gamma_context(chain)
    assert (one.reason, one.exposure, one.zero) == (reason, None, None)
    assert (one.signal.direction, one.signal.strength) == (Direction.NONE, None)
    assert one.signal.reason == reason


def test_the_feeds_figures_are_used_only_when_asked_for():
    chain = chain_of(ROWS, feed_iv=[0.4] * 3, feed_gamma=[0.01, 0.01, 0.02])
    solved, fed = gamma_context(chain), gamma_context(chain, GammaSettings(figures="feed"))
    assert (solved.exposure.figures, fed.exposure.figures) == ("solved", "feed")
    assert fed.exposure.calls == pytest.approx((0.01 * 20 + 0.02 * 1_000) * 1e4)
    assert fed.zero.nearest.price == pytest.approx(
        zeros_of(chain, chain.feed_iv).nearest.price, rel=1e-8
    )
    assert solved.zero.nearest.price == pytest.approx(
        zeros_of(chain, np.full(3, 0.2)).nearest.price, rel=1e-8
    )


def test_a_feeds_zero_or_missing_figure_is_not_known():
    chain = chain_of([*ROWS, (105, 1, 5)], feed_iv=[0.2, 0, 0.2, 0.2], feed_gamma=[0.01] * 4)
    chain.feed_gamma[3] = np.nan
    one = gamma_context(chain, GammaSettings(figures="feed"))
    assert one.coverage == Coverage(rows=4, open=4, without_vol=2)


def test_expired_contracts_are_left_out_and_counted():
    rows = [*ROWS, (100, -1, 1_000_000)]
    chain = chain_of(rows, expires_at=[HALF_A_YEAR] * 4)
    chain = replace(chain, expires_at=np.array([HALF_A_YEAR] * 3 + [NOW]))
    one = gamma_context(chain)
    assert one.coverage == Coverage(rows=4, gone=1, open=3)
    assert one.exposure.net == pytest.approx(gamma_context(chain_of(ROWS)).exposure.net)


def test_contracts_without_a_known_open_interest_are_left_out_and_counted():
    one = gamma_context(chain_of(ROWS, open_interest=[1_000, np.nan, 1_000]))
    assert one.coverage == Coverage(rows=3, without_interest=1, open=2)
    assert one.exposure.strikes.tolist() == [90, 110]


@pytest.mark.parametrize(
    "away", [pytest.param(MINUTES, id="a minute"), pytest.param(1_000_000, id="a second")]
)
def test_the_last_day_is_evaluated_up_to_its_end(away):
    """All strikes are a deviation or so from the spot, as those that matter then are."""
    apart = 100 * 0.2 * np.sqrt(away / (365 * DAYS))
    rows = [(100 - apart, -1, 500), (100 + 1.5 * apart, 1, 500)]
    one = gamma_context(chain_of(rows, expires_at=[NOW + away] * 2))
    assert one.exposure.zero_dte_share == 1
    assert one.zero.nearest.price == pytest.approx(100 + apart / 4, abs=apart / 100)
    assert one.signal.direction is Direction.PUT


def test_figures_are_the_same_whatever_the_order_of_the_rows():
    chain, _ = index_chain(seed=4)
    order = np.random.default_rng(0).permutation(len(chain))
    one, other = gamma_context(chain), gamma_context(chain.take(order))
    assert other.exposure.net == pytest.approx(one.exposure.net, rel=1e-9)
    assert other.zero.nearest.price == pytest.approx(one.zero.nearest.price, rel=1e-9)
    assert other.exposure.call_wall == one.exposure.call_wall
