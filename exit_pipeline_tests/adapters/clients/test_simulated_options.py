from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.clients.simulated_market import SimulatedMarket, stable_key
from exit_pipeline.adapters.clients.simulated_options import (
    RATE,
    Moment,
    Series,
    black_scholes,
    open_interest,
    quote_options,
    smile,
)
from exit_pipeline.core.model.instant import SECONDS, to_micros
from exit_pipeline_tests.fakes import new_york

DAY = date(2026, 3, 18)
MARKET = SimulatedMarket(199)
OPENS_AT = to_micros(new_york(DAY, 9, 30)) // SECONDS
NOON = Moment(DAY, OPENS_AT, 9_000)


def column(*values: float):
    return np.array(values, dtype=np.float64)


def a_series(strike: float, sign: int = 1, days: int = 30) -> Series:
    symbol = f"{sign}/{strike}/{days}"
    expires_at = to_micros(new_york(DAY + timedelta(days=days), 16)) // SECONDS
    return Series(symbol, strike, sign, expires_at, stable_key(symbol))


def mid(underlying: str, *series: Series, at: Moment = NOON) -> list[float]:
    quotes = quote_options(MARKET, underlying, series, at)
    return [float((quote.bid or 0) + (quote.ask or 0)) / 2 for quote in quotes]


def good_strikes(underlying: str, sign: int, strikes: range) -> list[Series]:
    """Contracts on these strikes but for those with a bad quote."""
    series = [a_series(strike, sign) for strike in strikes]
    quotes = quote_options(MARKET, underlying, series, NOON)
    return [
        one
        for one, quote in zip(series, quotes, strict=True)
        if quote.bid and quote.ask and 0 < (quote.ask - quote.bid) / quote.ask < 0.3
    ]


@pytest.mark.parametrize(("sign", "value"), [(1, 9.9251), (-1, 6.0040)], ids=["call", "put"])
def test_the_worked_number_of_the_formula(sign, value):
    found = black_scholes(np.array([sign]), column(100), column(100), column(1), column(0.2))

    assert found == pytest.approx([value], abs=5e-5)


@given(
    spot=st.floats(5, 1000),
    moneyness=st.floats(0.5, 2),
    years=st.floats(0.001, 3),
    sigma=st.floats(0.05, 2),
)
def test_calls_and_puts_are_in_parity(spot, moneyness, years, sigma):
    strike = spot * moneyness
    call, put = black_scholes(
        np.array([1, -1]), column(spot, spot), column(strike, strike),
        column(years, years), column(sigma, sigma),
    )  # fmt: skip

    assert call - put == pytest.approx(spot - strike * np.exp(-RATE * years), abs=1e-8 * spot)


def test_the_worked_number_of_the_smile():
    month = column(30 / 365)
    log_moneyness = column(-2 * 0.18 * np.sqrt(30 / 365))

    sigma, deviations = smile(column(18), column(20), 1.0, log_moneyness, month)

    assert sigma == pytest.approx([0.2088])
    assert deviations == pytest.approx([-2])


@pytest.mark.parametrize(
    ("days", "expected"),
    [(1, 0.30), (30, 0.30), (93, 0.26), (730, 0.23), (1500, 0.23)],
    ids=["a day", "vix", "vix3m", "two years", "four years"],
)
def test_at_the_money_volatility_follows_the_term_structure(days, expected):
    sigma, _ = smile(column(30), column(26), 1.0, column(0), column(days / 365))

    assert sigma == pytest.approx([expected])


def test_low_strikes_are_dearer_and_both_wings_rise():
    steps = column(-0.3, -0.15, 0, 0.15, 0.34)
    sigma, _ = smile(np.full(5, 18.0), np.full(5, 20.0), 1.0, steps, np.full(5, 0.25))

    assert sigma[0] > sigma[1] > sigma[2] > sigma[3]
    assert sigma[4] > sigma[3]


@pytest.mark.parametrize("sign", [1, -1], ids=["calls", "puts"])
def test_a_call_falls_and_a_put_rises_with_the_strike(sign):
    values = mid("SPY", *good_strikes("SPY", sign, range(540, 640, 5)))

    assert len(values) > 10
    assert sorted(values, reverse=sign == 1) == values


def test_a_later_expiration_is_worth_more():
    values = mid("SPY", *(a_series(590, days=days) for days in (2, 9, 30, 90, 300)))

    assert sorted(values) == values


