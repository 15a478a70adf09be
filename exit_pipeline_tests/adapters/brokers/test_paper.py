from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import QueuePool

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import HeldPosition, OrderRequest, OrderSide, OrderStatus
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Broker, TakesDeposits
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock, new_york

WEDNESDAY = date(2015, 12, 23)
THURSDAY = date(2015, 12, 24)  # closes at 13:00
FRIDAY = date(2015, 12, 25)  # Christmas Day
TEN = new_york(WEDNESDAY, 10)
CALL = "GOOG151224C00750000"
PUT = "GOOG151224P00750000"
SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
RACERS = 16


@dataclass
class PaperRig:
    """A paper broker at 10:00 on 2015-12-23, with a market and a clock that a test moves."""

    engine: Engine
    market: FakeMarketData
    clock: FixedClock
    calendar: FakeCalendar
    account: str = "desk"
    environment: str = "tape"

    def __post_init__(self) -> None:
        self.broker = self.another()

    def another(self) -> PaperBroker:
        """Another broker with the same books, as in another process."""
        return PaperBroker(
            self.engine, self.market, self.clock, self.environment, calendar=self.calendar
        )

    def expire(self) -> None:
        self.market.add_price("GOOG", "700.00", new_york(THURSDAY, 12, 59))
        self.clock.at = new_york(THURSDAY, 13, 30)

    def delay_cancels(self) -> None:
        """Its books are its own, so that nothing can be late."""

    def position(self, position_id: str, contracts: int, **changes: Any) -> NewPosition:
        position = NewPosition(
            id=position_id,
            symbol=CALL,
            side="LONG" if contracts > 0 else "SHORT",
            quantity=abs(contracts),
            entry_price=Decimal("2.00"),
            entry_time=TEN,
            account=self.account,
            broker="paper",
            environment=self.environment,
        )
        return replace(position, **changes)

    def hold(self, quantity: int, symbol: str = CALL) -> None:
        self.broker.deposit([self.position(f"{self.account}-{symbol}", quantity, symbol=symbol)])

    def quote(self, bid: str, ask: str, size: int | None = None) -> None:
        self.clock.advance(timedelta(seconds=1))
        self.give(bid=Decimal(bid), ask=Decimal(ask), bid_size=size, ask_size=size)

    def give(self, **fields: Any) -> None:
        plain = {"symbol": CALL, "bid": None, "ask": None, "quoted_at": self.clock.at}
        self.market.add_quote(Quote(**(plain | fields)))

    def order(
        self, client_order_id: str, side: OrderSide, quantity: int, limit: str, symbol: str = CALL
    ) -> OrderRequest:
        return OrderRequest(
            client_order_id=client_order_id,
            account=self.account,
            symbol=symbol,
            side=side,
            quantity=quantity,
            limit_price=Decimal(limit),
        )

    def held(self) -> dict[str, int]:
        return {held.symbol: held.quantity for held in self.broker.positions(self.account)}


@contextmanager
def paper_rig(database_url: str) -> Iterator[PaperRig]:
    url = database_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    engine = create_engine(url, pool_size=RACERS)
    calendar = FakeCalendar({FRIDAY: "Christmas Day"}, {THURSDAY: time(13)})
    yield PaperRig(engine, FakeMarketData(), FixedClock(TEN), calendar)
    engine.dispose()


@pytest.fixture
def rig(database_url: str) -> Iterator[PaperRig]:
    with paper_rig(database_url) as made:
        yield made


def _race(run: Callable[[int], Any]) -> list[Any]:
    """Run once per racer, all at the same moment, each on a connection of its own."""
    line = Barrier(RACERS)

    def racer(number: int) -> Any:
        line.wait()
        return run(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(racer, range(RACERS)))


def test_it_takes_deposits(rig):
    assert isinstance(rig.broker, Broker)
    assert isinstance(rig.broker, TakesDeposits)


# Fills


