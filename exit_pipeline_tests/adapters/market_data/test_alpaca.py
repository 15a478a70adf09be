import json
import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_data import AlpacaData
from exit_pipeline.adapters.clients.http import Retries
from exit_pipeline.adapters.market_data.alpaca import AlpacaMarketData, build
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import Greeks, MarketSnapshot, OpenInterest
from exit_pipeline.ports import MarketData, Surroundings, TellsChains, TellsOpenInterest
from exit_pipeline_tests.fake_brokers.alpaca import FakeAlpaca
from exit_pipeline_tests.fake_brokers.alpaca_data import (
    HUSH,
    INDICES,
    KEY,
    OPTIONS,
    STOCKS,
    FakeAlpacaData,
    nanoseconds,
)
from exit_pipeline_tests.fake_brokers.published_api import FOLDER, PublishedApi
from exit_pipeline_tests.fake_brokers.server import Reply, Request
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

TEN = new_york(date(2026, 12, 2), 10)
SECOND_AGO = TEN - timedelta(seconds=1)
CALL, PUT = "ACME261218C00100000", "ACME261218P00100000"
AT_ONCE = Retries(attempts=2, wait_initial=0, wait_max=0, wait_jitter=0)
SPEC = FOLDER / "alpaca-market-data.json"


@pytest.fixture
def alpaca() -> Iterator[FakeAlpacaData]:
    with FakeAlpacaData(TEN) as fake:
        fake.quote_option(CALL, 4.15, 4.3, SECOND_AGO)
        fake.quote_option(PUT, 1.05, 1.1, SECOND_AGO)
        fake.trade_stock("ACME", 101.25, SECOND_AGO)
        fake.set_index("VIX", 18.45, SECOND_AGO)
        fake.set_index("VIX3M", 20.1, SECOND_AGO)
        yield fake


def source_of(
    alpaca: FakeAlpacaData, *, feed: str = "opra", key: str = KEY, **settings: Any
) -> AlpacaMarketData:
    environ = alpaca.environ | {"ALPACA_API_KEY": key}
    client = AlpacaData(environ, FixedClock(TEN), retries=AT_ONCE)
    return AlpacaMarketData(client, feed, **settings)


def seen(alpaca: FakeAlpacaData, *options: str, underlyings: tuple[str, ...] = ("ACME", "VIX")):
    return source_of(alpaca).snapshot(options or (CALL, PUT), underlyings, TEN)


def causes(snapshot: MarketSnapshot) -> list[str]:
    return [note.cause for note in snapshot.notes]


def around(environ: dict[str, str], environment: str = "paper") -> Surroundings:
    return Surroundings(
        environ=environ,
        clock=FixedClock(TEN),
        calendar=FakeCalendar(),
        environment=environment,
        database_url="",
    )


def test_quotes_shares_and_indices_come_with_their_own_times(alpaca):
    snapshot = seen(alpaca)
    quote = snapshot.quotes[CALL]

    assert (quote.bid, quote.ask) == (Decimal("4.15"), Decimal("4.3"))
    assert (quote.bid_size, quote.ask_size, quote.nonfinite) == (16, 91, False)
    assert quote.quoted_at == SECOND_AGO
    assert snapshot.underlyings["ACME"].last == Decimal("101.25")
    assert snapshot.underlyings["VIX"].last == Decimal("18.45")
    assert set(snapshot.quotes) == {CALL, PUT}
    assert snapshot.notes == ()


def test_it_is_a_live_source(alpaca):
    source = source_of(alpaca)

    assert isinstance(source, MarketData)
    assert (source.source, source.is_live) == ("alpaca", True)


def test_500_positions_over_50_underlyings_take_7_requests(alpaca):
    tickers = [f"T{a}{b}" for a in "ABCDE" for b in "ABCDEFGHIJ"]
    options = [f"{t}261218C{strike:08d}" for t in tickers for strike in range(100, 110)]
    for symbol in options:
        alpaca.quote_option(symbol, 1.0, 1.1, SECOND_AGO)
    for ticker in tickers:
        alpaca.trade_stock(ticker, 100, SECOND_AGO)
    snapshot = seen(alpaca, *options, underlyings=(*tickers, "VIX", "VIX3M"))

    assert len(alpaca.server.requests) == 7
    assert len(snapshot.quotes) == 500
    assert len(snapshot.underlyings) == 52
    assert snapshot.notes == ()


