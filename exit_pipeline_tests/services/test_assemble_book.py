"""The columns of a book: what is known in the core's units, and what is not as UNKNOWN."""

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline.core.model.book import KINDS, Book
from exit_pipeline.core.model.context import GexHistory, GexSignal, MarketContext
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.exit_request import ExitRequest
from exit_pipeline.core.model.instant import SECONDS, to_micros
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import MarketSnapshot, Quote, UnderlyingPrice
from exit_pipeline.core.model.record import TickIdentity
from exit_pipeline.policies import parse_policy
from exit_pipeline.services.assemble_book import assemble_book
from exit_pipeline.services.judge_context import judge_context
from exit_pipeline.services.tick import ContextTick, OpenTick, TickRequest
from exit_pipeline_tests.fakes import FakeCalendar, new_york

TUESDAY = date(2026, 3, 17)
AT = new_york(TUESDAY, 10, 5)
ENTERED = new_york(date(2026, 3, 16), 11)
QUOTED = AT - timedelta(seconds=3)
CALL = "ACME260417C00100000"
CALENDAR = FakeCalendar({date(2026, 4, 3): "Good Friday"}, {date(2026, 11, 27): time(13)})


def a_position(symbol: str | None = CALL, **details: Any) -> Position:
    values = {
        "id": "a",
        "broker": "paper",
        "environment": "paper",
        "account": "desk",
        "contract": parse_contract(symbol) if symbol else None,
        "underlying": "ACME",
        "side": PositionSide.LONG,
        "quantity": 10,
        "entry_price": Decimal("2.00"),
        "entry_time": ENTERED,
    }
    return Position(**values | details)


def a_quote(**details: Any) -> Quote:
    values = {
        "symbol": CALL,
        "bid": Decimal("2.05"),
        "ask": Decimal("2.15"),
        "bid_size": 7,
        "ask_size": 9,
        "quoted_at": QUOTED,
    }
    return Quote(**values | details)


def book_of(
    positions: Sequence[Position],
    *,
    quotes: Sequence[Quote] = (),
    prices: Sequence[UnderlyingPrice] = (),
    context: MarketContext | None = None,
    calendar: FakeCalendar = CALENDAR,
    force_close: bool = False,
    asked_to_close: Sequence[ExitRequest] = (),
) -> Book:
    """The book of a tick on that Tuesday."""
    tick = OpenTick(
        request=TickRequest(run_key="run", force_close=force_close),
        identity=TickIdentity(
            environment="paper", broker="paper", tick_at=AT, mode="fake", dry_run=False
        ),
        at=AT,
        session=calendar.session(TUESDAY),
        runs=(),
        positions=tuple(positions),
        opened_at=AT,
        asked_to_close=tuple(asked_to_close),
    )
    market = MarketSnapshot(
        source="fake",
        feed_age_limit=timedelta(seconds=90),
        quotes={quote.symbol: quote for quote in quotes},
        underlyings={price.symbol: price for price in prices},
    )
    known = ContextTick(tick=tick, market=market, context=context or MarketContext())
    judged = judge_context(known, positions)
    return assemble_book(known, positions, [parse_policy()], [0] * len(positions), calendar, judged)


def row(book: Book) -> dict[str, Any]:
    """The one row of a book as plain numbers."""
    assert len(book) == 1
    return {name: getattr(book, name)[0].tolist() for name in KINDS}


