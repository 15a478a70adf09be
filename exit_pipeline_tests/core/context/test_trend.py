"""Trend: directional movement against an independent reckoning, the gate, and what is not known."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.context.trend import TrendContext, TrendSettings, directional, read_trend
from exit_pipeline.core.model.daily import DailyBars
from exit_pipeline.core.model.market_state import Trend

START = date(2025, 1, 1)
SHORT = TrendSettings(period=2, sma_days=3)


def bars_of(rows):
    """Bars on consecutive days from rows of high, low and close."""
    return DailyBars.of((START + timedelta(i), *row) for i, row in enumerate(rows))


def judged(rows, settings=SHORT):
    """The trend after all bars, asked on the next day."""
    after = START + timedelta(len(rows))
    return read_trend(bars_of(rows), after, after - timedelta(1), settings)


def walk(seed, n, drift=0.0):
    """A seeded random walk of bars."""
    random = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(random.normal(drift, 0.01, n)))
    high = close * (1 + random.uniform(0, 0.01, n))
    low = close * (1 - random.uniform(0, 0.01, n))
    return list(zip(high.tolist(), low.tolist(), close.tolist(), strict=True))


def wilder_by_sums(rows, n):
    """Wilder's own work sheet: running sums, one bar at a time, in plain numbers."""
    ranges, ups, downs, answers, indices = [], [], [], [], []
    sums, adx = None, None
    for (h0, l0, c0), (h, low, _) in pairwise(rows):
        ranges.append(max(h - low, abs(h - c0), abs(low - c0)))
        rise, fall = h - h0, l0 - low
        ups.append(rise if rise > fall and rise > 0 else 0)
        downs.append(fall if fall > rise and fall > 0 else 0)
        if len(ranges) < n:
            continue
        newest = [ranges[-1], ups[-1], downs[-1]]
        if sums is None:
            sums = [sum(column) for column in (ranges, ups, downs)]
        else:
            sums = [total - total / n + new for total, new in zip(sums, newest, strict=True)]
        plus, minus = 100 * sums[1] / sums[0], 100 * sums[2] / sums[0]
        indices.append(100 * abs(plus - minus) / (plus + minus) if plus + minus else 0)
        if len(indices) == n:
            adx = sum(indices) / n
        elif adx is not None:
            adx = (adx * (n - 1) + indices[-1]) / n
        answers.append((plus, minus, adx))
    return answers


# With period 2, as in the docstring of ``directional``.
BY_HAND = [(10, 8, 9), (12, 9, 11), (13, 11, 12), (12, 9, 10)]


def test_the_example_reckoned_by_hand():
    one = judged(BY_HAND)
    assert one.plus_di == pytest.approx(100 * 0.75 / 2.75)
    assert one.minus_di == pytest.approx(100 * 1 / 2.75)
    assert one.adx == pytest.approx((100 + 100 / 7) / 2)
    assert one.bias == pytest.approx(-1 / 7)
    assert (one.trend, one.sma, one.above_sma) == (Trend.BEARISH, 11.0, False)
    assert (one.bar_day, one.notes) == (START + timedelta(3), ())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("period", [2, 7, 14])
def test_directional_movement_agrees_with_running_sums(seed, period):
    rows = walk(seed, 150)
    moved = directional(bars_of(rows), period)
    expected = wilder_by_sums(rows, period)
    tail = slice(-len(expected), None)
    np.testing.assert_allclose(moved.plus_di[tail], [one[0] for one in expected], rtol=1e-9)
    np.testing.assert_allclose(moved.minus_di[tail], [one[1] for one in expected], rtol=1e-9)
    adx = [np.nan if one[2] is None else one[2] for one in expected]
    np.testing.assert_allclose(moved.adx[tail], adx, rtol=1e-9)
    assert np.isnan(moved.plus_di[: -len(expected)]).all()


def test_the_directions_begin_at_bar_15_and_the_index_at_bar_28():
    moved = directional(bars_of(walk(1, 40)), 14)
    assert np.flatnonzero(~np.isnan(moved.plus_di))[0] + 1 == 15
    assert np.flatnonzero(~np.isnan(moved.adx))[0] + 1 == 28


@pytest.mark.parametrize("n", range(6))
def test_columns_are_as_long_as_the_bars_however_few(n):
    moved = directional(bars_of(walk(2, n)), 14)
    assert len(moved.plus_di) == len(moved.minus_di) == len(moved.adx) == n


