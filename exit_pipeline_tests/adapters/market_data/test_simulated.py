import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from exit_pipeline.adapters.market_data.simulated import (
    DEFAULT_SEED,
    SimulatedMarketData,
    build,
)
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.ports import Surroundings
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

DAY = date(2026, 3, 18)
NOON = new_york(DAY, 12)
CLOSE = new_york(DAY, 16)
CALL = "SPY260417C00590000"
MARKET = SimulatedMarketData()


def price_and_time(symbol: str, at: datetime) -> tuple[Decimal, datetime]:
    price = MARKET.snapshot([], [symbol], at).underlyings[symbol]
    return price.last, price.quoted_at


def test_another_process_answers_the_same():
    program = (
        "from datetime import UTC, datetime;"
        "from exit_pipeline.adapters.market_data.simulated import SimulatedMarketData;"
        f"print(SimulatedMarketData().snapshot(['{CALL}'], ['SPY'], datetime(2026, 3, 18, 16,"
        "tzinfo=UTC)))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert answers == {str(MARKET.snapshot([CALL], ["SPY"], NOON))}


def test_prices_are_pinned_since_the_sample_book_was_made_from_them():
    symbols = ("SPY", "TSLA", "VIX", "VIX3M")
    found = {symbol: price_and_time(symbol, NOON)[0] for symbol in symbols}

    assert found == {
        "SPY": Decimal("587.58"),
        "TSLA": Decimal("375.21"),
        "VIX": Decimal("22.51"),
        "VIX3M": Decimal("21.30"),
    }


@pytest.mark.parametrize(
    ("at", "quoted_at"),
    [
        (new_york(DAY, 9, 30), new_york(DAY, 9, 30)),
        (NOON + timedelta(seconds=7), NOON + timedelta(seconds=7)),
        (CLOSE, CLOSE),
        (new_york(DAY, 20), CLOSE),
        (new_york(DAY, 9, 29), new_york(date(2026, 3, 17), 16)),
        (new_york(date(2026, 3, 22), 12), new_york(date(2026, 3, 20), 16)),
        (new_york(date(2026, 3, 23), 9), new_york(date(2026, 3, 20), 16)),
    ],
    ids=["at the open", "at noon", "at the close", "in the evening", "before the open",
         "on a sunday", "on monday morning"],
)  # fmt: skip
def test_outside_the_session_prices_are_those_of_the_last_close(at, quoted_at):
    assert price_and_time("SPY", at) == (price_and_time("SPY", quoted_at)[0], quoted_at)


def test_an_option_too_keeps_its_quote_after_the_close():
    at_close = MARKET.snapshot([CALL], [], CLOSE).quotes

    assert MARKET.snapshot([CALL], [], CLOSE + timedelta(hours=15)).quotes == at_close


def test_an_index_is_disseminated_every_15_seconds():
    _, quoted_at = price_and_time("VIX", NOON + timedelta(seconds=44))

    assert quoted_at == NOON + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("symbol", "last"),
    [
        ("SPY260318C00590000", new_york(DAY, 16)),
        ("SPX260318C05900000", new_york(date(2026, 3, 17), 16)),
        ("SPXW260318C05900000", new_york(DAY, 16)),
        ("SPY260321C00590000", new_york(date(2026, 3, 20), 16)),
    ],
    ids=["equity option", "settled in the morning", "settled in the afternoon", "on a saturday"],
)
def test_a_contract_is_quoted_until_its_last_close(symbol, last):
    before = MARKET.snapshot([symbol], [], last - timedelta(seconds=1)).quotes

    assert set(before) == {symbol}
    assert MARKET.snapshot([symbol], [], last).quotes == {}


@pytest.mark.parametrize(
    "symbol", ["GOOG1260417C00100000", "SPY260417C00000000"], ids=["adjusted", "strike of nothing"]
)
def test_what_has_no_sensible_price_has_no_quote(symbol):
    assert MARKET.snapshot([symbol], [], NOON).quotes == {}


def test_an_index_option_is_priced_on_its_index():
    quote = MARKET.snapshot(["SPXW260417C00010000"], [], NOON).quotes["SPXW260417C00010000"]
    price, _ = price_and_time("SPX", NOON)

    assert quote.bid is not None
    assert abs(quote.bid + 10 - price) < price / 20