@pytest.mark.parametrize(
    ("held", "side", "limit", "price"),
    [
        pytest.param(3, SELL, "1.00", "1.10", id="a sell below the bid fills at the bid"),
        pytest.param(3, SELL, "1.10", "1.10", id="a sell at the bid fills at the bid"),
        pytest.param(-3, BUY, "1.30", "1.20", id="a buy above the ask fills at the ask"),
        pytest.param(-3, BUY, "1.20", "1.20", id="a buy at the ask fills at the ask"),
    ],
)
def test_an_order_that_meets_the_market_on_arrival_fills_at_the_better_price(
    rig, held, side, limit, price
):
    rig.hold(held)
    rig.quote("1.10", "1.20")
    report = rig.broker.submit(rig.order("a-1", side, 3, limit))
    assert report.status is OrderStatus.FILLED
    (fill,) = report.fills
    assert fill.price == Decimal(price)
    assert fill.execution_id == f"paper-{report.broker_order_id}-3"
    assert fill.executed_at == rig.clock.at
    assert (fill.commission, fill.fees) == (Decimal("1.95"), Decimal("0.06"))
    assert rig.held() == {}


@pytest.mark.parametrize(
    ("held", "side", "limit", "missed", "reached"),
    [
        pytest.param(3, SELL, "1.15", ("1.14", "1.20"), ("1.30", "1.40"), id="sell"),
        pytest.param(-3, BUY, "1.15", ("1.10", "1.16"), ("0.90", "1.00"), id="buy"),
    ],
)
def test_a_resting_order_fills_at_its_own_limit_once_the_market_reaches_it(
    rig, held, side, limit, missed, reached
):
    rig.hold(held)
    rig.quote(*missed)
    assert rig.broker.submit(rig.order("a-1", side, 3, limit)).status is OrderStatus.ACCEPTED
    rig.quote(*reached)
    report = rig.broker.find_order(rig.account, "a-1")
    assert [fill.price for fill in report.fills] == [Decimal("1.15")]


def test_what_nobody_bids_for_cant_be_sold(rig):
    rig.hold(1)
    rig.give(bid=Decimal(0), ask=Decimal("0.05"))
    assert rig.broker.submit(rig.order("a-1", SELL, 1, "0.01")).status is OrderStatus.ACCEPTED


def test_what_nobody_bids_for_is_bought_back(rig):
    """Regression: a worthless short could never be closed, and its order blocked every other."""
    rig.hold(-1)
    rig.give(bid=Decimal(0), ask=Decimal("0.05"))
    assert rig.broker.submit(rig.order("a-1", BUY, 1, "0.05")).status is OrderStatus.FILLED


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"bid": Decimal(1)}, id="no ask"),
        pytest.param({"ask": Decimal(1)}, id="no bid"),
        pytest.param({"bid": Decimal("1.20"), "ask": Decimal("1.10")}, id="crossed"),
        pytest.param({"bid": Decimal(1), "ask": Decimal(1), "nonfinite": True}, id="no price"),
        pytest.param({"bid": Decimal(1), "ask": Decimal(1), "bid_size": 0, "ask_size": 0}, id="0"),
        pytest.param(
            {
                "bid": Decimal(1),
                "ask": Decimal(1),
                "quoted_at": TEN - timedelta(minutes=15, seconds=1),
            },
            id="stale",
        ),
    ],
)
@pytest.mark.parametrize(
    ("held", "side", "limit"),
    [pytest.param(1, SELL, "0.01", id="sell"), pytest.param(-1, BUY, "9.00", id="buy")],
)
def test_a_quote_that_is_no_market_never_fills(rig, fields, held, side, limit):
    rig.hold(held)
    rig.give(**fields)
    assert rig.broker.submit(rig.order("a-1", side, 1, limit)).status is OrderStatus.ACCEPTED
    assert rig.broker.find_order(rig.account, "a-1").status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    ("age", "status"),
    [
        pytest.param(timedelta(minutes=15), OrderStatus.FILLED, id="15 minutes old"),
        pytest.param(timedelta(seconds=-5), OrderStatus.FILLED, id="5 seconds ahead"),
        pytest.param(timedelta(seconds=-6), OrderStatus.ACCEPTED, id="6 seconds ahead"),
    ],
)
def test_a_quote_counts_within_its_age_limits(rig, age, status):
    rig.market.is_live = True
    rig.hold(1)
    rig.give(bid=Decimal(1), ask=Decimal(2), quoted_at=TEN - age)
    assert rig.broker.submit(rig.order("a-1", SELL, 1, "1.00")).status is status


