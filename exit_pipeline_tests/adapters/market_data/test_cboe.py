from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from exit_pipeline.adapters.clients.cboe import CboeFiles
from exit_pipeline.adapters.clients.http import Retries
from exit_pipeline.adapters.market_data.cboe import CboeMarketData, build
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.quote import Greeks, MarketSnapshot
from exit_pipeline.ports import IsDelayed, MarketData, Surroundings, TellsChains
from exit_pipeline_tests.fake_brokers.cboe import FOLDER, FakeCboe, option
from exit_pipeline_tests.fake_brokers.server import Reply
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock

NOW = datetime(2026, 7, 10, 14, 31, 30, tzinfo=UTC)
TRADED_AT = datetime(2026, 7, 10, 14, 15, 4, tzinfo=UTC)
CALL, PUT = "SPX260821C07400000", "SPXW260710P07350000"
SHARE = "GOOG260821C00200000"
AT_ONCE = Retries(attempts=2, wait_initial=0, wait_max=0, wait_jitter=0)


@pytest.fixture
def cboe() -> Iterator[FakeCboe]:
    with FakeCboe() as fake:
        fake.put_chain("_SPX", 7383.46, option(CALL, 118.2, 119.4), option(PUT, 2.1, 2.2))
        fake.put_chain("GOOG", 201.5, option(SHARE, 5.1, 5.3))
        fake.put_level("_VIX", 18.45)
        fake.put_level("_VIX9D", 17.2)
        fake.put_level("_VIX3M", 20.1)
        yield fake


def source_of(cboe: FakeCboe, clock: FixedClock | None = None, **settings: Any) -> CboeMarketData:
    clock = clock or FixedClock(NOW)
    return CboeMarketData(CboeFiles(cboe.environ, clock, retries=AT_ONCE), clock, **settings)


def seen(cboe: FakeCboe, *options: str, underlyings: tuple[str, ...] = ()) -> MarketSnapshot:
    return source_of(cboe).snapshot(options, underlyings, NOW)


def test_it_is_a_delayed_source_and_no_live_one(cboe):
    source = source_of(cboe)

    assert isinstance(source, MarketData)
    assert isinstance(source, IsDelayed)
    assert (source.source, source.is_live) == ("cboe", False)
    assert seen(cboe).feed_age_limit == timedelta(minutes=30)


def test_quotes_are_as_old_as_the_last_trade_in_new_york_time(cboe):
    quote = seen(cboe, CALL).quotes[CALL]

    assert (quote.bid, quote.ask) == (Decimal("118.2"), Decimal("119.4"))
    assert (quote.bid_size, quote.ask_size, quote.open_interest) == (12, 10, 15230)
    assert quote.greeks == Greeks(iv=0.1721, delta=0.5012, gamma=0.0011, theta=-1.92, vega=9.11)
    assert quote.quoted_at == TRADED_AT


@pytest.mark.parametrize(
    ("last_trade_time", "expected"),
    [
        ("2026-07-10T10:15:04", datetime(2026, 7, 10, 14, 15, 4, tzinfo=UTC)),
        ("2026-12-02T15:59:59", datetime(2026, 12, 2, 20, 59, 59, tzinfo=UTC)),
    ],
    ids=["summer", "winter"],
)
def test_the_zone_follows_the_season(cboe, last_trade_time, expected):
    cboe.put_level("_VIX", 18.45, last_trade_time)

    assert seen(cboe, underlyings=("VIX",)).underlyings["VIX"].quoted_at == expected