def test_everything_known_stands_in_the_cores_units() -> None:
    context = MarketContext(
        vix=Decimal("17.25"),
        vix_at=QUOTED,
        gex={
            "ACME": GexHistory(
                newest=GexSignal(direction=Direction.PUT, strength=0.7, at=QUOTED),
                previous=GexSignal(direction=Direction.CALL, strength=0.6, at=ENTERED),
            )
        },
    )
    position = a_position(
        exited_quantity=4,
        profit_exited_quantity=3,
        timeframe="15m",
        previous_mid=Decimal("2.0850"),
        previous_mid_at=AT - timedelta(minutes=5),
        gex_latched=True,
        high_water_mark=Decimal("2.5"),
        entry_iv=0.31,
        entry_regime=Regime.HIGH_VOL,
        entry_gex=Direction.CALL,
    )
    price = UnderlyingPrice(symbol="ACME", last=Decimal("101.25"), quoted_at=QUOTED)
    book = book_of([position], quotes=[a_quote()], prices=[price], context=context)
    found = row(book)
    known = {
        "policy": 0,
        "decided_at": to_micros(AT),
        "session_close": to_micros(new_york(TUESDAY, 16)),
        "clock_minutes": 10 * 60 + 5,
        "last_trading_close": to_micros(new_york(date(2026, 4, 17), 16)),
        "days_to_expiration": 31,
        "days_in_trade": 1,
        "strike": 1_000_000,
        "high_water": 25_000,
        "entry_iv": 0.31,
        "entry_regime": Regime.HIGH_VOL,
        "gex_entry": 1,
        "side": 1,
        "right": 1,
        "quantity": 10,
        "open_quantity": 6,
        "profit_exited": 3,
        "entry_price": 20_000,
        "entry_time": to_micros(ENTERED),
        "intraday": True,
        "force_close": False,
        "bid": 20_500,
        "ask": 21_500,
        "bid_size": 7,
        "ask_size": 9,
        "nonfinite": False,
        "quoted_at": to_micros(QUOTED),
        "feed_at": to_micros(QUOTED),
        "feed_age_limit": 90 * SECONDS,
        "previous_mid": 20_850,
        "gex_direction": -1,
        "gex_strength": 0.7,
        "gex_at": to_micros(QUOTED),
        "gex_previous": 1,
        "gex_latched": True,
        "underlying_price": 1_012_500,
        "vix": 17.25,
        "vix_at": to_micros(QUOTED),
    }
    assert {name: found[name] for name in known} == known


@pytest.mark.parametrize(
    ("before", "of_policy", "counts"),
    [
        pytest.param(AT - timedelta(minutes=5), parse_policy().hash, [0, 2, 1], id="so"),
        pytest.param(AT - timedelta(minutes=5), "another", [0, 0, 0], id="of another policy"),
        pytest.param(AT - timedelta(days=1), parse_policy().hash, [0, 0, 0], id="of yesterday"),
    ],
)
def test_ticks_in_a_row_count_on_under_one_policy_and_within_one_session(
    before: datetime, of_policy: str, counts: list[int]
) -> None:
    position = a_position(previous_mid_at=before, rule_hits=(0, 2, 1), rule_hits_policy=of_policy)
    assert row(book_of([position]))["hits"][:4] == [*counts, 0]


def test_what_is_not_known_is_unknown_and_never_zero() -> None:
    found = row(book_of([a_position(symbol=None)]))
    unknown = ("bid", "ask", "quoted_at", "feed_at", "underlying_price", "previous_mid", "gex_at")
    assert {name: found[name] for name in unknown} == dict.fromkeys(unknown, UNKNOWN)
    assert found["last_trading_close"] == UNKNOWN
    assert found["vix_at"] == UNKNOWN
    assert math.isnan(found["vix"])
    assert math.isnan(found["gex_strength"])
    assert (found["bid_size"], found["ask_size"]) == (-1, -1)
    assert (found["right"], found["gex_direction"], found["gex_previous"]) == (0, 0, 0)
    assert not found["nonfinite"]


def test_a_bid_of_zero_is_a_price_and_a_missing_side_is_not() -> None:
    found = row(book_of([a_position()], quotes=[a_quote(bid=Decimal(0), ask=None, bid_size=0)]))
    assert (found["bid"], found["bid_size"]) == (0, 0)
    assert found["ask"] == UNKNOWN


def test_a_price_that_was_none_is_marked_and_kept_as_unknown() -> None:
    found = row(book_of([a_position()], quotes=[a_quote(bid=None, nonfinite=True)]))
    assert found["nonfinite"]
    assert found["bid"] == UNKNOWN


def test_without_a_price_of_the_underlying_the_feeds_time_is_unknown() -> None:
    vix = UnderlyingPrice(symbol="VIX", last=Decimal(17), quoted_at=QUOTED)
    found = row(book_of([a_position()], quotes=[a_quote()], prices=[vix]))
    assert (found["feed_at"], found["underlying_price"]) == (UNKNOWN, UNKNOWN)
    assert found["quoted_at"] == to_micros(QUOTED)