def test_nothing_asked_for_is_not_asked(alpaca):
    snapshot = source_of(alpaca).snapshot([], [], TEN)

    assert (snapshot.quotes, snapshot.underlyings, alpaca.server.requests) == ({}, {}, [])


def test_what_can_be_no_symbol_is_not_sent(alpaca):
    seen(alpaca, CALL, "", "acme", "ACME261340C00100000", underlyings=("ACME", "", "no such"))
    sent = {request.path: request.query["symbols"] for request in alpaca.server.requests}

    assert sent == {OPTIONS: CALL, STOCKS: "ACME"}


def test_a_share_class_is_asked_for_under_its_ticker_and_told_under_ours(alpaca):
    alpaca.trade_stock("BRK.B", 480, SECOND_AGO)

    assert set(seen(alpaca, underlyings=("BRKB", "BRK.B")).underlyings) == {"BRKB", "BRK.B"}


def test_an_unknown_contract_is_absent_and_noted(alpaca):
    unknown = "NONE261218C00100000"
    snapshot = seen(alpaca, CALL, unknown)

    assert set(snapshot.quotes) == {CALL}
    assert causes(snapshot) == ["NOT_QUOTED"]
    assert unknown in snapshot.notes[0].message


def test_one_refused_symbol_among_a_hundred_costs_only_itself(alpaca):
    options = [f"ACME261218C{strike:08d}" for strike in range(100, 200)]
    for symbol in options:
        alpaca.quote_option(symbol, 1.0, 1.1, SECOND_AGO)
    alpaca.refuses = {options[37]}
    snapshot = seen(alpaca, *options)

    assert set(snapshot.quotes) == set(options) - {options[37]}
    assert causes(snapshot) == ["NOT_QUOTED"]
    assert len(alpaca.server.requests) < 20


def test_a_hundred_refused_symbols_do_not_cost_two_hundred_requests(alpaca):
    options = [f"ACME261218C{strike:08d}" for strike in range(100, 200)]
    alpaca.refuses = set(options)
    with pytest.raises(UnavailableError, match="invalid symbol"):
        seen(alpaca, *options)
    assert len(alpaca.server.requests) < 25


@pytest.mark.parametrize(
    ("bid", "ask", "expected", "nonfinite"),
    [
        pytest.param("4.15", "4.30", ("4.15", "4.30"), False, id="strings"),
        pytest.param(4, 5, ("4", "5"), False, id="whole numbers"),
        pytest.param(0, 0.05, ("0", "0.05"), False, id="no bid"),
        pytest.param(None, 4.3, (None, "4.3"), False, id="null"),
        pytest.param("n/a", 4.3, (None, "4.3"), False, id="words"),
        pytest.param(True, 4.3, (None, "4.3"), False, id="a truth value"),
        pytest.param(-1, 4.3, (None, "4.3"), True, id="negative"),
        pytest.param(math.inf, 4.3, (None, "4.3"), True, id="infinite"),
        pytest.param(math.nan, 4.3, (None, "4.3"), True, id="not a number"),
        pytest.param(1e12, 4.3, (None, "4.3"), True, id="absurd"),
    ],
)
def test_prices_in_any_form(alpaca, bid, ask, expected, nonfinite):
    alpaca.quote_option(CALL, bid, ask, SECOND_AGO)
    quote = seen(alpaca, CALL).quotes[CALL]

    assert (quote.bid, quote.ask) == tuple(None if p is None else Decimal(p) for p in expected)
    assert quote.nonfinite is nonfinite


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({}, id="no quote"),
        pytest.param({"latestQuote": None}, id="an empty quote"),
        pytest.param({"latestQuote": {"bp": 1, "ap": 2}}, id="no time"),
        pytest.param({"latestQuote": {"t": "0001-01-01T00:00:00Z", "bp": 0}}, id="never"),
        pytest.param({"latestQuote": {"t": "2026-12-02T10:00:00", "bp": 1}}, id="no time zone"),
        pytest.param(["a", "list"], id="of another form"),
    ],
)
def test_a_quote_without_a_time_is_no_quote(alpaca, row):
    alpaca.options[CALL] = row
    snapshot = seen(alpaca, CALL, PUT)

    assert set(snapshot.quotes) == {PUT}
    assert causes(snapshot) == ["NOT_QUOTED"]