def test_one_file_serves_all_contracts_of_an_underlying_and_its_price(cboe):
    snapshot = seen(cboe, CALL, PUT, SHARE, underlyings=("SPX", "GOOG", "VIX", "VIX3M"))

    assert sorted(cboe.paths) == [
        "options/GOOG.json",
        "options/_SPX.json",
        "quotes/_VIX.json",
        "quotes/_VIX3M.json",
    ]
    assert set(snapshot.quotes) == {CALL, PUT, SHARE}
    assert {symbol: price.last for symbol, price in snapshot.underlyings.items()} == {
        "SPX": Decimal("7383.46"),
        "GOOG": Decimal("201.5"),
        "VIX": Decimal("18.45"),
        "VIX3M": Decimal("20.1"),
    }
    assert snapshot.notes == ()


def test_a_file_is_not_asked_for_again_within_a_minute(cboe):
    clock = FixedClock(NOW)
    source = source_of(cboe, clock)
    source.chain("SPX", NOW)
    source.snapshot([CALL], [], NOW)
    assert cboe.paths == ["options/_SPX.json"]
    clock.advance(timedelta(seconds=60))
    source.snapshot([CALL], [], NOW)
    assert len(cboe.paths) == 2


def test_a_chain_holds_all_roots_of_the_underlying(cboe):
    assert source_of(cboe).chain("SPX", NOW) == [CALL, PUT]


def test_a_chain_comes_as_columns_as_old_as_its_file(cboe):
    chain = source_of(cboe).option_chain("SPX", NOW)

    assert chain is not None
    assert chain.symbols == (CALL, PUT)
    assert chain.open_interest.tolist() == [15230, 15230]
    assert (chain.bid.tolist(), chain.ask.tolist()) == ([118.2, 2.1], [119.4, 2.2])
    assert (chain.spot, chain.source) == (7383.46, "cboe")
    assert chain.at == to_micros(TRADED_AT)
    assert isinstance(source_of(cboe), TellsChains)
    assert source_of(cboe).tells_chains_unasked


def test_a_chain_and_the_quotes_of_a_tick_are_one_file(cboe):
    source = source_of(cboe)
    source.snapshot([CALL], [], NOW)
    source.option_chain("SPX", NOW)
    assert len(cboe.paths) == 1


def test_what_cboe_has_no_chain_of_has_none(cboe):
    assert source_of(cboe).option_chain("NONE", NOW) is None


def test_what_cboe_has_no_file_of_is_absent(cboe):
    source = source_of(cboe)
    snapshot = source.snapshot(["NONE260821C00200000"], ["NONE", "VVIX", "", "no such"], NOW)

    assert (snapshot.quotes, snapshot.underlyings) == ({}, {})
    assert [note.cause for note in snapshot.notes] == ["NOT_QUOTED"]
    assert source.chain("NONE", NOW) == []
    assert source.chain("../quotes/_VIX", NOW) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"bid": "118.2", "ask": "119.4"}, ("118.2", "119.4"), id="strings"),
        pytest.param({"bid": 118, "ask": 119}, ("118", "119"), id="whole numbers"),
        pytest.param({"bid": None}, (None, "119.4"), id="null"),
        pytest.param({"bid": 0.0, "ask": 0.0}, ("0", "0"), id="nothing bid or offered"),
        pytest.param({"bid": -5.0}, (None, "119.4"), id="negative"),
    ],
)
def test_prices_in_any_form(cboe, fields, expected):
    cboe.put_chain("_SPX", 7383.46, option(CALL, 118.2, 119.4) | fields)
    quote = seen(cboe, CALL).quotes[CALL]

    assert (quote.bid, quote.ask) == tuple(None if p is None else Decimal(p) for p in expected)
    assert quote.nonfinite is (fields.get("bid") == -5.0)


def test_figures_that_were_not_computed_are_not_known(cboe):
    cboe.put_chain(
        "_SPX", 7383.46, option(CALL, 1, 2, iv=0.0, gamma=0.0), option(PUT, 1, 2, iv=None)
    )
    quotes = seen(cboe, CALL, PUT).quotes

    assert quotes[CALL].greeks is None
    assert quotes[PUT].greeks is None


