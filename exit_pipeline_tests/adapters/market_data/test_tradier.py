from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from exit_pipeline.adapters.market_data.tradier import (
    TradierMarketData,
    build,
    price_of,
    quote_of,
)
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.quote import Greeks
from exit_pipeline.ports import CanClose, MarketData, Surroundings, TellsChains
from exit_pipeline_tests.fake_brokers import tradier as fakes
from exit_pipeline_tests.fake_brokers.server import json_reply
from exit_pipeline_tests.fake_brokers.tradier import KEY, FakeTradier, fake_tradier
from exit_pipeline_tests.fake_brokers.tradier_ledger import option_row, share_row
from exit_pipeline_tests.fake_brokers.tradier_spec import problems
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock

NOW = datetime(2026, 7, 10, 14, 31, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(seconds=40), NOW - timedelta(seconds=2)
CALL, PUT = "AAPL260821C00200000", "AAPL260821P00050000"
WEEKLY = "SPXW260710P07350000"
QUOTES = "/markets/quotes"


@dataclass
class Desk:
    """Tradier's market data before a server of the test's own."""

    fake: FakeTradier
    clock: FixedClock

    def __post_init__(self) -> None:
        self.market = self.connect()

    def connect(self, environment: str = "paper", **environ: str) -> TradierMarketData:
        known = {"TRADIER_API_KEY": KEY, "TRADIER_BASE_URL": self.fake.url}
        return build(
            Surroundings(
                environ=known | environ,
                clock=self.clock,
                calendar=FakeCalendar(),
                environment=environment,
                database_url="",
            )
        )

    def show(self, *rows: dict[str, Any]) -> None:
        self.fake.quotes |= {row["symbol"]: row for row in rows}

    def ask(self, options: Any = (), underlyings: Any = ()) -> Any:
        return self.market.snapshot(list(options), list(underlyings), NOW)


@pytest.fixture
def desk() -> Iterator[Desk]:
    clock = FixedClock(NOW)
    # Retries without waiting.
    with stamina.set_testing(True, attempts=2), fake_tradier(clock) as fake:
        made = Desk(fake, clock)
        yield made
        made.market.close()
        assert problems(fake.honest) == []


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def test_it_is_a_live_source_of_market_data(desk):
    assert isinstance(desk.market, MarketData)
    assert isinstance(desk.market, CanClose)
    assert (desk.market.source, desk.market.is_live) == ("tradier", True)


@pytest.mark.parametrize(
    ("environment", "limit"),
    [("live", timedelta(seconds=30)), ("paper", timedelta(minutes=20))],
)
def test_the_feed_of_the_sandbox_is_delayed_and_may_be_older(desk, environment, limit):
    market = desk.connect(environment)
    assert market.snapshot([], [], NOW).feed_age_limit == limit
    market.close()


def test_one_request_answers_for_options_shares_and_indices(desk):
    desk.show(
        option_row(CALL, LATER, bid=10.0, ask=10.15),
        share_row("AAPL", 209.5, LATER, bid=209.4, ask=209.6),
        share_row("VIX", 18.45, EARLIER, type="index"),
    )
    seen = desk.ask([CALL], ["AAPL", "VIX"])
    assert (seen.quotes[CALL].bid, seen.quotes[CALL].ask) == (Decimal("10"), Decimal("10.15"))
    assert (seen.quotes[CALL].bid_size, seen.quotes[CALL].ask_size) == (16, 91)
    assert seen.underlyings["AAPL"].last == Decimal("209.5")
    assert (seen.underlyings["VIX"].last, seen.underlyings["VIX"].quoted_at) == (
        Decimal("18.45"),
        EARLIER,
    )
    (sent,) = desk.fake.server.requests
    assert (sent.method, sent.query) == ("POST", {})
    assert sent.form == {"symbols": f"AAPL,{CALL},VIX", "greeks": "true"}


def test_five_hundred_positions_over_fifty_underlyings_take_two_requests(desk):
    tickers = [f"T{chr(65 + number // 10)}{chr(65 + number % 10)}" for number in range(50)]
    options = [f"{name}260821C{100_000 + step:08d}" for name in tickers for step in range(10)]
    desk.show(*(option_row(symbol, LATER) for symbol in options))
    desk.show(*(share_row(name, 100.0, LATER) for name in [*tickers, "VIX", "VIX3M"]))
    seen = desk.ask(options, [*tickers, "VIX", "VIX3M"])
    assert (len(seen.quotes), len(seen.underlyings)) == (500, 52)
    assert len(desk.fake.server.requests) == 2


def test_symbols_are_asked_for_in_chunks_of_the_setting_and_once_each(desk):
    desk.show(option_row(CALL, LATER), option_row(PUT, LATER), share_row("AAPL", 209.5, LATER))
    market = desk.connect(TRADIER_SYMBOLS_PER_REQUEST="2")
    seen = market.snapshot([CALL, PUT, CALL], ["AAPL", "AAPL"], NOW)
    market.close()
    assert (set(seen.quotes), set(seen.underlyings)) == ({CALL, PUT}, {"AAPL"})
    assert sorted(one.form["symbols"].count(",") for one in desk.fake.asked("POST")) == [0, 1]


@pytest.mark.parametrize("text", ["0", "-1", "many", "10001", "1.5"])
def test_a_number_of_symbols_that_is_none_refuses_to_start(desk, text):
    with pytest.raises(ConfigurationError, match="TRADIER_SYMBOLS_PER_REQUEST"):
        desk.connect(TRADIER_SYMBOLS_PER_REQUEST=text)


def test_a_share_class_is_asked_for_by_its_own_name(desk):
    desk.show(share_row("BRK/B", 480.0, LATER))
    seen = desk.ask([], ["BRKB", "BRK.B"])
    assert {name: price.last for name, price in seen.underlyings.items()} == {
        "BRKB": 480,
        "BRK.B": 480,
    }
    assert desk.fake.asked("POST")[0].form["symbols"] == "BRK/B"


def test_what_is_unknown_is_absent_and_options_are_told_of(desk):
    desk.show(option_row(CALL, LATER))
    seen = desk.ask([CALL, PUT, "", "AAPL", CALL.lower()], ["NOSUCH", "no such", "", CALL, "A,B"])
    assert (set(seen.quotes), seen.underlyings) == ({CALL}, {})
    (note,) = seen.notes
    assert PUT in note.message
    assert desk.fake.asked("POST")[0].form["symbols"] == f"{CALL},{PUT},NOSUCH"


def test_nothing_known_and_nothing_asked_are_nothing(desk):
    assert desk.ask([CALL], ["AAPL"]).quotes == {}
    desk.fake.server.requests.clear()
    assert desk.ask().quotes == {}
    assert desk.fake.server.requests == []


# One quote


@pytest.mark.parametrize(
    ("changes", "bid", "ask", "garbage"),
    [
        pytest.param({"bid": 0.0, "ask": 0.05}, "0", "0.05", False, id="nothing is bid"),
        pytest.param({"bid": None, "ask": 0.05}, None, "0.05", False, id="no bid is given"),
        pytest.param({"bid": 1.0, "ask": 0.0}, "1", None, False, id="nothing is offered"),
        pytest.param({"bid": 1.0, "ask": None}, "1", None, False, id="no ask is given"),
        pytest.param({"bid": "1.10", "ask": "1.2"}, "1.1", "1.2", False, id="texts"),
        pytest.param({"bid": -1.0, "ask": 1.2}, None, "1.2", True, id="a negative price"),
        pytest.param({"bid": 1.1, "ask": float("nan")}, "1.1", None, True, id="not a number"),
        pytest.param({"bid": 1.1, "ask": 1e12}, "1.1", None, True, id="an absurd price"),
    ],
)
def test_a_price_is_what_it_is_or_not_known(changes, bid, ask, garbage):
    quote = quote_of(option_row(CALL, LATER, **changes))
    assert quote is not None
    assert quote.bid == (bid and Decimal(bid))
    assert quote.ask == (ask and Decimal(ask))
    assert quote.nonfinite is garbage


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param((millis(EARLIER), millis(LATER), None), EARLIER, id="the older bid"),
        pytest.param((millis(LATER), millis(EARLIER), None), EARLIER, id="the older ask"),
        pytest.param((millis(LATER) // 1000, millis(NOW), None), LATER, id="seconds"),
        pytest.param((0, millis(LATER), millis(EARLIER)), LATER, id="no time of the bid"),
        pytest.param((millis(LATER), None, millis(EARLIER)), LATER, id="no time of the ask"),
        pytest.param((0, None, millis(EARLIER)), EARLIER, id="that of the last trade"),
        pytest.param((0, 0, 0), None, id="none"),
    ],
)
def test_a_quote_has_the_time_of_its_older_side(times, expected):
    bid_date, ask_date, trade_date = times
    row = option_row(CALL, NOW, bid_date=bid_date, ask_date=ask_date, trade_date=trade_date)
    quote = quote_of(row)
    assert (quote and quote.quoted_at) == expected


@pytest.mark.parametrize(
    ("told", "size", "is_standard"),
    [
        pytest.param(100, 100, True, id="a number"),
        pytest.param(100.0, 100, True, id="a number with decimals"),
        pytest.param("100", 100, True, id="a text"),
        pytest.param(None, None, True, id="null"),
        pytest.param(10, 10, False, id="ten"),
        pytest.param("150", 150, False, id="a hundred and fifty"),
    ],
)
def test_a_quote_tells_how_many_shares_a_contract_is_for(told, size, is_standard):
    quote = quote_of(option_row(CALL, LATER, contract_size=told))
    assert (quote.contract_size, quote.is_standard, quote.nonfinite) == (size, is_standard, False)


@pytest.mark.parametrize("told", ["many", 100.5, True, [100]])
def test_a_contract_size_that_cant_be_read_spoils_the_quote(told):
    assert quote_of(option_row(CALL, LATER, contract_size=told)).nonfinite


GREEKS = {"delta": 0.61, "gamma": 0.021, "theta": -0.085, "vega": 0.27, "mid_iv": 0.284}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            GREEKS,
            Greeks(iv=0.284, delta=0.61, gamma=0.021, theta=-0.085, vega=0.27),
            id="all",
        ),
        pytest.param({"mid_iv": 0.0, "smv_vol": 0.283}, Greeks(iv=0.283), id="iv not computed"),
        pytest.param({"smv_vol": -138_248_470.0}, Greeks(), id="an absurd volatility"),
        pytest.param({"delta": 7.0, "gamma": -1, "vega": None}, Greeks(), id="absurd greeks"),
        pytest.param({"theta": float("inf")}, Greeks(theta=None), id="an infinite one"),
        pytest.param(None, None, id="none"),
        pytest.param("null", None, id="a text"),
    ],
)
def test_greeks_are_possible_ones_or_not_known(given, expected):
    quote = quote_of(option_row(CALL, LATER, greeks=given))
    assert quote is not None
    assert quote.greeks == expected
    assert quote.open_interest == 12_034