@pytest.mark.parametrize(
    ("underlying", "expirations"),
    [
        ("SPY", {date(2026, 3, 18), date(2026, 3, 19), date(2026, 4, 17), date(2028, 1, 21)}),
        ("TSLA", {date(2026, 3, 20), date(2026, 3, 27), date(2027, 1, 15), date(2028, 1, 21)}),
        ("ZZTOP", {date(2026, 3, 20), date(2026, 4, 17), date(2027, 2, 19)}),
    ],
)
def test_the_chain_lists_weekly_monthly_and_leap_expirations(underlying, expirations):
    listed = {parse_contract(symbol).expiration for symbol in MARKET.chain(underlying, NOON)}

    assert expirations <= listed
    assert all(day.weekday() == 4 for day in listed) is (underlying != "SPY")


@pytest.mark.parametrize("underlying", ["SPY", "NVDA", "ZZTOP"])
def test_the_chain_has_calls_and_puts_around_the_price(underlying):
    price, _ = price_and_time(underlying, NOON)
    contracts = [parse_contract(symbol) for symbol in MARKET.chain(underlying, NOON)]

    for right in {contract.right for contract in contracts}:
        strikes = {contract.strike for contract in contracts if contract.right is right}
        assert min(strikes) < price < max(strikes)


def test_the_chain_stands_still_through_the_day_until_contracts_expire():
    morning, evening = (MARKET.chain("SPY", new_york(DAY, hour)) for hour in (10, 17))
    expired = set(morning) - set(evening)

    assert {parse_contract(symbol).expiration for symbol in expired} == {DAY}
    assert set(MARKET.chain("SPY", new_york(DAY, 15))) == set(morning)


@pytest.mark.parametrize("underlying", ["VIX", "VIX3M", "", "spy"])
def test_what_is_no_underlying_has_no_chain(underlying):
    assert MARKET.chain(underlying, NOON) == []


def test_open_interest_is_known_by_symbol():
    chain = MARKET.chain("SPY", NOON)
    interest = MARKET.open_interest([*chain, "nonsense"], NOON)

    assert set(interest) == set(chain)
    assert min(interest.values()) >= 0
    assert max(interest.values()) > 5_000


@pytest.mark.parametrize("year", [1999, 2069])
def test_refuses_a_year_that_is_not_simulated(year):
    with pytest.raises(InputError, match="is outside the simulated market, which runs 2000-01-03"):
        MARKET.snapshot([], ["SPY"], datetime(year, 6, 3, 16, tzinfo=UTC))


def test_a_time_without_zone_is_a_mistake():
    with pytest.raises(ValueError, match="must carry a time zone"):
        MARKET.snapshot([], ["SPY"], NOON.replace(tzinfo=None))


def test_is_built_without_any_setting():
    around = Surroundings(
        environ={},
        clock=FixedClock(NOON),
        calendar=FakeCalendar(),
        environment="simulated",
        database_url="",
    )

    assert build(around).snapshot([CALL], ["SPY"], NOON) == SimulatedMarketData(
        DEFAULT_SEED
    ).snapshot([CALL], ["SPY"], NOON)


def test_importing_it_loads_no_heavy_library():
    program = (
        "import sys, exit_pipeline.adapters.market_data.simulated;"
        "sys.exit(len({'pandas', 'pyarrow', 'scipy', 'exchange_calendars'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_whole_chain_has_a_quote_and_open_interest_of_each_listed_contract():
    market, at = SimulatedMarketData(), new_york(date(2026, 3, 18), 11)
    found = market.option_chain("GOOG", at)
    assert found is not None
    assert list(found.symbols) == list(market.chain("GOOG", at))
    assert (found.open_interest >= 0).all()
    assert found.open_interest.sum() > 0
    assert found.spot == float(market.snapshot([], ["GOOG"], at).underlyings["GOOG"].last)
    assert market.option_chain("VIX", at) is None


@pytest.mark.parametrize("vix_index", ["VIX3M", "VIX9D"])
def test_near_volatility_moves_more_than_the_vix_and_far_volatility_less(vix_index):
    market = SimulatedMarketData()
    wide = {"VIX3M": False, "VIX9D": True}[vix_index]
    for day in range(2, 27, 3):
        at = new_york(date(2026, 3, day), 12)
        seen = market.snapshot([], ["VIX", vix_index], at).underlyings
        vix, other = float(seen["VIX"].last), float(seen[vix_index].last)
        assert (abs(other - 19.5) >= abs(vix - 19.5) - 0.02) is wide or abs(vix - 19.5) < 0.1