def test_the_rest_of_a_partial_fill_waits_for_a_newer_quote(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    report = rig.broker.submit(rig.order("a-1", SELL, 5, "1.00"))
    assert (report.status, report.filled_quantity) == (OrderStatus.PARTIAL_FILL, 2)
    assert rig.broker.find_order(rig.account, "a-1").filled_quantity == 2
    rig.quote("1.10", "1.20", size=2)
    report = rig.broker.find_order(rig.account, "a-1")
    assert [(fill.quantity, fill.price) for fill in report.fills] == [
        (2, Decimal("1.10")),
        (2, Decimal("1.00")),
    ]
    assert [fill.execution_id.rpartition("-")[2] for fill in report.fills] == ["2", "4"]


def test_two_orders_share_the_size_of_one_quote(rig):
    rig.hold(6)
    rig.quote("1.10", "1.20", size=4)
    first = rig.broker.submit(rig.order("a-1", SELL, 3, "1.00"))
    second = rig.broker.submit(rig.order("a-2", SELL, 3, "1.00"))
    assert (first.filled_quantity, second.filled_quantity) == (3, 1)


def test_a_quote_older_than_the_one_last_traded_on_fills_nothing(rig):
    rig.hold(4)
    rig.quote("1.10", "1.20", size=2)
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.10"))
    rig.clock.advance(-timedelta(seconds=1))
    rig.give(bid=Decimal("1.10"), ask=Decimal("1.20"), bid_size=9)
    report = rig.broker.submit(rig.order("a-2", SELL, 2, "1.10"))
    assert report.status is OrderStatus.ACCEPTED


def test_a_look_from_before_an_order_was_submitted_does_not_fill_it(rig):
    rig.hold(1)
    rig.give(bid=Decimal("1.00"), ask=Decimal("1.20"))
    rig.clock.advance(timedelta(minutes=20))
    rig.broker.submit(rig.order("a-1", SELL, 1, "1.00"))
    rig.clock.advance(-timedelta(minutes=20))
    assert rig.broker.find_order(rig.account, "a-1").status is OrderStatus.ACCEPTED


def test_the_rest_of_an_order_expires_with_the_day_and_keeps_its_fills(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    rig.broker.submit(rig.order("a-1", SELL, 5, "1.10"))
    rig.clock.at = new_york(WEDNESDAY, 16) - timedelta(seconds=1)
    assert len(rig.broker.working_orders(rig.account)) == 1
    rig.clock.advance(timedelta(seconds=1))
    rig.give(bid=Decimal(9), ask=Decimal(10))
    assert rig.broker.working_orders(rig.account) == []
    report = rig.broker.find_order(rig.account, "a-1")
    assert (report.status, report.filled_quantity) == (OrderStatus.EXPIRED, 2)
    assert rig.held() == {CALL: 3}


def test_an_order_is_good_until_an_early_close(rig):
    rig.clock.at = new_york(THURSDAY, 12, 55)
    rig.hold(1)
    rig.broker.submit(rig.order("a-1", SELL, 1, "1.10"))
    rig.clock.at = new_york(THURSDAY, 13)
    assert rig.broker.find_order(rig.account, "a-1").status is OrderStatus.EXPIRED


def test_an_order_that_has_expired_unseen_reserves_nothing(rig):
    rig.hold(5)
    rig.broker.submit(rig.order("a-1", SELL, 5, "1.10"))
    rig.clock.at = new_york(THURSDAY, 10)
    assert rig.broker.submit(rig.order("a-2", SELL, 5, "1.10")).status is OrderStatus.ACCEPTED


# Refusals


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"quantity": 6}, "quantity 6 is too large, expected at most", id="too many"),
        pytest.param({"quantity": 0}, "quantity 0 is no number of contracts", id="none"),
        pytest.param({"quantity": 10**30}, "expected at most the 5 contracts", id="absurd"),
        pytest.param({"limit_price": Decimal(0)}, "limit_price 0 is no price", id="free"),
        pytest.param({"limit_price": Decimal(-1)}, "limit_price -1 is no price", id="negative"),
        pytest.param({"limit_price": Decimal("NaN")}, "NaN is no price", id="not a number"),
        pytest.param({"limit_price": Decimal("Infinity")}, "is no price", id="infinite"),
        pytest.param({"limit_price": Decimal("1.005")}, "expected whole cents", id="half a cent"),
        pytest.param({"side": BUY}, "side BUY_TO_CLOSE does not close 5", id="wrong side"),
        pytest.param({"symbol": PUT}, f"symbol {PUT} is not held", id="not held"),
        pytest.param({"symbol": "?"}, "symbol ? is not held", id="no symbol"),
        pytest.param({"account": "other"}, f"symbol {CALL} is not held", id="of another account"),
    ],
)
def test_a_refused_order_says_why_books_nothing_and_burns_its_id(rig, changes, sentence):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    refused = replace(rig.order("a-1", SELL, 5, "1.00"), **changes)
    report = rig.broker.submit(refused)
    assert report.status is OrderStatus.REJECTED
    assert sentence in report.reason
    assert rig.broker.find_order(refused.account, "a-1") == report
    assert rig.held() == {CALL: 5}
    again = rig.broker.submit(replace(refused, quantity=1, limit_price=Decimal("1.00")))
    assert again.reason.startswith("duplicate client_order_id 'a-1'")


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        pytest.param(new_york(WEDNESDAY, 9, 29), "outside the session", id="before the open"),
        pytest.param(new_york(WEDNESDAY, 16), "outside the session", id="at the close"),
        pytest.param(new_york(FRIDAY, 11), "XNYS is closed: Christmas Day", id="holiday"),
        pytest.param(new_york(date(2015, 12, 20), 11), "XNYS is closed: Sunday", id="Sunday"),
    ],
)
def test_an_order_is_refused_while_the_market_is_closed(rig, at, sentence):
    rig.hold(5)
    rig.clock.at = at
    report = rig.broker.submit(rig.order("a-1", SELL, 5, "1.00"))
    assert report.status is OrderStatus.REJECTED
    assert sentence in report.reason


