from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.market_data.simulated import SimulatedMarketData
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.sample.demo import DEMO_ACCOUNT, demo_book
from exit_pipeline_tests.fakes import NEW_YORK, new_york

MONDAY = date(2026, 11, 23)
FRIDAY = date(2026, 11, 20)


def day_of(at: datetime) -> date:
    return demo_book(SimulatedMarketData(), at)[0].entry_time.astimezone(NEW_YORK).date()


@given(ahead=st.integers(0, 1500), minutes=st.integers(0, 24 * 60 - 1))
@settings(deadline=None, max_examples=6)
def test_on_any_day_there_are_about_twelve_positions_opened_at_the_market(ahead, minutes):
    market = SimulatedMarketData()
    at = new_york(MONDAY + timedelta(days=ahead), minutes // 60, minutes % 60)
    book = demo_book(market, at)

    assert 10 <= len(book) <= 12
    assert len({position.id for position in book}) == len(book)
    for position in book:
        quote = market.snapshot([position.symbol], [], position.entry_time).quotes[position.symbol]
        assert quote.bid is not None
        assert quote.ask is not None
        assert quote.bid - Decimal("0.01") <= position.entry_price <= quote.ask + Decimal("0.01")
        assert timedelta(0) <= at - position.entry_time < timedelta(days=4)


def test_positions_belong_to_the_paper_broker():
    book = demo_book(SimulatedMarketData(), new_york(MONDAY, 15))

    assert {(p.broker, p.environment, p.account) for p in book} == {
        ("paper", "paper", DEMO_ACCOUNT)
    }


def test_the_book_has_both_sides_intraday_timeframes_and_a_far_expiration():
    book = demo_book(SimulatedMarketData(), new_york(MONDAY, 15))

    assert {position.side for position in book} == set(PositionSide)
    assert {"15m", "1d", None} <= {position.timeframe for position in book}
    assert max(parse_contract(p.symbol).expiration for p in book) > MONDAY + timedelta(days=200)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (new_york(MONDAY, 10, 30), MONDAY),
        (new_york(MONDAY, 23, 59), MONDAY),
        (new_york(MONDAY, 10, 29), FRIDAY),
        (new_york(MONDAY, 3), FRIDAY),
        (new_york(FRIDAY + timedelta(days=1), 12), FRIDAY),
        (new_york(FRIDAY + timedelta(days=2), 12), FRIDAY),
    ],
    ids=["half past ten", "night", "just before", "early morning", "saturday", "sunday"],
)
def test_positions_are_of_todays_session_once_all_have_been_opened(at, day):
    assert day_of(at) == day


def test_the_book_is_the_same_all_day():
    market = SimulatedMarketData()

    assert demo_book(market, new_york(MONDAY, 11)) == demo_book(market, new_york(MONDAY, 15))