@pytest.mark.parametrize(
    ("at", "known"),
    [
        pytest.param(AT - timedelta(minutes=5), True, id="the tick before"),
        pytest.param(new_york(TUESDAY, 9, 30), True, id="the open"),
        pytest.param(new_york(date(2026, 3, 16), 15, 55), False, id="yesterday's last tick"),
        pytest.param(None, False, id="a time that is not known"),
    ],
)
def test_the_mid_of_the_tick_before_counts_within_one_session(
    at: datetime | None, known: bool
) -> None:
    position = a_position(previous_mid=Decimal("2.0850"), previous_mid_at=at)
    assert row(book_of([position]))["previous_mid"] == (20_850 if known else UNKNOWN)


@pytest.mark.parametrize(
    ("side", "symbol", "signs"),
    [
        pytest.param("LONG", CALL, (1, 1), id="long call"),
        pytest.param("SHORT", CALL, (-1, 1), id="short call"),
        pytest.param("LONG", "ACME260417P00100000", (1, -1), id="long put"),
        pytest.param("SHORT", "ACME260417P00100000", (-1, -1), id="short put"),
    ],
)
def test_side_and_right_are_signs(side: str, symbol: str, signs: tuple[int, int]) -> None:
    found = row(book_of([a_position(symbol, side=PositionSide(side))]))
    assert (found["side"], found["right"]) == signs


@pytest.mark.parametrize(
    ("symbol", "close"),
    [
        pytest.param(CALL, new_york(date(2026, 4, 17), 16), id="a Friday"),
        pytest.param("ACME261127C00100000", new_york(date(2026, 11, 27), 13), id="a short day"),
        pytest.param("ACME260403C00100000", new_york(date(2026, 4, 2), 16), id="a holiday"),
        pytest.param("ACME260418C00100000", new_york(date(2026, 4, 17), 16), id="a Saturday"),
        pytest.param("SPX260320C06000000", new_york(date(2026, 3, 19), 16), id="AM-settled"),
        pytest.param("SPXW260320C06000000", new_york(date(2026, 3, 20), 16), id="PM-settled"),
        pytest.param(
            "SPX260406C06000000", new_york(date(2026, 4, 2), 16), id="AM-settled after a holiday"
        ),
        pytest.param(
            "SPX260403C06000000", new_york(date(2026, 4, 2), 16), id="AM-settled on a holiday"
        ),
    ],
)
def test_a_contract_trades_last_in_the_last_session_before_its_settlement(
    symbol: str, close: datetime
) -> None:
    assert row(book_of([a_position(symbol)]))["last_trading_close"] == to_micros(close)


def test_two_roots_of_one_expiration_keep_their_own_last_trading_day() -> None:
    symbols = ["SPX260320C06000000", "SPXW260320C06000000", "SPX260320P06000000"]
    closes = book_of([a_position(symbol) for symbol in symbols]).last_trading_close
    thursday, friday = (to_micros(new_york(date(2026, 3, day), 16)) for day in (19, 20))
    assert closes.tolist() == [thursday, friday, thursday]


def test_a_forced_launch_marks_every_row() -> None:
    book = book_of([a_position(id="a"), a_position(id="b")], force_close=True)
    assert book.force_close.tolist() == [True, True]


def test_what_a_person_asked_to_close_is_marked_and_nothing_else() -> None:
    request = ExitRequest(
        id="r",
        position_id="b",
        reason="the fund closes",
        requested_by="ann",
        requested_at=AT,
        expires_at=AT + timedelta(minutes=30),
    )
    book = book_of([a_position(id="a"), a_position(id="b")], asked_to_close=[request])
    assert book.force_close.tolist() == [False, True]


def test_a_signal_without_one_before_it_has_no_previous_direction() -> None:
    newest = GexSignal(direction=Direction.CALL, strength=0.4, at=QUOTED)
    context = MarketContext(gex={"ACME": GexHistory(newest=newest)})
    found = row(book_of([a_position()], context=context))
    assert (found["gex_direction"], found["gex_previous"]) == (1, 0)


def test_each_row_has_the_quote_and_price_of_its_own_contract() -> None:
    other = "ZED260417C00050000"
    positions = [a_position(), a_position(other, id="b", underlying="ZED")]
    quotes = [a_quote(symbol=other, bid=Decimal("0.50"))]
    prices = [UnderlyingPrice(symbol="ACME", last=Decimal(101), quoted_at=QUOTED)]
    book = book_of(positions, quotes=quotes, prices=prices)
    assert book.bid.tolist() == [UNKNOWN, 5_000]
    assert book.underlying_price.tolist() == [1_010_000, UNKNOWN]


def test_an_empty_book_has_every_column() -> None:
    assert len(book_of([])) == 0