@pytest.mark.parametrize(
    ("symbol", "at"),
    [
        pytest.param(CALL, new_york(date(2015, 12, 28), 10), id="after the expiration date"),
        pytest.param("SPX151224C02050000", new_york(THURSDAY, 10), id="morning-settled"),
    ],
)
def test_an_order_on_a_contract_that_trades_no_more_is_refused(rig, symbol, at):
    rig.hold(5, symbol)
    rig.clock.at = at
    report = rig.broker.submit(rig.order("a-1", SELL, 5, "1.00", symbol))
    assert report.status is OrderStatus.REJECTED
    assert "expected a contract that still trades" in report.reason


def test_a_duplicate_leaves_the_order_with_its_id_untouched(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    first = rig.broker.submit(rig.order("a-1", SELL, 2, "1.50"))
    other = rig.broker.submit(rig.order("a-1", SELL, 5, "1.00"))
    assert other.reason.startswith("duplicate")
    assert (other.broker_order_id, other.fills) == ("", ())
    assert rig.broker.find_order(rig.account, "a-1") == first


def test_an_id_may_be_used_once_in_each_account_and_environment(rig):
    other = PaperRig(rig.engine, rig.market, rig.clock, rig.calendar, environment="simulated")
    third = PaperRig(rig.engine, rig.market, rig.clock, rig.calendar, account="other")
    rig.quote("1.10", "1.20")
    for one in (rig, other, third):
        one.hold(5)
        assert one.broker.submit(one.order("a-1", SELL, 2, "1.00")).filled_quantity == 2
        assert one.held() == {CALL: 3}


def test_working_orders_reserve_what_they_may_still_close(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=1)
    rig.broker.submit(rig.order("a-1", SELL, 3, "1.10"))
    assert rig.broker.submit(rig.order("a-2", SELL, 3, "1.50")).status is OrderStatus.REJECTED
    assert rig.broker.submit(rig.order("a-3", SELL, 2, "1.50")).status is OrderStatus.ACCEPTED


# Many at once


@pytest.mark.parametrize(
    ("held", "each", "winners"),
    [
        pytest.param(10, 10, 1, id="each wants all"),
        pytest.param(10, 1, 10, id="each wants one"),
        pytest.param(10, 4, 2, id="each wants four of ten"),
    ],
)
@pytest.mark.parametrize("limit", ["1.50", "1.00"], ids=["resting", "filling"])
def test_racing_orders_never_close_more_than_is_held(rig, held, each, winners, limit):
    rig.hold(held)
    rig.quote("1.10", "1.20")
    reports = _race(lambda n: rig.broker.submit(rig.order(f"a-{n}", SELL, each, limit)))
    taken = [report for report in reports if report.status is not OrderStatus.REJECTED]
    assert len(taken) == winners
    filled = sum(report.filled_quantity for report in taken)
    assert rig.held().get(CALL, 0) == held - filled


def test_racing_orders_with_one_id_are_one_order(rig):
    rig.hold(100)
    rig.quote("1.10", "1.20")
    reports = _race(lambda _: rig.broker.submit(rig.order("a-1", SELL, 3, "1.00")))
    assert sorted(report.status for report in reports) == ["FILLED"] + ["REJECTED"] * (RACERS - 1)
    assert rig.held() == {CALL: 97}


def test_racing_looks_fill_an_order_once(rig):
    rig.hold(5)
    rig.broker.submit(rig.order("a-1", SELL, 5, "1.00"))
    rig.quote("1.10", "1.20", size=3)
    reports = _race(lambda _: rig.broker.find_order(rig.account, "a-1"))
    assert {report.filled_quantity for report in reports} == {3}
    assert rig.held() == {CALL: 2}


def test_racing_deposits_of_one_id_count_once(rig):
    assert sum(_race(lambda _: rig.broker.deposit([rig.position("p", 5)]))) == 1
    assert rig.held() == {CALL: 5}


def test_racing_settlements_settle_once(rig):
    rig.hold(5)
    rig.market.add_price("GOOG", "752.50", new_york(THURSDAY, 13))
    rig.clock.at = new_york(THURSDAY, 13)
    answers = _race(lambda _: rig.broker.settlements(rig.account))
    assert {len(answer) for answer in answers} == {1}
    assert answers[0][0].quantity == 5


def test_no_transaction_is_open_while_the_market_is_asked(rig):
    checked_out = []

    class Watching(FakeMarketData):
        def snapshot(self, options, underlyings, at):
            assert isinstance(rig.engine.pool, QueuePool)
            checked_out.append(rig.engine.pool.checkedout())
            return super().snapshot(options, underlyings, at)

    watched = PaperRig(rig.engine, Watching(), rig.clock, rig.calendar)
    watched.hold(5)
    watched.broker.submit(watched.order("a-1", SELL, 1, "1.00"))
    watched.broker.find_order(watched.account, "a-1")
    watched.broker.working_orders(watched.account)
    watched.broker.cancel(watched.account, "a-1")
    watched.clock.at = new_york(THURSDAY, 13)
    watched.broker.settlements(watched.account)
    assert checked_out == [0] * 5


def test_one_look_at_many_orders_asks_the_market_once(rig):
    rig.hold(5)
    rig.hold(5, PUT)
    for number, symbol in enumerate([CALL, PUT, CALL]):
        rig.broker.submit(rig.order(f"a-{number}", SELL, 1, "1.00", symbol))
    rig.market.asked.clear()
    assert len(rig.broker.working_orders(rig.account)) == 3
    assert rig.market.asked == [((CALL, PUT), (), rig.clock.at)]


# Deposits


def test_a_deposit_counts_once_for_ever_even_after_it_was_sold(rig):
    deposit = [rig.position("p1", 3), rig.position("p2", -2, symbol=PUT)]
    assert rig.broker.deposit(deposit) == 2
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 3, "1.00"))
    assert rig.broker.deposit([*deposit, rig.position("p3", 1)]) == 1
    assert rig.held() == {CALL: 1, PUT: -2}