def test_greeks_are_kept_where_there_are_any(alpaca):
    greeks = {"delta": 0.75, "gamma": 0.06, "rho": 0.01, "theta": -0.28, "vega": 0.047}
    alpaca.quote_option(CALL, 1, 2, SECOND_AGO, greeks=greeks, impliedVolatility=0.337)
    quotes = seen(alpaca).quotes

    assert quotes[CALL].greeks == Greeks(iv=0.337, delta=0.75, gamma=0.06, theta=-0.28, vega=0.047)
    assert quotes[PUT].greeks is None


def a_quote(bid: float, ask: float, seconds_ago: float) -> dict[str, Any]:
    return {"t": nanoseconds(TEN - timedelta(seconds=seconds_ago)), "bp": bid, "ap": ask}


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        pytest.param(a_quote(99.9, 100.1, 1), ("100", 1), id="a later narrow quote: its mid"),
        pytest.param(a_quote(99.9, 100.1, 300), ("98", 60), id="an earlier quote: the trade"),
        pytest.param(a_quote(80, 120, 1), ("98", 60), id="a wide quote: the trade"),
        pytest.param(a_quote(0, 0, 1), ("98", 60), id="an empty quote: the trade"),
        pytest.param(a_quote(101, 100, 1), ("98", 60), id="a crossed quote: the trade"),
    ],
)
def test_a_share_that_seldom_trades_is_priced_by_its_quote(alpaca, quote, expected):
    alpaca.trade_stock("ACME", 98, TEN - timedelta(seconds=60), latestQuote=quote)
    price = seen(alpaca).underlyings["ACME"]

    last, seconds_ago = expected
    assert price.last == Decimal(last)
    assert price.quoted_at == TEN - timedelta(seconds=seconds_ago)


def test_a_plan_without_index_data_leaves_vix_unknown_and_says_so(alpaca):
    alpaca.has_indices = False
    snapshot = seen(alpaca, underlyings=("ACME", "VIX", "VIX3M"))

    assert set(snapshot.quotes) == {CALL, PUT}
    assert set(snapshot.underlyings) == {"ACME"}
    (note,) = snapshot.notes
    assert (note.cause, note.subject) == ("NOT_ANSWERED", "alpaca: indices")
    assert "indices:cboe" in note.message


def test_a_plan_without_the_feed_is_told_which_one_it_needs(alpaca):
    alpaca.feeds = {"indicative"}
    with pytest.raises(UnavailableError, match="feed opra needs Alpaca's plan Algo Trader Plus"):
        seen(alpaca)
    with pytest.raises(UnavailableError, match="ALPACA_OPTIONS_FEED=indicative is free"):
        source_of(alpaca, may_be_indicative=True).chain("ACME", TEN)


def test_the_free_feed_is_asked_for_by_name_and_shows_in_the_source(alpaca):
    alpaca.feeds = {"indicative"}
    snapshot = source_of(alpaca, feed="indicative").snapshot([CALL], [], TEN)

    assert snapshot.source == "alpaca-indicative"
    assert [request.query["feed"] for request in alpaca.server.requests] == ["indicative"]


def test_wrong_keys_are_said_in_one_sentence_without_them(alpaca):
    with pytest.raises(UnavailableError) as caught:
        source_of(alpaca, key="AKWRONGWRONGWRONG").snapshot([CALL], ["ACME"], TEN)

    sentence = str(caught.value)
    assert "ALPACA_API_KEY and ALPACA_SECRET_KEY are not accepted" in sentence
    assert "AKWRONG" not in sentence
    assert HUSH not in sentence
    assert CALL not in sentence
    assert caught.value.__cause__ is None


HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(status=200, body=HTML), id="html"),
        pytest.param(Reply(status=200, body=b'{"snapshots": {', cut=False), id="broken off"),
        pytest.param(Reply(status=200, body=b'{"snapshots": {}}' * 9, cut=True), id="cut"),
        pytest.param(Reply(status=200, body=b"[]"), id="a list"),
        pytest.param(Reply(status=200, body=b""), id="empty"),
        pytest.param(Reply(status=500, body=HTML), id="a server that fails"),
        pytest.param(Reply(status=502, body=HTML * 100_000), id="an error page of 5 MB"),
        pytest.param(Reply(lost=True), id="no answer"),
    ],
)
def test_a_bad_answer_costs_only_the_symbols_that_it_was_asked_for(alpaca, reply):
    options = [f"ACME261218C{strike:08d}" for strike in range(100, 250)]
    for symbol in options:
        alpaca.quote_option(symbol, 1.0, 1.1, SECOND_AGO)
    alpaca.fault = lambda r: reply if r.query["symbols"].startswith(options[100]) else None
    snapshot = seen(alpaca, *options)

    assert set(snapshot.quotes) == set(options[:100])
    assert set(snapshot.underlyings) == {"ACME", "VIX"}
    assert snapshot.notes[0].subject == "alpaca: options 101 to 150"
    assert sorted(causes(snapshot)) == ["NOT_ANSWERED", "NOT_QUOTED"]
    assert "html" not in snapshot.notes[0].message


def test_one_request_that_hangs_costs_only_its_own_symbols(alpaca):
    def hang(request: Request) -> Reply | None:
        return Reply(never=True) if request.path == INDICES else None

    alpaca.fault = hang
    snapshot = source_of(alpaca, budget_seconds=0.5).snapshot([CALL], ["ACME", "VIX"], TEN)

    assert set(snapshot.quotes) == {CALL}
    assert set(snapshot.underlyings) == {"ACME"}
    assert [note.message for note in snapshot.notes] == ["no answer within 0.5 seconds"]


def test_a_used_up_rate_limit_is_no_answer_and_is_not_tried_again(alpaca):
    alpaca.left = 0
    source = source_of(alpaca)
    with pytest.raises(UnavailableError, match="rate limit"):
        source.snapshot([CALL], [], TEN)
    asked = len(alpaca.server.requests)
    with pytest.raises(UnavailableError, match="rate limit"):
        source.snapshot([CALL], [], TEN)
    assert len(alpaca.server.requests) == asked


def test_a_chain_is_read_over_all_its_pages(alpaca):
    options = [f"MUCH261218C{strike:08d}" for strike in range(1000, 3500)]
    for symbol in options:
        alpaca.quote_option(symbol, 1.0, 1.1, SECOND_AGO)

    assert source_of(alpaca).chain("MUCH", TEN) == options
    assert len(alpaca.server.requests) == 3


def test_a_whole_chain_has_open_interest_of_the_trading_host(alpaca):
    with FakeAlpaca(FixedClock(TEN)) as trading:
        trading.list_contract(CALL, 237, date(2026, 12, 1))
        api = AlpacaTrading(trading.environ, "paper", FixedClock(TEN), retries=AT_ONCE)
        source = source_of(alpaca, trading=api)
        found = source.option_chain("ACME", TEN)
        source.close()
    assert found is not None
    assert list(found.symbols) == [CALL, PUT]
    assert found.open_interest.tolist()[0] == 237
    assert np.isnan(found.open_interest[1])
    assert (found.bid.tolist(), found.spot) == ([4.15, 1.05], 101.25)
    assert isinstance(source, TellsChains)
    assert not source.tells_chains_unasked


def test_a_chain_of_an_underlying_without_a_price_is_none(alpaca):
    alpaca.quote_option("MUCH261218C00001000", 1.0, 1.1, SECOND_AGO)
    assert source_of(alpaca).option_chain("MUCH", TEN) is None


def test_pages_without_end_are_ended(alpaca):
    page = json.dumps({"snapshots": {}, "next_page_token": "again"}).encode()
    alpaca.fault = lambda _request: Reply(body=page)
    with pytest.raises(UnavailableError, match="beyond 50 pages"):
        source_of(alpaca).chain("ACME", TEN)


