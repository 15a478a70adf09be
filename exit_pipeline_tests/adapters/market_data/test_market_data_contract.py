"""What every source of market data keeps to, whichever it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.market_data.recorded import RecordedMarketData
from exit_pipeline.adapters.market_data.simulated import SimulatedMarketData
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.ports import MarketData
from exit_pipeline_tests.adapters.market_data.tape import write_tape
from exit_pipeline_tests.fakes import FakeMarketData, new_york

DAY = date(2026, 3, 18)
OPENS = new_york(DAY, 9, 30)
OPTIONS = ("SPY260320C00586000", "SPY260320P00580000", "SPY270115C00605000")
UNDERLYINGS = ("SPY", "VIX")
UNKNOWN_OPTIONS = ("", "SPY", "spy260320c00586000", "SPY260317C00586000", "SPY261340C00586000")
UNKNOWN_UNDERLYINGS = ("", "spy", "NO SUCH", "SPY260320C00586000")


@dataclass(frozen=True)
class Source:
    """The same source made twice, so that nothing can hang on what it was asked before."""

    market: MarketData
    other: MarketData


def tape_rows() -> tuple[list[tuple], list[tuple]]:
    options, underlyings = [], []
    for minute in range(0, 390, 3):
        at = OPENS + timedelta(minutes=minute)
        underlyings += [(at, "SPY", 586.0 + minute / 100), (at, "VIX", 22.5)]
        options += [
            (at + timedelta(seconds=row), symbol, 1.0 + row + minute / 100, 1.25 + row, 5, 6)
            for row, symbol in enumerate(OPTIONS)
        ]
    return options, underlyings


def fake() -> FakeMarketData:
    market = FakeMarketData()
    options, underlyings = tape_rows()
    for at, symbol, bid, ask, *_ in options:
        market.add_quote(
            Quote(symbol=symbol, bid=Decimal(str(bid)), ask=Decimal(str(ask)), quoted_at=at)
        )
    for at, symbol, last in underlyings:
        market.add_price(symbol, str(last), at)
    return market


@pytest.fixture(scope="module", params=["recorded", "simulated", "fake"])
def source(request, tmp_path_factory) -> Source:
    if request.param == "recorded":
        tape = write_tape(tmp_path_factory.mktemp("tape"), DAY, *tape_rows())
        return Source(RecordedMarketData(tape), RecordedMarketData(tape))
    if request.param == "simulated":
        return Source(SimulatedMarketData(), SimulatedMarketData())
    return Source(fake(), fake())


def ask(
    market: MarketData,
    at: datetime,
    options: Sequence[str] = OPTIONS,
    underlyings: Sequence[str] = UNDERLYINGS,
):
    return market.snapshot(options, underlyings, at)


seconds_of_the_session = st.integers(0, 6 * 3600).map(
    lambda seconds: OPENS + timedelta(seconds=seconds)
)


def test_is_a_source_of_market_data_that_is_not_of_now(source):
    assert isinstance(source.market, MarketData)
    assert source.market.is_live is False
    assert ask(source.market, OPENS).source == source.market.source


@given(at=seconds_of_the_session)
@settings(deadline=None, max_examples=30)
def test_never_answers_with_anything_later(source, at):
    snapshot = ask(source.market, at)

    for row in (*snapshot.quotes.values(), *snapshot.underlyings.values()):
        assert row.quoted_at <= at


@given(times=st.lists(seconds_of_the_session, min_size=2, max_size=5))
@settings(deadline=None, max_examples=20)
def test_answers_the_same_whenever_and_however_often_it_is_asked(source, times):
    asked_forwards = [ask(source.market, at) for at in times]
    asked_backwards = [ask(source.other, at) for at in reversed(times)]

    assert asked_forwards == asked_backwards[::-1]
    assert asked_forwards == [ask(source.market, at) for at in times]


@given(at=seconds_of_the_session)
@settings(deadline=None, max_examples=20)
def test_a_quote_asked_for_at_its_own_time_is_the_same_quote(source, at):
    for symbol, quote in ask(source.market, at).quotes.items():
        assert ask(source.market, quote.quoted_at, [symbol]).quotes[symbol] == quote


def test_the_order_of_symbols_and_a_repeated_one_do_not_matter(source):
    at = OPENS + timedelta(hours=2)
    expected = ask(source.market, at)

    for order in permutations(OPTIONS):
        assert ask(source.market, at, order, UNDERLYINGS[::-1]) == expected
    assert ask(source.market, at, OPTIONS * 2, UNDERLYINGS * 2) == expected


def test_a_symbol_has_the_same_quote_alone_and_among_others(source):
    at = OPENS + timedelta(hours=2)
    together = ask(source.market, at).quotes

    assert {symbol: ask(source.market, at, [symbol]).quotes[symbol] for symbol in OPTIONS} == (
        together
    )


def test_each_row_carries_its_own_symbol_and_an_aware_utc_time(source):
    snapshot = ask(source.market, OPENS + timedelta(hours=2))

    assert set(snapshot.quotes) == set(OPTIONS)
    assert set(snapshot.underlyings) == set(UNDERLYINGS)
    for rows in (snapshot.quotes, snapshot.underlyings):
        for symbol, row in rows.items():
            assert row.symbol == symbol
            assert row.quoted_at.tzinfo is UTC


def test_prices_are_decimals_of_at_most_four_places(source):
    snapshot = ask(source.market, OPENS + timedelta(hours=2))
    prices = [price for quote in snapshot.quotes.values() for price in (quote.bid, quote.ask)]
    prices += [price.last for price in snapshot.underlyings.values()]

    for price in prices:
        assert price == price.quantize(Decimal("0.0001"))


def test_what_it_does_not_know_is_absent(source):
    at = OPENS + timedelta(hours=2)
    snapshot = ask(source.market, at, (*UNKNOWN_OPTIONS, OPTIONS[0]), (*UNKNOWN_UNDERLYINGS, "SPY"))

    assert set(snapshot.quotes) == {OPTIONS[0]}
    assert set(snapshot.underlyings) == {"SPY"}


def test_nothing_asked_for_is_nothing_answered(source):
    snapshot = ask(source.market, OPENS, [], [])

    assert (snapshot.quotes, snapshot.underlyings) == ({}, {})


def test_the_chain_holds_contracts_of_the_underlying_that_have_quotes(source):
    at = OPENS + timedelta(hours=2)
    chain = source.market.chain("SPY", at)

    assert set(OPTIONS) <= set(chain)
    assert set(ask(source.market, at, chain).quotes) == set(chain)
    assert source.market.chain("VIX", at) == []