@pytest.mark.parametrize("sign", [1, -1], ids=["long", "short"])
def test_deposits_on_the_same_side_average_their_price(rig, sign):
    rig.broker.deposit([rig.position("p1", sign, entry_price=Decimal("2.00"))])
    rig.broker.deposit([rig.position("p2", 3 * sign, entry_price=Decimal("4.00"))])
    assert rig.broker.positions(rig.account) == [
        HeldPosition(
            account="desk", symbol=CALL, quantity=4 * sign, average_price=Decimal("3.5000")
        )
    ]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one deposit", "one after the other"])
def test_deposits_on_opposite_sides_are_refused_and_nothing_is_half_done(rig, at_once):
    kept = [] if at_once else [rig.position("p1", 3)]
    rig.broker.deposit(kept)
    before = rig.held()
    refused = [
        rig.position("p0", 1, symbol=PUT),
        rig.position("p1", 3),
        rig.position("p2", -1),
    ]
    with pytest.raises(InputError, match="side 'SHORT' of position 'p2' must be the one that"):
        rig.broker.deposit(refused)
    assert rig.held() == before
    assert rig.broker.deposit(refused[:2]) == 2 - len(kept)


def test_opposite_sides_in_different_accounts_are_not_netted(rig):
    rig.broker.deposit([rig.position("p1", 3), rig.position("p1", -3, account="other")])
    assert rig.held() == {CALL: 3}
    assert [held.quantity for held in rig.broker.positions("other")] == [-3]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"symbol": "GOOG"}, "option symbol 'GOOG' is not", id="symbol"),
        pytest.param({"side": "long"}, "side 'long' of position 'p1'", id="side"),
        pytest.param({"quantity": 0}, "quantity 0 of position 'p1'", id="quantity"),
        pytest.param({"entry_price": Decimal(0)}, "entry_price '0' of position", id="price"),
        pytest.param({"entry_price": Decimal("NaN")}, "entry_price 'NaN' of", id="no number"),
        pytest.param({"broker": "alpaca"}, "broker 'alpaca' of position 'p1'", id="broker"),
        pytest.param({"environment": "live"}, "environment 'live' of position", id="environment"),
    ],
)
def test_a_deposit_that_does_not_belong_here_is_refused(rig, changes, sentence):
    with pytest.raises(InputError, match=sentence):
        rig.broker.deposit([rig.position("p0", 1), rig.position("p1", 1, **changes)])
    assert rig.held() == {}