def test_a_null_among_numbers_is_nan_in_its_column(cboe):
    cboe.put_chain("_SPX", 7383.46, option(CALL, 1, 2), option(PUT, 1, 2, open_interest=None))
    chain = source_of(cboe).option_chain("SPX", NOW)

    assert chain is not None
    np.testing.assert_array_equal(chain.open_interest, [15230, np.nan])


@pytest.mark.parametrize(
    ("level", "at"),
    [
        pytest.param(None, "2026-07-10T10:15:04", id="no level"),
        pytest.param(0.0, "2026-07-10T10:15:04", id="a level of zero"),
        pytest.param(18.45, None, id="no time"),
        pytest.param(18.45, "yesterday", id="a time in words"),
    ],
)
def test_a_level_without_a_value_or_a_time_is_not_known(cboe, level, at):
    cboe.put_level("_VIX", level, at, prev_day_close=18.66)

    assert set(seen(cboe, underlyings=("VIX", "VIX3M")).underlyings) == {"VIX3M"}


HTML = b"<!DOCTYPE html><html><body>Bad gateway</body></html>"


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=HTML), id="html"),
        pytest.param(Reply(body=b'{"data": {"current_price": 18'), id="broken off"),
        pytest.param(Reply(body=b'{"data": {}}' * 9, cut=True), id="cut"),
        pytest.param(Reply(body=b'{"data": []}'), id="another form"),
        pytest.param(Reply(body=b""), id="empty"),
        pytest.param(Reply(status=504), id="gateway time-out"),
        pytest.param(Reply(status=500, body=HTML * 100_000), id="an error page of 5 MB"),
        pytest.param(Reply(status=302, headers={"location": "/elsewhere"}), id="redirected"),
        pytest.param(Reply(lost=True), id="no answer"),
    ],
)
def test_a_bad_file_costs_only_its_own_symbol(cboe, reply):
    cboe.fault = lambda r: reply if r.path == f"{FOLDER}/quotes/_VIX.json" else None
    snapshot = seen(cboe, SHARE, underlyings=("GOOG", "VIX", "VIX3M"))

    assert set(snapshot.quotes) == {SHARE}
    assert set(snapshot.underlyings) == {"GOOG", "VIX3M"}
    (note,) = snapshot.notes
    assert (note.cause, note.subject) == ("NOT_ANSWERED", "cboe: VIX")
    assert "html" not in note.message
    assert "\n" not in note.message


def test_a_broken_row_makes_the_chain_unavailable_and_not_wrong(cboe):
    cboe.put_chain("_SPX", 7383.46, option(CALL, "much", 119.4))
    with pytest.raises(UnavailableError, match="not of the known form"):
        source_of(cboe).chain("SPX", NOW)


def test_no_file_at_all_is_no_answer(cboe):
    cboe.fault = lambda _request: Reply(status=500)
    with pytest.raises(UnavailableError, match="Cboe"):
        seen(cboe, CALL, underlyings=("VIX",))


def test_a_file_that_hangs_costs_only_its_own_symbol(cboe):
    cboe.fault = lambda r: Reply(never=True) if r.path.endswith("_VIX.json") else None
    snapshot = source_of(cboe, budget_seconds=0.5).snapshot([], ["VIX", "VIX3M"], NOW)

    assert set(snapshot.underlyings) == {"VIX3M"}
    assert [note.message for note in snapshot.notes] == ["no answer within 0.5 seconds"]


def test_it_needs_no_key_and_knows_one_host(cboe):
    def around(environ: dict[str, str]) -> Surroundings:
        return Surroundings(
            environ=environ,
            clock=FixedClock(NOW),
            calendar=FakeCalendar(),
            environment="paper",
            database_url="",
        )

    assert build(around(cboe.environ)).snapshot([], ["VIX"], NOW).underlyings
    with pytest.raises(ConfigurationError, match="CBOE_BASE_URL is for tests"):
        build(around({"CBOE_BASE_URL": "https://elsewhere.test"}))
