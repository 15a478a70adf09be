from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.simulated_market import (
    FIRST_DAY,
    LAST_DAY,
    SESSION_SECONDS,
    Regime,
    SimulatedMarket,
    is_ticker,
    previous_weekday,
    profile,
    random_stream,
    stable_key,
    uniforms,
)
from exit_pipeline.core.model.errors import InputError

DAY = date(2026, 3, 18)
MARKET = SimulatedMarket(199)
ALL_SECONDS = np.arange(SESSION_SECONDS + 1)
TICKERS = ("SPY", "QQQ", "IWM", "AAPL", "NVDA", "TSLA", "ZZTOP")

weekdays = st.dates(date(2000, 1, 4), LAST_DAY).filter(lambda day: day.weekday() < 5)


def weekdays_of(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=ahead) for ahead in range(count * 2))
    return [day for day in days if day.weekday() < 5][:count]


def test_random_numbers_are_those_of_splitmix64():
    # The published stream of the seed 0: E220A8397B1DCDAF, 6E789E6AA1B965F4, 06C45D188009454F.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]

    assert random_stream(0, 3) == pytest.approx([value / 2**64 for value in published])


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_random_numbers_lie_strictly_between_0_and_1(keys):
    numbers = uniforms(np.array(keys, dtype=np.uint64))

    assert ((numbers > 0) & (numbers < 1)).all()


def test_a_key_is_the_same_in_every_process():
    # Such as: printf 'closes\\x1fSPY\\x1f7' | b2sum -l 64
    assert stable_key("closes", "SPY", 7) == 0xFE6CEA3A68433B0F
    assert stable_key("a", "bc") != stable_key("ab", "c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("SPY", True), ("BRK.B", True), ("A", True), ("", False), ("spy", False), ("TOOLONG", False),
     ("GOOG1", False), (".A", False), ("SPY\n", False)],
)  # fmt: skip
def test_knows_what_can_be_a_ticker(text, expected):
    assert is_ticker(text) is expected


@pytest.mark.parametrize("ticker", TICKERS)
def test_prices_stay_plausible_over_all_years(ticker):
    closes = [MARKET.last_close(ticker, day) for day in weekdays_of(date(2000, 1, 4), 17_000)[::50]]

    assert min(closes) > profile(ticker).level / 8
    assert max(closes) < profile(ticker).level * 8


@given(day=weekdays, ticker=st.sampled_from((*TICKERS, "VIX", "VIX3M")))
@settings(deadline=None, max_examples=50)
def test_a_day_ends_where_the_next_one_begins_from(day, ticker):
    if day >= LAST_DAY - timedelta(days=3):
        return
    tomorrow = next(d for d in weekdays_of(day + timedelta(days=1), 2))
    close = MARKET.price(ticker, day, np.array([SESSION_SECONDS]))[0]

    assert MARKET.last_close(ticker, tomorrow) == pytest.approx(close)


@pytest.mark.parametrize("ticker", [*TICKERS, "VIX", "VIX3M"])
def test_prices_move_without_a_leap_within_a_day(ticker):
    prices = MARKET.price(ticker, DAY, ALL_SECONDS)

    assert np.abs(np.diff(np.log(prices))).max() < 0.001
    assert np.std(prices) > 0


@given(day=weekdays, ticker=st.sampled_from(TICKERS), seconds=st.integers(0, SESSION_SECONDS))
@settings(deadline=None, max_examples=50)
def test_a_price_does_not_hang_on_what_was_asked_before(day, ticker, seconds):
    asked = np.array([seconds])
    fresh = SimulatedMarket(199).price(ticker, day, asked)

    assert MARKET.price(ticker, day, asked) == fresh
    assert MARKET.price(ticker, day, ALL_SECONDS)[seconds] == fresh[0]


def test_another_seed_is_another_world():
    asked = np.array([0])

    assert SimulatedMarket(1).price("SPY", DAY, asked) != SimulatedMarket(2).price(
        "SPY", DAY, asked
    )


def test_vix_tells_the_regimes_apart():
    days = weekdays_of(date(2005, 1, 3), 4_000)
    levels = {
        regime: np.mean([MARKET.last_close("VIX", d) for d in days if MARKET.regime(d) is regime])
        for regime in Regime
    }

    assert levels[Regime.CALM] < levels[Regime.NORMAL] < levels[Regime.STRESSED]
    assert levels[Regime.STRESSED] - levels[Regime.CALM] > 8


def test_a_regime_lasts():
    days = weekdays_of(date(2005, 1, 3), 4_000)
    regimes = [MARKET.regime(day) for day in days]
    changes = sum(before is not after for before, after in pairwise(regimes))

    assert set(regimes) == set(Regime)
    assert 100 < changes < 400


@pytest.mark.parametrize(
    ("level", "above"), [(14.0, True), (30.0, False)], ids=["calm", "stressed"]
)
def test_three_month_volatility_is_above_vix_in_calm_and_below_it_in_stress(level, above):
    days = weekdays_of(date(2005, 1, 3), 4_000)
    day = min(days, key=lambda day: abs(MARKET.last_close("VIX", day) - level))
    vix, vix3m = (MARKET.price(index, day, np.array([0]))[0] for index in ("VIX", "VIX3M"))

    assert bool(vix3m > vix) is above


def test_prices_of_all_underlyings_move_together_and_against_vix():
    days = weekdays_of(date(2010, 1, 4), 2_500)
    moves = {
        ticker: np.diff(np.log([MARKET.last_close(ticker, day) for day in days]))
        for ticker in ("SPY", "QQQ", "TSLA", "VIX")
    }
    with_spy = {ticker: np.corrcoef(moves["SPY"], moves[ticker])[0, 1] for ticker in moves}

    assert with_spy["QQQ"] > 0.8
    assert 0.3 < with_spy["TSLA"] < with_spy["QQQ"]
    assert with_spy["VIX"] < -0.4


def test_realised_volatility_is_a_little_below_the_implied():
    days = weekdays_of(date(2010, 1, 4), 2_500)
    moves = np.diff(np.log([MARKET.last_close("SPY", day) for day in days]))
    implied = np.mean([MARKET.last_close("VIX", day) for day in days]) / 100

    assert 0.6 < np.std(moves) * np.sqrt(252) / implied < 1.0


@pytest.mark.parametrize("day", [FIRST_DAY - timedelta(days=1), LAST_DAY + timedelta(days=1)])
def test_refuses_a_day_outside_its_years(day):
    with pytest.raises(InputError, match=rf"date {day} is outside the simulated market, which"):
        MARKET.price("SPY", day, np.array([0]))


@pytest.mark.parametrize(
    ("day", "before"),
    [(date(2026, 3, 18), date(2026, 3, 17)), (date(2026, 3, 16), date(2026, 3, 13)),
     (date(2026, 3, 15), date(2026, 3, 13)), (date(2026, 3, 14), date(2026, 3, 13))],
    ids=["wednesday", "monday", "sunday", "saturday"],
)  # fmt: skip
def test_finds_the_weekday_before(day, before):
    assert previous_weekday(day) == before