# Settlement


@pytest.mark.parametrize(
    ("symbol", "held", "underlying", "kind", "price"),
    [
        pytest.param(CALL, 2, "752.50", "EXERCISED", "2.50", id="long call in the money"),
        pytest.param(CALL, -2, "752.50", "ASSIGNED", "2.50", id="short call in the money"),
        pytest.param(PUT, 2, "740.00", "EXERCISED", "10.00", id="long put in the money"),
        pytest.param(PUT, -2, "740.00", "ASSIGNED", "10.00", id="short put in the money"),
        pytest.param(PUT, 2, "752.50", "EXPIRED", "0", id="out of the money"),
        pytest.param(PUT, -2, "752.50", "EXPIRED", "0", id="short out of the money"),
        pytest.param(CALL, 2, "750.01", "EXERCISED", "0.01", id="a cent in the money"),
        pytest.param(CALL, 2, "750.0099", "EXPIRED", "0", id="less than a cent in the money"),
        pytest.param(CALL, 2, "750.00", "EXPIRED", "0", id="at the money"),
    ],
)
def test_an_expired_holding_settles_at_what_exercising_yields(
    rig, symbol, held, underlying, kind, price
):
    rig.hold(held, symbol)
    rig.market.add_price("GOOG", underlying, new_york(THURSDAY, 12, 30))
    rig.clock.at = new_york(THURSDAY, 13)
    (settlement,) = rig.broker.settlements(rig.account)
    assert (settlement.symbol, settlement.quantity) == (symbol, 2)
    assert (settlement.kind, settlement.price) == (kind, Decimal(price))
    assert settlement.settled_at == new_york(THURSDAY, 13)
    assert rig.held() == {}
    rig.clock.advance(timedelta(days=3))
    assert rig.broker.settlements(rig.account) == [settlement]