def test_150_bars_of_history_make_the_seed_forgotten():
    rows = walk(3, 400)
    whole, part = judged(rows, TrendSettings()), judged(rows[-150:], TrendSettings())
    assert part.adx == pytest.approx(whole.adx, abs=0.02)


def rising(n):
    return [(100 + i + 0.5, 100 + i - 0.5, 100 + i) for i in range(n)]


def falling(n):
    return [(500 - i + 0.5, 500 - i - 0.5, 500 - i) for i in range(n)]


FLAT = [(101, 99, 100)] * 250
STANDING = [(100, 100, 100)] * 250


@pytest.mark.parametrize(
    ("rows", "trend", "bias", "above"),
    [
        pytest.param(rising(250), "BULLISH", 1.0, True, id="rising"),
        pytest.param(falling(250), "BEARISH", -1.0, False, id="falling"),
        pytest.param(FLAT, "NEUTRAL", 0.0, False, id="nothing moves either way"),
        pytest.param(STANDING, "NEUTRAL", 0.0, False, id="no range at all"),
    ],
)
def test_plain_markets_have_plain_trends(rows, trend, bias, above):
    one = judged(rows, TrendSettings())
    assert (one.trend.name, one.bias, one.above_sma) == (trend, pytest.approx(bias), above)


def test_the_bias_of_a_weak_trend_is_scaled_down():
    """+DI 30, -DI 10 and ADX 20 would be 0.4; here the same formula on a walk."""
    one = judged(walk(11, 120), TrendSettings())
    assert 0 < one.adx < 25
    share = (one.plus_di - one.minus_di) / (one.plus_di + one.minus_di)
    assert one.bias == pytest.approx(share * one.adx / 25)


def test_between_the_limits_the_trend_of_the_bar_before_stays():
    """The same bars: with a narrow zone of doubt there is no trend, with a wide one it stays."""
    rows = rising(60) + [(160.5 - i % 2, 158.5 - i % 2, 159.5 - i % 2) for i in range(16)]
    adx = judged(rows, TrendSettings(sma_days=1)).adx
    moved = directional(bars_of(rows), 14)
    assert moved.plus_di[-1] > moved.minus_di[-1]
    between = {"strong_above": adx + 1, "sma_days": 1}
    assert judged(rows, TrendSettings(none_below=adx - 1, **between)).trend is Trend.BULLISH
    assert judged(rows, TrendSettings(none_below=adx + 1, **between)).trend is Trend.NEUTRAL


def test_an_index_of_exactly_the_upper_limit_is_not_yet_strong():
    rows = walk(11, 120)
    adx = directional(bars_of(rows), 14).adx
    until_highest = rows[: int(np.nanargmax(adx)) + 1]
    highest = float(np.nanmax(adx))
    at_limit, below = (
        TrendSettings(none_below=0, strong_above=limit) for limit in (highest, highest - 0.01)
    )
    assert judged(until_highest, at_limit).trend is Trend.NEUTRAL
    assert judged(until_highest, below).trend is not Trend.NEUTRAL


def test_an_index_of_exactly_the_lower_limit_still_holds_the_trend():
    rows = rising(60) + [(160.5 - i % 2, 158.5 - i % 2, 159.5 - i % 2) for i in range(16)]
    adx = float(directional(bars_of(rows), 14).adx[-1])
    assert judged(rows, TrendSettings(none_below=adx, strong_above=adx)).trend is Trend.BULLISH


def test_a_bar_that_reaches_as_far_up_as_down_moves_neither_way():
    rows = [(10, 8, 9), (11, 7, 9), (12, 8, 11)]
    one = judged(rows)
    assert (one.plus_di, one.minus_di) == (pytest.approx(100 * 0.5 / 4), 0)


def test_the_usual_periods_and_limits_are_the_defaults():
    assert TrendSettings() == TrendSettings(period=14, strong_above=25, none_below=20, sma_days=200)


def test_between_the_limits_a_trend_does_not_begin():
    rows = walk(11, 120)
    adx = directional(bars_of(rows), 14).adx
    highest = float(np.nanmax(adx))
    never_strong = TrendSettings(none_below=0, strong_above=min(highest + 1, 99))
    assert judged(rows, never_strong).trend is Trend.NEUTRAL