@pytest.mark.parametrize(
    ("environment", "broker", "feed", "expected"),
    [
        ("paper", None, None, "alpaca"),
        ("paper", "alpaca", "indicative", "alpaca-indicative"),
        ("paper", "paper", " Indicative ", "alpaca-indicative"),
        ("live", "alpaca", "opra", "alpaca"),
        ("live", "alpaca", None, "alpaca"),
    ],
)
def test_the_feed_is_the_setting_s(alpaca, environment, broker, feed, expected):
    environ = alpaca.environ | {"ALPACA_OPTIONS_FEED": feed or "", "EXIT_BROKER": broker or ""}
    source = build(around(environ, environment))

    assert source.source == expected


@pytest.mark.parametrize(
    ("environment", "broker", "settings", "expected"),
    [
        pytest.param("live", "alpaca", {"ALPACA_OPTIONS_FEED": "indicative"},
                     "expected opra, which needs Alpaca's plan Algo Trader Plus", id="live"),
        pytest.param("paper", "tradier", {"ALPACA_OPTIONS_FEED": "indicative"},
                     "for the broker tradier", id="beside another broker"),
        pytest.param("paper", "alpaca", {"ALPACA_OPTIONS_FEED": "sip"},
                     "'sip'; expected opra or indicative", id="no feed"),
        pytest.param("paper", "alpaca", {"ALPACA_API_KEY": ""}, "ALPACA_API_KEY is not set",
                     id="no key"),
        pytest.param("paper", "alpaca", {"ALPACA_SECRET_KEY": " "}, "ALPACA_SECRET_KEY is not set",
                     id="no secret"),
        pytest.param("paper", "alpaca", {"ALPACA_DATA_URL": "https://elsewhere.test"},
                     "ALPACA_DATA_URL is for tests", id="another host"),
    ],
)  # fmt: skip
def test_what_can_not_be_used_refuses_to_start(alpaca, environment, broker, settings, expected):
    environ = alpaca.environ | {"EXIT_BROKER": broker} | settings
    with pytest.raises(ConfigurationError) as caught:
        build(around(environ, environment))
    assert expected in str(caught.value)
    assert HUSH not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "settings"),
    [
        pytest.param("paper", {}, id="a server stands for the data alone"),
        pytest.param("tape", {"ALPACA_BASE_URL": "http://127.0.0.1:1"}, id="no such environment"),
    ],
)
def test_without_a_trading_host_of_the_environment_no_open_interest_is_told(
    alpaca, environment, settings
):
    source = build(around(alpaca.environ | settings, environment))
    assert source.open_contracts(["ACME"], TEN.date(), TEN.date()) is None
    source.close()


def test_open_interest_comes_from_the_trading_host(alpaca):
    with FakeAlpaca(FixedClock(TEN)) as trading:
        trading.list_contract(CALL, 237, date(2026, 12, 1))
        environ = trading.environ | {"ALPACA_DATA_URL": alpaca.server.url}
        source = build(around(environ))
        assert isinstance(source, TellsOpenInterest)
        told = source.open_contracts(["ACME"], TEN.date(), date(2026, 12, 18))
        source.close()
    assert told == [OpenInterest(symbol=CALL, open_interest=237, as_of=date(2026, 12, 1))]
    assert alpaca.server.requests == []


@pytest.mark.skipif(not SPEC.exists(), reason="the published file is not at hand")
def test_requests_and_answers_are_those_of_the_published_file(alpaca):
    greeks = {"delta": 0.75, "gamma": 0.06, "rho": 0.01, "theta": -0.28, "vega": 0.047}
    alpaca.quote_option(CALL, 1.5, 2, SECOND_AGO, greeks=greeks, impliedVolatility=0.3)
    source = source_of(alpaca)
    source.snapshot([CALL, PUT], ["ACME", "VIX"], TEN)
    source.chain("ACME", TEN)
    exchanges = list(zip(alpaca.server.requests, alpaca.server.replies, strict=True))
    published = PublishedApi(SPEC)
    paths = {
        OPTIONS: OPTIONS,
        STOCKS: STOCKS,
        INDICES: INDICES,
        f"{OPTIONS}/ACME": f"{OPTIONS}/{{underlying_symbol}}",
    }

    assert {request.path for request, _ in exchanges} == set(paths)
    for request, reply in exchanges:
        published.check(paths[request.path], request, reply)