@pytest.mark.parametrize(
    ("symbol", "expires_at"),
    [
        pytest.param(CALL, new_york(THURSDAY, 13), id="on the early close of the date"),
        pytest.param("SPXW151224C02050000", new_york(THURSDAY, 13), id="evening-settled index"),
        pytest.param("SPX151224C02050000", new_york(WEDNESDAY, 16), id="morning-settled index"),
        pytest.param("GOOG151225C00750000", new_york(THURSDAY, 13), id="date is a holiday"),
        pytest.param("GOOG151226C00750000", new_york(THURSDAY, 13), id="date is a Saturday"),
    ],
)
def test_a_holding_settles_when_its_last_session_has_closed_and_not_before(rig, symbol, expires_at):
    rig.hold(1, symbol)
    for underlying in ("GOOG", "SPX"):
        rig.market.add_price(underlying, "2060.00", expires_at - timedelta(minutes=1))
    rig.clock.at = expires_at - timedelta(microseconds=1)
    assert rig.broker.settlements(rig.account) == []
    assert rig.held() == {symbol: 1}
    rig.clock.at = expires_at
    assert len(rig.broker.settlements(rig.account)) == 1


@pytest.mark.parametrize(
    "seen_at",
    [
        pytest.param(None, id="never"),
        pytest.param(new_york(THURSDAY, 12, 29), id="31 minutes before the close"),
        pytest.param(new_york(THURSDAY, 13, 1), id="after the close"),
    ],
)
def test_without_a_price_at_the_close_a_holding_stays_held(rig, seen_at):
    rig.market.is_live = True
    rig.hold(1)
    if seen_at is not None:
        rig.market.add_price("GOOG", "752.50", seen_at)
    rig.clock.at = new_york(FRIDAY, 12)
    assert rig.broker.settlements(rig.account) == []
    assert rig.held() == {CALL: 1}


def test_an_adjusted_contract_is_not_settled_by_its_strike(rig):
    rig.hold(1, "GOOG1151224C00750000")
    rig.market.add_price("GOOG", "752.50", new_york(THURSDAY, 13))
    rig.clock.at = new_york(THURSDAY, 13)
    assert rig.broker.settlements(rig.account) == []


def test_an_order_on_a_settled_holding_is_expired(rig):
    rig.clock.at = new_york(THURSDAY, 12)
    rig.hold(2)
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.00"))
    rig.market.add_price("GOOG", "752.50", new_york(THURSDAY, 13))
    rig.clock.at = new_york(THURSDAY, 13)
    rig.broker.settlements(rig.account)
    assert rig.broker.find_order(rig.account, "a-1").status is OrderStatus.EXPIRED


def test_a_deposit_after_the_settlement_is_settled_with_the_rest(rig):
    rig.market.add_price("GOOG", "752.50", new_york(THURSDAY, 13))
    rig.clock.at = new_york(THURSDAY, 14)
    for deposit, total in (("p1", 2), ("p2", 5)):
        rig.broker.deposit([rig.position(deposit, 2 if deposit == "p1" else 3)])
        (settlement,) = rig.broker.settlements(rig.account)
        assert settlement.quantity == total


# What fails