@pytest.mark.parametrize("sign", [1, -1], ids=["calls", "puts"])
def test_no_good_offer_is_below_what_exercise_yields(sign):
    series = good_strikes("TSLA", sign, range(200, 600, 5))
    spot = MARKET.price("TSLA", DAY, np.array([NOON.seconds - 60, NOON.seconds]))
    offers = [quote.ask for quote in quote_options(MARKET, "TSLA", series, NOON)]

    for one, offer in zip(series, offers, strict=True):
        assert offer is not None
        assert float(offer) >= max(sign * (price - one.strike) for price in spot) - 0.2


@pytest.mark.parametrize(
    ("underlying", "tick"), [("SPY", 1), ("NVDA", 5)], ids=["always cents", "five cents from 3.00"]
)
def test_prices_are_on_legal_ticks(underlying, tick):
    around = int(MARKET.last_close(underlying, DAY))
    series = [
        a_series(strike, sign, days)
        for strike in range(around - 40, around + 40)
        for sign in (1, -1)
        for days in (2, 30, 300)
    ]
    quotes = quote_options(MARKET, underlying, series, NOON)
    cents = {int(price * 100) for q in quotes for price in (q.bid, q.ask) if price is not None}

    assert all(
        price * 100 % 1 == 0 for q in quotes for price in (q.bid, q.ask) if price is not None
    )
    assert {price for price in cents if price >= 300 and price % tick} == set()
    assert {price % 5 for price in cents if price < 300} == {0, 1, 2, 3, 4}


def test_spreads_grow_with_the_price_and_where_little_is_open():
    near, far = 185.0, 300.0
    known, unknown = ("NVDA", a_series(near)), ("ZZTOP", a_series(21))
    spreads = {}
    for name, one in (known, unknown):
        quote = quote_options(MARKET, name, [one], NOON)[0]
        assert quote.bid is not None
        assert quote.ask is not None
        spreads[name] = float((quote.ask - quote.bid) / quote.ask)
    interest = open_interest(MARKET, "NVDA", [a_series(near), a_series(far)], NOON)

    assert spreads["NVDA"] < spreads["ZZTOP"]
    assert interest[0] > interest[1]


def test_open_interest_stands_still_through_the_day():
    series = [a_series(strike) for strike in range(560, 620, 5)]
    at_open = open_interest(MARKET, "SPY", series, Moment(DAY, OPENS_AT, 0))

    assert open_interest(MARKET, "SPY", series, NOON).tolist() == at_open.tolist()


def kinds_of_fault(at: Moment) -> dict[str, int]:
    series = [a_series(s, sign) for s in range(450, 750) for sign in (1, -1)]
    series += [a_series(s, sign, 60) for s in range(450, 750) for sign in (1, -1)]
    quotes = quote_options(MARKET, "SPY", series, at)
    now = at.opens_at + at.seconds
    return {
        "missing": sum(q.bid is None for q in quotes),
        "crossed": sum(bool(q.bid and q.ask and q.bid > q.ask) for q in quotes),
        "stale": sum(now - q.quoted_at.timestamp() > 120 for q in quotes),
        "wide": sum(
            bool(q.bid and q.ask and q.ask - q.bid > 1 and (q.ask - q.bid) / q.ask > 0.3)
            for q in quotes
        ),
        "all": len(quotes),
    }


@pytest.mark.parametrize("kind", ["missing", "crossed", "stale", "wide"])
def test_a_few_quotes_in_a_thousand_are_bad_in_each_way(kind):
    moments = [Moment(DAY, OPENS_AT, 590 + 600 * slot) for slot in range(0, 39, 4)]
    counts = [kinds_of_fault(moment) for moment in moments]
    share = sum(count[kind] for count in counts) / sum(count["all"] for count in counts)

    assert 0.001 < share < 0.008


def test_a_bad_quote_stays_bad_for_ten_minutes_and_then_recovers():
    series = [a_series(strike) for strike in range(450, 750)]
    missing = [
        {q.symbol for q in quote_options(MARKET, "SPY", series, at) if q.bid is None}
        for at in (Moment(DAY, OPENS_AT, 9_000 + seconds) for seconds in (60, 599, 660))
    ]

    assert missing[0] == missing[1] != missing[2]


@given(seconds=st.integers(0, 23_400), strike=st.integers(150, 220), days=st.integers(0, 400))
@settings(deadline=None, max_examples=50)
def test_a_quote_has_sizes_and_a_time_of_the_session(seconds, strike, days):
    at = NOON._replace(seconds=seconds)
    quote = quote_options(MARKET, "NVDA", [a_series(strike, 1, days)], at)[0]

    assert quote.ask_size is not None
    assert quote.ask_size >= 1
    assert (quote.bid_size or 0) >= (1 if quote.bid else 0)
    assert OPENS_AT <= quote.quoted_at.timestamp() <= OPENS_AT + seconds
