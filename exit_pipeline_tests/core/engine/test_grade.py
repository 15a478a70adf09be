"""Grading of quotes."""

import numpy as np
import pytest
from pydantic import ValidationError

from exit_pipeline.core.engine.grade import QuoteLimits, grade_quotes
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.core.model.instant import SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline_tests.builders import a_book, decide_one

AT_TEN = {"decided_at": "10:00"}


@pytest.mark.parametrize(
    ("columns", "flags", "grade"),
    [
        pytest.param({}, "", "GOOD", id="nothing wrong"),
        pytest.param({"bid": None}, "MISSING", "BAD", id="no bid"),
        pytest.param({"ask": None}, "MISSING", "BAD", id="no ask"),
        pytest.param({"bid": None, "ask": None, "quoted_at": None}, "MISSING", "BAD", id="none"),
        pytest.param({"bid": "0", "ask": "0"}, "MISSING", "BAD", id="zero by zero is no quote"),
        pytest.param({"ask": "0"}, "MISSING", "BAD", id="an ask of zero is no offer"),
        pytest.param({"nonfinite": True}, "NONFINITE", "BAD", id="a price that is no price"),
        pytest.param({"bid": "-0.01", "ask": "0.05"}, "NONFINITE", "BAD", id="a negative bid"),
        pytest.param({"bid": "2.01", "ask": "2.00"}, "CROSSED", "BAD", id="bid above ask"),
        pytest.param({"bid": "2.00", "ask": "2.00"}, "LOCKED", "DEGRADED", id="bid equals ask"),
        pytest.param({"bid": "0", "ask": "0.15"}, "WORTHLESS", "DEGRADED", id="three ticks asked"),
        pytest.param({"bid": "0", "ask": "0.16"}, "NO_MARKET", "BAD", id="above three ticks"),
        pytest.param({"bid": "0", "ask": "6.00"}, "NO_MARKET", "BAD", id="zero by six"),
        pytest.param({"bid": "0.30", "ask": "0.40"}, "", "GOOD", id="wide in percent only"),
        pytest.param({"bid": "1.75", "ask": "2.25"}, "", "GOOD", id="exactly 25 % of the mid"),
        pytest.param({"bid": "1.7499", "ask": "2.25"}, "WIDE", "DEGRADED", id="a hair wider"),
        pytest.param({"bid_size": 0}, "NO_SIZE", "DEGRADED", id="nothing bid for"),
        pytest.param({"ask_size": 0}, "NO_SIZE", "DEGRADED", id="nothing offered"),
        pytest.param({"bid_size": -1, "ask_size": -1}, "", "GOOD", id="sizes not given"),
        pytest.param({"feed_at": "09:59:30"}, "", "GOOD", id="feed exactly 30 seconds old"),
        pytest.param({"feed_at": "09:59:29"}, "STALE_FEED", "BAD", id="feed 31 seconds old"),
        pytest.param({"feed_at": None}, "STALE_FEED", "BAD", id="no price of the underlying"),
        pytest.param({"quoted_at": "09:58:00"}, "", "GOOD", id="quote exactly 120 seconds old"),
        pytest.param({"quoted_at": "09:57:59"}, "STALE_QUOTE", "DEGRADED", id="121 seconds old"),
        pytest.param({"quoted_at": "09:45:00"}, "STALE_QUOTE", "DEGRADED", id="exactly 15 minutes"),
        pytest.param({"quoted_at": "09:44:59"}, "EXPIRED_QUOTE", "BAD", id="older than 15 minutes"),
        pytest.param({"quoted_at": "2026-03-15 10:00"}, "EXPIRED_QUOTE", "BAD", id="three days"),
        pytest.param({"quoted_at": None}, "EXPIRED_QUOTE", "BAD", id="a quote without a time"),
        pytest.param({"quoted_at": "10:00:05"}, "", "GOOD", id="five seconds ahead"),
        pytest.param({"quoted_at": "10:00:06"}, "FUTURE", "BAD", id="six seconds ahead"),
        pytest.param({"last_trading_close": None}, "", "GOOD", id="last trading day not known"),
        pytest.param({"last_trading_close": "10:00"}, "EXPIRED_CONTRACT", "BAD", id="ended now"),
        pytest.param({"last_trading_close": "10:01"}, "", "GOOD", id="ends in a minute"),
        pytest.param({"bid": "1.00", "ask": "3.00", "bid_size": 0, "quoted_at": "09:50"},
                     "STALE_QUOTE WIDE NO_SIZE", "DEGRADED", id="several at once"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_a_quote_is_flagged_and_graded(side, columns, flags, grade):
    one = decide_one(**AT_TEN, side=side, **columns)
    assert {flag.name for flag in one.flags} == set(flags.split())
    assert one.grade == grade


@pytest.mark.parametrize(
    ("side", "bid", "ask", "mark"),
    [
        pytest.param(1, "0.10", "0.15", "0.1250", id="half-cent mid of a good quote"),
        pytest.param(1, "1.00", "3.00", "1.0000", id="a long is judged at the bid of a wide one"),
        pytest.param(-1, "1.00", "3.00", "3.0000", id="a short at the ask"),
        pytest.param(1, "0", "0.10", "0.0000", id="a worthless long at nothing"),
        pytest.param(-1, "0", "0.10", "0.1000", id="a worthless short at the ask"),
        pytest.param(1, "0", "6.00", None, id="no market has no mark"),
        pytest.param(1, "1.0000", "1.0001", "1.0000", id="half a unit is rounded down"),
    ],
)
def test_the_mark_follows_the_grade(side, bid, ask, mark):
    one = decide_one(side=side, bid=bid, ask=ask)
    assert one.mark == mark
    assert np.isnan(one.pnl_percent) == (mark is None)


@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_zero_by_six_on_an_entry_of_two_is_neither_a_profit_nor_a_stop(side):
    one = decide_one(side=side, bid="0", ask="6.00", previous_mid="0.10")
    assert one.outcome == "HOLD"
    assert not one.evaluable & {"PROFIT_TARGET", "STOP_LOSS"}


@pytest.mark.parametrize("mark", ["0.50", "9.00"])
def test_a_quote_three_days_old_decides_nothing(mark):
    one = decide_one(mark=mark, quoted_at="2026-03-15 10:00", previous_mid=mark)
    assert one.outcome == "HOLD"
    assert one.sentences[1] == "The quote is BAD: a quote too old to use."


def test_a_worthless_long_is_flagged_and_neither_stopped_nor_sold():
    one = decide_one(bid="0", ask="0.05", previous_mid="0.02")
    assert (one.outcome, one.flags, one.pnl_percent) == ("HOLD", QuoteFlag.WORTHLESS, -100)
    assert not one.evaluable & {"PROFIT_TARGET", "STOP_LOSS"}


def test_a_short_whose_contract_is_worthless_is_bought_back():
    one = decide_one(side=-1, bid="0", ask="0.05")
    assert (one.outcome, one.reason, one.flags) == ("FULL", "PROFIT_TARGET", QuoteFlag.WORTHLESS)


@pytest.mark.parametrize("column", ["bid", "ask", "previous_mid", "last_trading_close", "gex_at",
                                    "feed_at", "quoted_at", "session_close"])  # fmt: skip
@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_a_column_that_is_not_known_fires_nothing(column, side):
    one = decide_one(side=side, intraday=True, gex_direction=-side, gex_previous=side,
                     gex_strength=0.9, **{"bid": "1.80", "ask": "2.20", column: None})  # fmt: skip
    assert (one.outcome, one.fired) == ("HOLD", set())


def test_the_limits_are_settings_and_the_shorter_age_counts():
    policy = "quotes.age_seconds_max=1000, quotes.usable_age_seconds_max=600"
    assert decide_one(policy, quoted_at="09:50").grade == "GOOD"
    assert decide_one(policy, quoted_at="09:49:59").flags == QuoteFlag.EXPIRED_QUOTE
    assert decide_one("quotes.wide_dollars=0", bid="0.30", ask="0.40").grade == "DEGRADED"
    assert decide_one("quotes.worthless_ask_dollars=0", bid="0", ask="0.05").grade == "BAD"


@pytest.mark.parametrize("seconds", [1e9, 1e300])
def test_limits_beyond_all_bounds_do_not_overflow(seconds):
    policy = f"quotes.age_seconds_max={seconds}, quotes.usable_age_seconds_max={seconds}"
    assert decide_one(policy, quoted_at="2001-01-01 10:00").grade == "GOOD"
    assert decide_one(policy, quoted_at=None).grade == "BAD"


@pytest.mark.parametrize(
    "limits",
    [{"wide_percent": 0}, {"wide_percent": 1e9}, {"age_seconds_max": 0}, {"wide_dollars": -1}],
)
def test_senseless_limits_are_refused(limits):
    with pytest.raises(ValidationError):
        QuoteLimits(**limits)


def test_grading_leaves_the_book_alone_and_fills_the_decisions_it_is_given():
    book = a_book({"bid": "1.00", "ask": "3.00"}, {"bid": None}, {})
    before = {name: getattr(book, name).copy() for name in ("bid", "ask", "entry_price")}
    into = Decisions.empty(len(book), 6)
    marks = grade_quotes(book, QuoteLimits(), into)
    assert into.mark.tolist() == [10_000, UNKNOWN, 20_000]
    assert np.shares_memory(into.mark, marks.mark)
    assert marks.priced.tolist() == [True, False, True]
    assert marks.good.tolist() == [False, False, True]
    assert all((getattr(book, name) == column).all() for name, column in before.items())


def test_the_age_limit_of_the_feed_belongs_to_the_source():
    assert decide_one(feed_at="09:45", feed_age_limit=15 * 60 * SECONDS).grade == "GOOD"


@pytest.mark.parametrize(
    ("columns", "fresh"),
    [
        pytest.param({}, True, id="a second old"),
        pytest.param({"bid": None}, True, id="whatever the quote says"),
        pytest.param({"feed_at": "09:59:30", "bid": None}, True, id="as old as may be"),
        pytest.param({"feed_at": "09:59:29"}, False, id="a second older"),
        pytest.param({"feed_at": "09:59:29", "bid": None}, False, id="older, and no quote"),
        pytest.param({"feed_at": None}, False, id="no price of the underlying"),
    ],
)
def test_the_underlyings_price_is_fresh_up_to_its_sources_limit(columns, fresh):
    marks = grade_quotes(a_book({}, AT_TEN | columns), QuoteLimits())
    assert marks.fresh.tolist() == [True, fresh]