def test_a_market_that_does_not_answer_fills_nothing_and_stops_no_order(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    rig.market.is_down = True
    assert rig.broker.submit(rig.order("a-1", SELL, 5, "1.00")).status is OrderStatus.ACCEPTED
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.CANCELLED
    rig.clock.at = new_york(FRIDAY, 12)
    assert rig.broker.settlements(rig.account) == []
    assert rig.held() == {CALL: 5}


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda rig: rig.broker.submit(rig.order("a-1", SELL, 1, "1")), id="submit"),
        pytest.param(lambda rig: rig.broker.find_order("desk", "a-1"), id="find_order"),
        pytest.param(lambda rig: rig.broker.cancel("desk", "a-1"), id="cancel"),
        pytest.param(lambda rig: rig.broker.working_orders("desk"), id="working_orders"),
        pytest.param(lambda rig: rig.broker.positions("desk"), id="positions"),
        pytest.param(lambda rig: rig.broker.settlements("desk"), id="settlements"),
        pytest.param(lambda rig: rig.hold(1), id="deposit"),
    ],
)
def test_a_database_that_does_not_answer_is_told_in_one_sentence(call):
    engine = create_engine("postgresql+psycopg2://me:secret@127.0.0.1:1/books")
    rig = PaperRig(engine, FakeMarketData(), FixedClock(TEN), FakeCalendar())
    with pytest.raises(UnavailableError) as caught:
        call(rig)
    assert str(caught.value) == (
        "the paper broker's database did not answer, so its books are not known"
    )


def test_the_books_outlive_the_process(rig, database_url):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    report = rig.broker.submit(rig.order("a-1", SELL, 5, "1.10"))
    with paper_rig(database_url) as later:
        assert later.broker.find_order(rig.account, "a-1") == report
        assert later.held() == {CALL: 3}


def test_times_are_told_in_utc_whatever_the_database_thinks(rig):
    with rig.engine.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f"ALTER DATABASE {name} SET timezone = 'Asia/Kolkata'"))
    rig.engine.dispose()
    rig.hold(1)
    rig.quote("1.10", "1.20")
    rig.broker.submit(rig.order("a-1", SELL, 1, "1.10"))
    report = rig.broker.find_order(rig.account, "a-1")
    times: list[datetime] = [report.submitted_at, report.fills[0].executed_at]
    assert [at.isoformat() for at in times] == ["2015-12-23T15:00:01+00:00"] * 2


# Any sequence

_CENTS = st.integers(1, 6)
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(OrderSide), st.integers(0, 6), _CENTS),
        st.tuples(st.just("quote"), _CENTS, _CENTS, st.none() | st.integers(0, 4)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(st.just("look"), st.integers(0, 9)),
    ),
    max_size=14,
)


def _take(rig: PaperRig, number: int, step: tuple[Any, ...]) -> None:
    match step:
        case ("submit", side, quantity, cents):
            rig.broker.submit(rig.order(f"a-{number}", side, quantity, f"0.0{cents}"))
        case ("quote", bid, ask, size):
            rig.quote(f"0.0{bid}", f"0.0{ask}", size)
        case ("cancel", wanted) if rig.broker.find_order(rig.account, f"a-{wanted}"):
            rig.broker.cancel(rig.account, f"a-{wanted}")
        case ("look", wanted):
            rig.broker.find_order(rig.account, f"a-{wanted}")


@pytest.fixture
def accounts() -> Iterator[str]:
    return (f"desk-{number}" for number in count())


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(start=st.integers(-8, 8).filter(bool), steps=_STEPS)
def test_no_sequence_of_orders_crosses_zero_and_all_fills_add_up(rig, accounts, start, steps):
    rig = PaperRig(rig.engine, FakeMarketData(), FixedClock(TEN), rig.calendar, next(accounts))
    rig.hold(start)
    for number, step in enumerate(steps):
        _take(rig, number, step)
        held = rig.held().get(CALL, 0)
        assert 0 <= held * start <= start * start
        working = rig.broker.working_orders(rig.account)
        left = abs(rig.held().get(CALL, 0))
        assert sum(order.quantity - order.filled_quantity for order in working) <= left
    found = [rig.broker.find_order(rig.account, f"a-{number}") for number in range(len(steps))]
    reports = [report for report in found if report is not None]
    fills = [fill for report in reports for fill in report.fills]
    assert sum(fill.quantity for fill in fills) == abs(start) - abs(rig.held().get(CALL, 0))
    assert sum(fill.commission + fill.fees for fill in fills) == sum(
        fill.quantity * Decimal("0.67") for fill in fills
    )
    assert all(report.filled_quantity <= report.quantity for report in reports)
    assert all(report.side is (SELL if start > 0 else BUY) for report in reports if report.fills)