@pytest.mark.parametrize(
    "changes", [{"last": None}, {"last": 0.0}, {"last": -1.0}, {"trade_date": 0}, {"last": "x"}]
)
def test_an_underlying_without_a_price_or_its_time_is_absent(changes):
    assert price_of(share_row("AAPL", 209.5, LATER) | changes, "AAPL") is None


# Chains


def test_a_chain_is_listed_over_all_expirations_and_roots(desk):
    monthly = "SPX260821C05000000"
    desk.show(*(option_row(one, LATER) for one in (WEEKLY, monthly, CALL, PUT)))
    assert desk.market.chain("SPX", NOW) == sorted([WEEKLY, monthly])
    assert desk.market.chain("AAPL", NOW) == [CALL, PUT]
    first, *_ = desk.fake.asked("GET", "/expirations")
    assert first.query == {"symbol": "SPX", "includeAllRoots": "true"}
    assert len(desk.fake.asked("GET", "/chains")) == 3


def test_a_whole_chain_has_quotes_open_interest_and_the_price(desk):
    desk.show(
        option_row(CALL, LATER, bid=10.0, ask=10.15),
        option_row(PUT, LATER, contract_size=10),
        share_row("AAPL", 209.5, LATER),
    )
    found = desk.market.option_chain("AAPL", NOW)
    assert found is not None
    assert list(found.symbols) == [CALL]
    assert (found.bid.tolist(), found.open_interest.tolist()) == ([10.0], [12_034])
    assert (found.spot, found.source) == (209.5, "tradier")
    assert isinstance(desk.market, TellsChains)
    assert not desk.market.tells_chains_unasked