def test_between_the_limits_a_trend_ends_when_its_direction_turns():
    rows = rising(60) + [(158 - 2 * i, 156 - 2 * i, 157 - 2 * i) for i in range(9)]
    moved = directional(bars_of(rows), 14)
    assert moved.plus_di[-1] < moved.minus_di[-1]
    turned = np.argmax((moved.minus_di > moved.plus_di) & (np.arange(len(rows)) > 28))
    below = float(np.max(moved.adx[turned:])) + 0.01
    settings = TrendSettings(none_below=0, strong_above=below)
    assert judged(rows[:turned], settings).trend is Trend.BULLISH
    assert judged(rows, settings).trend is Trend.NEUTRAL


@pytest.mark.parametrize(
    ("bars", "known", "notes"),
    [
        pytest.param(0, set(), ["No daily bar is stored."], id="none"),
        pytest.param(27, set(), ["27 of the 28 daily bars an ADX needs.",
                                 "27 of the 200 daily bars the average needs."], id="27"),
        pytest.param(28, {"trend", "bias", "adx"},
                     ["28 of the 200 daily bars the average needs."], id="28"),
        pytest.param(199, {"trend", "bias", "adx"},
                     ["199 of the 200 daily bars the average needs."], id="199"),
        pytest.param(200, {"trend", "bias", "adx", "sma", "above_sma"}, [], id="200"),
    ],
)  # fmt: skip
def test_a_history_too_short_is_not_evaluable_and_says_so(bars, known, notes):
    one = judged(walk(4, bars), TrendSettings())
    names = ["trend", "bias", "adx", "sma", "above_sma"]
    assert {name for name in names if getattr(one, name) is not None} == known
    assert list(one.notes) == notes


def test_bars_that_end_before_the_session_before_are_not_judged():
    rows = walk(5, 250)
    late = START + timedelta(len(rows) + 1)
    one = read_trend(bars_of(rows), late, late - timedelta(1), TrendSettings())
    newest = START + timedelta(249)
    note = f"The newest daily bar is of {newest}, expected of {newest + timedelta(1)}."
    assert one == TrendContext(bar_day=newest, notes=(note,))


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(0, 10), st.integers(1, 8))
def test_the_bar_of_the_session_and_later_ones_change_nothing(seed, later_seed, later):
    """No look-ahead: whatever is stored of today and of the future, the answer is the same."""
    rows = walk(seed, 205)
    session = START + timedelta(205)
    known = read_trend(bars_of(rows), session, session - timedelta(1), TrendSettings())
    more = bars_of(rows + [tuple(3 * v for v in row) for row in walk(later_seed, later)])
    assert read_trend(more, session, session - timedelta(1), TrendSettings()) == known


@settings(max_examples=25)
@given(st.integers(0, 99), st.floats(0.01, 50))
def test_the_unit_of_prices_does_not_matter(seed, factor):
    rows = walk(seed, 60)
    scaled = [tuple(value * factor for value in row) for row in rows]
    one, other = judged(rows, TrendSettings()), judged(scaled, TrendSettings())
    assert other.adx == pytest.approx(one.adx)
    assert other.bias == pytest.approx(one.bias)


@settings(max_examples=25)
@given(st.integers(0, 99))
def test_a_market_turned_upside_down_has_the_opposite_trend(seed):
    rows = walk(seed, 60)
    mirrored = [(1000 - low, 1000 - high, 1000 - close) for high, low, close in rows]
    one, other = judged(rows, TrendSettings()), judged(mirrored, TrendSettings())
    assert other.trend == -one.trend
    assert (other.plus_di, other.minus_di) == pytest.approx((one.minus_di, one.plus_di))
    assert other.bias == pytest.approx(-one.bias)


@settings(max_examples=25)
@given(st.integers(0, 999), st.sampled_from([-0.01, 0, 0.01]))
def test_every_figure_is_within_its_range(seed, drift):
    one = judged(walk(seed, 80, drift), TrendSettings())
    assert 0 <= one.adx <= 100
    assert -1 <= one.bias <= 1
    assert min(one.plus_di, one.minus_di) >= 0


@pytest.mark.parametrize(
    "given_", [{"none_below": 26}, {"period": 1}, {"strong_above": 100}, {"sma_days": 0}]
)
def test_senseless_settings_are_refused(given_):
    with pytest.raises(ValidationError):
        TrendSettings(**given_)