def test_a_chain_without_a_price_of_its_underlying_is_none(desk):
    desk.show(option_row(CALL, LATER))
    assert desk.market.option_chain("AAPL", NOW) is None


@pytest.mark.parametrize("underlying", ["VIX", "no such", ""])
def test_an_underlying_without_options_has_no_chain(desk, underlying):
    assert desk.market.chain(underlying, NOW) == []


# Faults


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(fakes.LOST, id="no answer"),
        pytest.param(fakes.DOWN, id="a fault"),
        pytest.param(fakes.NOT_FOUND, id="a passing 404"),
        pytest.param(fakes.HTML, id="HTML"),
        pytest.param(fakes.HUGE, id="an error page of 5 MB"),
        pytest.param(fakes.BROKEN, id="broken JSON"),
        pytest.param(fakes.CUT, id="half an answer"),
        pytest.param(fakes.EMPTY, id="an empty body"),
        pytest.param(json_reply({"quotes": 1}), id="a number"),
        pytest.param(json_reply({}), id="no quotes"),
        pytest.param(fakes.refusal(["Not now."]), id="words of refusal"),
    ],
)
def test_a_source_that_does_not_answer_usably_is_unavailable(desk, reply):
    desk.fake.fail("POST", QUOTES, reply, times=9)
    with pytest.raises(UnavailableError) as raised:
        desk.ask([CALL], ["AAPL"])
    assert CALL not in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_read_is_tried_again(desk):
    desk.show(option_row(CALL, LATER))
    desk.fake.fail("POST", QUOTES, fakes.LOST)
    assert set(desk.ask([CALL]).quotes) == {CALL}


def test_a_used_up_rate_limit_is_not_tried_and_ends_with_its_window(desk):
    desk.show(option_row(CALL, LATER))
    desk.fake.allowed["markets"] = 11
    desk.clock.advance(timedelta(seconds=30))  # into the minute that the server counts by
    desk.ask([CALL])
    with pytest.raises(UnavailableError, match="rate limit of markets"):
        desk.ask([CALL])
    assert len(desk.fake.server.requests) == 1
    desk.clock.advance(timedelta(seconds=30))
    assert set(desk.ask([CALL]).quotes) == {CALL}


def test_a_wrong_key_is_a_matter_of_configuration(desk):
    market = desk.connect(TRADIER_API_KEY="another-key")
    with pytest.raises(ConfigurationError, match="refuses the access token"):
        market.snapshot([CALL], [], NOW)
    market.close()


@pytest.mark.parametrize("environment", ["tape", "simulated"])
def test_only_a_real_environment_has_its_quotes(desk, environment):
    with pytest.raises(ConfigurationError, match=environment):
        desk.connect(environment)


def test_no_account_is_needed_for_quotes(desk):
    desk.connect("live", TRADIER_ACCOUNT_ID="").close()
