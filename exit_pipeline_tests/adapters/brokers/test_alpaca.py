import logging
import traceback
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from importlib.util import find_spec

import pytest

from exit_pipeline.adapters.brokers.alpaca import build
from exit_pipeline.adapters.clients.alpaca import HOSTS
from exit_pipeline.adapters.clients.alpaca_orders import FILLS_LAG, order_body
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.errors import ConfigurationError, InputError, UnavailableError
from exit_pipeline.core.model.order import HeldPosition, OrderSide, OrderStatus
from exit_pipeline.ports import Surroundings, TellsSkew, TellsTime
from exit_pipeline_tests.adapters.brokers.alpaca_rig import AlpacaRig, alpaca_rig
from exit_pipeline_tests.adapters.brokers.test_paper import CALL, PUT, TEN
from exit_pipeline_tests.fake_brokers.alpaca import KEY, KEY_ID
from exit_pipeline_tests.fake_brokers.alpaca_rows import ACCOUNT
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
ORDERS = "/v2/orders"


@pytest.fixture
def rig() -> Iterator[AlpacaRig]:
    with alpaca_rig() as made:
        made.broker.accounts()
        made.fake.requests.clear()
        yield made


def _chain(error: BaseException | None) -> str:
    shown = []
    while error is not None:
        shown += [str(error), repr(error), *traceback.format_exception(error)]
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


def test_an_order_is_posted_as_documented(rig):
    rig.hold(3)
    rig.sell(2, "1.10")
    (post,) = rig.fake.requests
    assert (post.method, post.path) == ("POST", ORDERS)
    assert post.json == {
        "symbol": CALL,
        "qty": "2",
        "side": "sell",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": "1.10",
        "position_intent": "sell_to_close",
        "client_order_id": "a-1",
    }


@pytest.mark.parametrize(
    ("limit", "written"),
    [("1.1000", "1.10"), ("3.15", "3.15"), ("10", "10.00"), ("1.105", "1.105")],
)
def test_a_price_is_written_with_the_two_decimals_that_the_vendor_takes(rig, limit, written):
    """Regression: prices come out of the database with four decimals, and were sent as 3.1500.

    The vendor refuses a price that is not "limited to 2 decimal places". Whether it counts those
    that are written or those that matter is not known, and every exit depends on it.
    """
    rig.hold(1)
    rig.sell(1, limit)
    assert rig.fake.requests[0].json["limit_price"] == written


def test_the_account_is_the_one_that_the_broker_says(rig):
    assert rig.broker.accounts() == [ACCOUNT]


def test_the_account_is_asked_for_once():
    with alpaca_rig() as rig:
        for _ in range(3):
            rig.broker.accounts()
        assert rig.fake.asked() == [("GET", "/v2/account")]


@pytest.mark.parametrize("configured", ["", " ", ACCOUNT, f" {ACCOUNT} "])
def test_a_configured_account_that_is_the_keys_own_is_worked(rig, configured):
    broker = rig.connect(ALPACA_ACCOUNT_ID=configured)
    assert broker.accounts() == [ACCOUNT]
    broker.close()


def test_with_another_account_configured_nothing_is_read_or_sent(rig):
    rig.hold(3)
    broker = rig.connect(ALPACA_ACCOUNT_ID="PA9")
    for call in (
        broker.accounts,
        lambda: broker.submit(rig.order("a-1", SELL, 1, "1.00")),
        lambda: broker.find_order("PA9", "a-1"),
        lambda: broker.cancel(ACCOUNT, "a-1"),
        lambda: broker.working_orders(ACCOUNT),
        lambda: broker.positions("PA9"),
        lambda: broker.settlements(ACCOUNT),
    ):
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert str(caught.value) == (
            "ALPACA_ACCOUNT_ID is 'PA9'; the broker says that its keys belong to PA...001"
        )
    broker.close()
    assert set(rig.fake.asked()) == {("GET", "/v2/account")}


def test_nothing_is_sent_for_an_account_that_the_keys_do_not_have(rig):
    request = rig.order("a-1", SELL, 1, "1.00")
    other = type(request)(**{**{f: getattr(request, f) for f in request.__slots__}, "account": "X"})
    assert rig.broker.submit(other).status is OrderStatus.REJECTED
    assert rig.fake.requests == []


def test_nothing_is_sent_while_the_account_is_not_known():
    with alpaca_rig() as rig:
        rig.fake.fail("server_error", method="GET", path="/v2/account", times=9)
        report = rig.sell(1)
        assert report.status is OrderStatus.REJECTED
        assert report.reason.startswith("not sent: ")
        assert {method for method, _ in rig.fake.asked()} == {"GET"}


def test_a_second_order_under_an_id_is_a_duplicate_and_the_first_can_be_read(rig):
    rig.hold(5)
    first = rig.sell(2, "1.50")
    second = rig.sell(2, "1.50")
    assert second.status is OrderStatus.REJECTED
    assert second.reason == "duplicate: client_order_id must be unique"
    assert rig.find().broker_order_id == first.broker_order_id


def test_an_order_that_the_account_may_not_place_is_refused_and_not_its_keys(rig):
    """Regression: a person was told to look at the keys, which were right."""
    rig.hold(1)
    rig.fake.fail("day_trades")
    report = rig.sell(1)
    assert report.status is OrderStatus.REJECTED
    assert report.reason == "trade denied due to pattern day trading protection"


@pytest.mark.parametrize(
    ("held", "side", "quantity", "limit", "reason"),
    [
        (3, SELL, 5, "1.00", "insufficient qty available"),
        (3, BUY, 1, "1.00", "position intent mismatch"),
        (0, SELL, 1, "1.00", "position intent mismatch"),
        (3, SELL, 1, "1.005", "limited to 2 decimal places"),
    ],
)
def test_a_refusal_is_a_report_with_the_brokers_reason(rig, held, side, quantity, limit, reason):
    if held:
        rig.hold(held)
    report = rig.broker.submit(rig.order("a-1", side, quantity, limit))
    assert report.status is OrderStatus.REJECTED
    assert reason in report.reason
    assert rig.broker.find_order(ACCOUNT, "a-1") is None


@pytest.mark.parametrize(
    ("fault", "placed"),
    [
        ("lost_request", False),
        ("lost_response", True),
        ("server_error", False),
        ("server_error_after", True),
        ("html", False),
        ("html_error", False),
        ("huge_error", False),
        ("huge_refusal", False),
        ("truncated", True),
        ("other_form", False),
        ("rate_limited_by_another", False),
    ],
)
def test_an_order_without_an_answer_is_unavailable_and_never_sent_again(rig, fault, placed):
    rig.hold(3)
    rig.fake.fail(fault)
    with pytest.raises(UnavailableError):
        rig.sell(2, "1.50")
    assert rig.fake.asked() == [("POST", ORDERS)]
    assert (rig.broker.find_order(ACCOUNT, "a-1") is not None) is placed


def test_an_order_refused_for_the_rate_limit_was_never_sent_once_a_look_up_shows_none(rig):
    rig.hold(3)
    rig.fake.fail("rate_limited")
    report = rig.sell(2, "1.50")
    assert report.was_never_sent
    assert report.reason == (
        "not sent: Alpaca: POST /v2/orders failed with status 429: rate limit reached"
    )
    assert rig.fake.asked() == [("POST", ORDERS), ("GET", f"{ORDERS}:by_client_order_id")]
    assert rig.sell(2, "1.50").status is OrderStatus.ACCEPTED


def test_an_order_that_is_there_is_reported_whatever_was_said_of_the_rate_limit(rig):
    rig.hold(3)
    rig.fake.fail("rate_limited_after")
    assert rig.sell(2, "1.50").status is OrderStatus.ACCEPTED
    assert len(rig.fake.ledger.orders) == 1


def test_an_order_refused_for_the_rate_limit_that_cannot_be_looked_up_is_unknown(rig):
    rig.hold(3)
    rig.fake.limit_ends_in = timedelta(seconds=40)
    rig.fake.fail("rate_limited")
    report = rig.sell(2, "1.50")
    assert report.status is OrderStatus.UNKNOWN
    assert report.reason.startswith("not accepted: ")
    assert rig.fake.asked() == [("POST", ORDERS)]
    rig.fake.clock.advance(timedelta(seconds=40))
    assert rig.broker.find_order(ACCOUNT, "a-1") is None


def test_an_order_that_is_never_answered_is_unavailable():
    with alpaca_rig(timeout_seconds=0.3) as rig:
        rig.fake.fail("never")
        with pytest.raises(UnavailableError, match="no answer in time"):
            rig.sell(1)


READS = {
    "accounts": lambda broker: broker.accounts(),
    "find_order": lambda broker: broker.find_order(ACCOUNT, "a-1"),
    "working_orders": lambda broker: broker.working_orders(ACCOUNT),
    "positions": lambda broker: broker.positions(ACCOUNT),
    "settlements": lambda broker: broker.settlements(ACCOUNT),
    "cancel": lambda broker: broker.cancel(ACCOUNT, "a-1"),
}


def test_a_gateway_that_finds_nobody_to_ask_does_not_say_that_there_is_no_order(rig):
    """Regression: any 404 in JSON was an order that is not there, and so perhaps never placed."""
    rig.hold(1)
    rig.sell(1, "9.00")
    rig.fake.fail("no_route", method="GET", path="/v2/orders:by_client_order_id", times=9)
    with pytest.raises(UnavailableError):
        rig.find()


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    "fault",
    ["lost_request", "server_error", "html", "html_not_found", "huge_error", "huge_refusal",
     "truncated", "other_form"],
)  # fmt: skip
def test_a_read_without_an_answer_is_unavailable_never_empty(fault, read):
    with alpaca_rig() as rig:
        rig.fake.fail(fault, method="GET", times=9)
        with pytest.raises(UnavailableError):
            read(rig.broker)


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("fault", ["lost_request", "server_error", "rate_limited", "truncated"])
def test_a_read_survives_a_passing_fault(rig, fault, read):
    rig.hold(3)
    rig.sell(1, "1.50")
    rig.fake.fail(fault, method="GET", times=2)
    read(rig.broker)


@pytest.mark.parametrize(
    "call", [*READS.values(), lambda broker: broker.submit(broker.request)], ids=[*READS, "submit"]
)
@pytest.mark.parametrize("fault", ["unauthorized", "forbidden"])
def test_refused_keys_are_a_matter_of_configuration_and_are_not_shown(fault, call, caplog):
    caplog.set_level(logging.DEBUG)
    with alpaca_rig() as rig:
        rig.broker.request = rig.order("a-1", SELL, 1, "1.00")
        for method in ("GET", "POST"):
            rig.fake.fail(fault, method=method)
        with pytest.raises(ConfigurationError, match="refuses ALPACA_API_KEY") as refused:
            call(rig.broker)
    shown = _chain(refused.value) + caplog.text + repr(rig.broker)
    assert KEY not in shown
    assert KEY_ID not in shown


def test_wrong_keys_are_refused_by_the_broker():
    with alpaca_rig() as rig:
        environ = rig.fake.environ | {"ALPACA_SECRET_KEY": "wrong-wrong-wrong"}
        broker = build(_around("paper", **environ))
        with pytest.raises(ConfigurationError, match="paper environment with status 401"):
            broker.accounts()
        broker.close()


def test_an_order_may_not_be_visible_at_once(rig):
    rig.hold(3)
    rig.fake.hides_new_orders = 1
    rig.sell(1, "1.50")
    assert rig.broker.find_order(ACCOUNT, "a-1") is None
    assert rig.find().status is OrderStatus.ACCEPTED
    assert rig.broker.ids_are_unique is True


def test_an_order_that_is_answered_before_it_is_routed_is_working(rig):
    rig.hold(3)
    rig.quote("1.10", "1.20")
    rig.fake.answers_first = True
    assert rig.sell(2).status is OrderStatus.ACCEPTED
    assert rig.find().filled_quantity == 2


def test_an_unknown_status_keeps_the_order_alive_and_in_doubt(rig):
    rig.hold(3)
    rig.sell(1, "1.50")
    rig.fake.unknown_status = "frozen_by_weather"
    assert rig.find().status is OrderStatus.ACCEPTED
    assert "unknown status" in rig.find().doubt
    assert "frozen_by_weather" in rig.find().doubt


def test_fills_are_executions_with_the_brokers_prices_and_times(rig):
    rig.hold(9)
    rig.quote("1.10", "1.20", size=3)
    rig.sell(5, "1.05")
    rig.quote("1.15", "1.25", size=9)
    report = rig.find()
    assert report.status is OrderStatus.FILLED
    assert [(fill.quantity, fill.price) for fill in report.fills] == [
        (3, Decimal("1.10")), (2, Decimal("1.05"))
    ]  # fmt: skip
    assert report.fills[1].executed_at == rig.fake.clock.at
    assert [fill.execution_id for fill in report.fills] == [
        f"alpaca-{report.broker_order_id}-3", f"alpaca-{report.broker_order_id}-5"
    ]  # fmt: skip


def test_fills_that_lag_behind_keep_the_order_alive_and_are_told_when_they_come(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    rig.fake.shows_fills = False
    assert rig.sell(5).status is OrderStatus.PARTIAL_FILL
    assert rig.find().fills == ()
    rig.fake.shows_fills = True
    assert (rig.find().status, rig.find().filled_quantity) == (OrderStatus.FILLED, 5)


def test_fills_that_never_come_are_told_after_a_while(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    rig.fake.shows_fills = False
    rig.sell(5)
    rig.fake.clock.advance(FILLS_LAG + timedelta(seconds=1))
    report = rig.find()
    (fill,) = report.fills
    assert report.status is OrderStatus.FILLED
    assert (fill.quantity, fill.price) == (5, Decimal("1.1000"))
    rig.fake.shows_fills = True
    assert rig.find().fills[0].execution_id == fill.execution_id


def test_an_order_that_was_taken_is_reported_though_its_fills_cannot_be_read(rig, caplog):
    rig.hold(5)
    rig.quote("1.10", "1.20")
    rig.fake.fail("server_error", method="GET", path="/v2/account/activities", times=9)
    report = rig.sell(5)
    assert report.status.is_live
    assert "server failed" in caplog.text


def test_activities_are_read_page_by_page_and_no_further_than_needed(rig):
    rig.hold(400)
    rig.sell(250, "1.00")
    (order,) = rig.ledger.orders.values()
    for _ in range(230):
        rig.quote("1.10", "1.20", size=1)
    rig.quote("0.50", "0.60")
    rig.fake.requests.clear()
    assert rig.find().filled_quantity == 230
    pages = [r.query.get("page_token") for r in rig.fake.requests if "activities" in r.path]
    assert len(pages) == 3
    rig.broker.cancel(ACCOUNT, "a-1")
    rig.broker.submit(rig.order("a-2", SELL, 100, "1.00"))
    rig.fake.clock.advance(timedelta(minutes=1))
    for _ in range(100):
        rig.quote("1.10", "1.20", size=1)
    rig.fake.requests.clear()
    found = rig.broker.find_order(ACCOUNT, "a-2")
    assert found is not None
    assert found.filled_quantity == 100
    assert len(rig.fake.requests) == 2
    assert order.filled == 230


def test_a_partly_filled_order_that_is_cancelled_keeps_its_fills(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    rig.sell(5)
    rig.quote("0.50", "0.60")
    report = rig.broker.cancel(ACCOUNT, "a-1")
    assert (report.status, report.filled_quantity) == (OrderStatus.CANCELLED, 2)


def test_a_cancel_that_is_not_confirmed_is_pending(rig):
    rig.hold(5)
    rig.sell(5, "1.50")
    rig.fake.confirms_cancels = False
    assert rig.broker.cancel(ACCOUNT, "a-1").status is OrderStatus.PENDING_CANCEL
    rig.quote("1.50", "1.60", size=2)
    assert rig.find().status is OrderStatus.PENDING_CANCEL
    assert rig.find().filled_quantity == 2
    rig.quote("1.50", "1.60")
    assert rig.find().status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("fault", "cancelled"),
    [("lost_request", False), ("lost_response", True), ("server_error_after", True)],
)
def test_a_cancel_without_an_answer_is_unavailable_and_sent_once(rig, fault, cancelled):
    rig.hold(5)
    rig.sell(5, "1.50")
    rig.fake.fail(fault, method="DELETE")
    with pytest.raises(UnavailableError):
        rig.broker.cancel(ACCOUNT, "a-1")
    assert [method for method, _ in rig.fake.asked()].count("DELETE") == 1
    assert (rig.find().status is OrderStatus.CANCELLED) is cancelled


def test_no_order_is_ever_replaced(rig):
    rig.hold(5)
    rig.sell(5, "1.50")
    rig.broker.cancel(ACCOUNT, "a-1")
    assert {method for method, _ in rig.fake.asked()} == {"GET", "POST", "DELETE"}


def test_an_order_of_another_account_cannot_be_cancelled(rig):
    with pytest.raises(InputError, match="another-account"):
        rig.broker.cancel("another-account", "a-1")


def test_positions_are_signed_and_tell_what_is_free(rig):
    rig.hold(5)
    rig.hold(-3, PUT)
    rig.ledger.hold("AAPL", 100, "150")
    rig.ledger.hold("GOOG1151224C00750000", 1)
    rig.sell(2, "1.50")
    rig.broker.submit(rig.order("a-2", BUY, 1, "0.10", symbol=PUT))
    two = Decimal("2.0000")
    assert rig.broker.positions(ACCOUNT) == [
        HeldPosition(
            account=ACCOUNT,
            symbol="GOOG1151224C00750000",
            quantity=1,
            average_price=two,
            free_quantity=1,
        ),
        HeldPosition(account=ACCOUNT, symbol=CALL, quantity=5, average_price=two, free_quantity=3),
        HeldPosition(account=ACCOUNT, symbol=PUT, quantity=-3, average_price=two, free_quantity=-2),
    ]


def entries(rig):
    return rig.broker.entered_at(rig.broker.positions(ACCOUNT))


def test_a_holding_was_entered_by_the_oldest_fill_since_it_was_last_flat(rig):
    times = []
    for symbol, quantity in ((CALL, 2), (CALL, -2), (CALL, 4), (PUT, -1), (CALL, -1)):
        rig.fake.clock.advance(timedelta(hours=1))
        rig.ledger.trade(symbol, quantity)
        times.append(rig.fake.clock.now())
    assert entries(rig) == {CALL: times[2], PUT: times[3]}


def test_a_holding_that_no_fill_of_the_last_90_days_opened_has_no_time_of_entry(rig):
    rig.ledger.trade(CALL, 2)
    rig.hold(5, PUT)
    rig.fake.clock.advance(timedelta(days=91))
    rig.ledger.trade(CALL, 1)
    assert entries(rig) == {}


def test_entries_are_looked_for_in_a_bounded_number_of_pages_and_no_further_than_needed(rig):
    rig.ledger.trade(CALL, 1)
    for _ in range(600):
        rig.fake.clock.advance(timedelta(seconds=1))
        rig.ledger.trade(PUT, 1)
        rig.ledger.trade(PUT, -1)
    rig.fake.requests.clear()
    assert entries(rig) == {}
    assert len([request for request in rig.fake.requests if "activities" in request.path]) == 10
    rig.ledger.trade(PUT, 1)
    rig.ledger.settle(CALL, "OPEXP")
    rig.fake.requests.clear()
    assert list(entries(rig)) == [PUT]
    assert len([request for request in rig.fake.requests if "activities" in request.path]) == 1


def test_nothing_is_asked_about_no_holdings(rig):
    assert rig.broker.entered_at([]) == {}
    assert rig.fake.requests == []


def test_figures_written_as_numbers_are_read_the_same(rig):
    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    rig.sell(5)
    as_strings = (rig.find(), rig.broker.positions(ACCOUNT))
    rig.fake.numbers = True
    assert (rig.find(), rig.broker.positions(ACCOUNT)) == as_strings


@pytest.mark.parametrize("price", ["", "cheap", "NaN"])
def test_a_holding_that_cannot_be_read_is_no_answer(rig, price):
    rig.hold(5)
    odd = type("Odd", (Decimal,), {"__str__": lambda _self: price})
    rig.ledger.holdings[CALL].price = odd(2)
    with pytest.raises(UnavailableError, match="avg_entry_price"):
        rig.broker.positions(ACCOUNT)
    rig.fake.honest.clear()


def test_more_than_a_page_of_orders_is_read_to_the_end(rig):
    rig.hold(600)
    for number in range(501):
        rig.ledger.place(order_body(rig.order(f"a-{number}", SELL, 1, "1.50")))
    rig.fake.requests.clear()
    assert len(rig.broker.working_orders(ACCOUNT)) == 501
    assert len(rig.fake.requests) == 2


def test_a_tick_asks_for_positions_and_orders_once_each(rig):
    rig.hold(5)
    rig.sell(1, "1.50")
    rig.fake.requests.clear()
    rig.broker.positions(ACCOUNT)
    rig.broker.working_orders(ACCOUNT)
    assert rig.fake.asked() == [("GET", "/v2/positions"), ("GET", ORDERS)]


def test_fills_of_working_orders_are_read_in_one_go(rig):
    rig.hold(9)
    for name in ("a-1", "a-2", "a-3"):
        rig.broker.submit(rig.order(name, SELL, 3, "1.00"))
    for _ in range(3):
        rig.quote("1.10", "1.20", size=1)
    rig.quote("0.50", "0.60")
    rig.quote("1.10", "1.20", size=4)
    rig.quote("0.50", "0.60")
    rig.fake.requests.clear()
    working = rig.broker.working_orders(ACCOUNT)
    assert [(order.client_order_id, order.filled_quantity) for order in working] == [("a-3", 1)]
    assert len(rig.fake.requests) == 2


@pytest.mark.parametrize(
    ("kind", "cash", "ours", "price"),
    [
        ("OPEXP", "0", "EXPIRED", "0"),
        ("OPASN", "-1250.50", "ASSIGNED", "4.1683"),
        ("OPEXC", "600", "EXERCISED", "2"),
        ("OPEXC", "0", "EXERCISED", "2.5"),
        ("OPASN", "0", "ASSIGNED", "2.5"),
    ],
)
def test_settlements_are_told_with_their_value(rig, kind, cash, ours, price):
    rig.hold(-3 if kind == "OPASN" else 3)
    rig.market.add_price("GOOG", "752.50", TEN)
    rig.ledger.settle(CALL, kind, cash)
    (settlement,) = rig.broker.settlements(ACCOUNT)
    assert (settlement.kind, settlement.quantity, settlement.symbol) == (ours, 3, CALL)
    assert settlement.price == Decimal(price)
    assert settlement.settled_at == TEN.replace(microsecond=0)
    assert settlement.account == ACCOUNT


def test_an_exercise_whose_value_is_not_known_is_not_settled(rig, caplog):
    rig.hold(3)
    rig.ledger.settle(CALL, "OPEXC")
    assert rig.broker.settlements(ACCOUNT) == []
    rig.market.is_down = True
    assert rig.broker.settlements(ACCOUNT) == []
    assert "can't be valued" in caplog.text


def test_settlements_that_were_cancelled_or_are_of_shares_are_left_out(rig):
    rig.hold(3)
    rig.hold(100, "GOOG")
    rig.ledger.settle(CALL, "OPEXP", status="canceled")
    rig.ledger.settle("GOOG", "OPEXC")
    assert rig.broker.settlements(ACCOUNT) == []


def test_the_brokers_clock_is_told_with_its_session(rig):
    rig.fake.skew = timedelta(seconds=3)
    assert isinstance(rig.broker, TellsTime)
    assert rig.broker.broker_time() == BrokerTime(
        at=TEN + timedelta(seconds=3),
        is_open=True,
        next_open=new_york(date(2015, 12, 24), 9, 30),
        next_close=new_york(date(2015, 12, 23), 16),
    )


@pytest.mark.parametrize("fault", ["server_error", "html", "other_form"])
def test_a_clock_that_cannot_be_read_is_unavailable(rig, fault):
    rig.fake.fail(fault, method="GET", times=9)
    with pytest.raises(UnavailableError):
        rig.broker.broker_time()


def test_the_skew_is_that_of_the_newest_answer_and_asks_for_nothing():
    with alpaca_rig() as rig:
        assert isinstance(rig.broker, TellsSkew)
        assert rig.broker.skew() is None
        for seconds in (75, 0):
            rig.fake.skew = timedelta(seconds=seconds)
            rig.broker.positions(ACCOUNT)
            assert rig.broker.skew() == timedelta(seconds=seconds)
        asked = len(rig.fake.requests)
        rig.broker.skew()
        assert len(rig.fake.requests) == asked


def test_a_spent_rate_limit_holds_orders_back_and_still_lets_cancels_through(rig):
    rig.hold(5)
    rig.fake.requests_left = 9
    rig.sell(1, "1.50")
    rig.fake.requests.clear()
    report = rig.broker.submit(rig.order("a-2", SELL, 1, "1.50"))
    assert report.status is OrderStatus.REJECTED
    assert report.reason.startswith("not sent: ")
    assert "rate limit" in report.reason
    assert rig.fake.requests == []
    assert rig.broker.cancel(ACCOUNT, "a-1").status is OrderStatus.CANCELLED


def _around(environment: str, **environ: str) -> Surroundings:
    return Surroundings(
        environ={"ALPACA_API_KEY": KEY_ID, "ALPACA_SECRET_KEY": KEY} | environ,
        clock=FixedClock(TEN),
        calendar=FakeCalendar(),
        environment=environment,
        database_url="",
    )


@pytest.mark.parametrize("environment", ["paper", "live"])
def test_it_is_built_from_two_keys_and_shows_neither(environment):
    broker = build(_around(environment))
    assert (broker.name, broker.environment) == ("alpaca", environment)
    assert KEY not in repr(broker) + repr(vars(broker))
    broker.close()


def test_paper_and_live_are_different_hosts():
    assert HOSTS == {"paper": "paper-api.alpaca.markets", "live": "api.alpaca.markets"}


@pytest.mark.parametrize(
    ("environment", "environ", "sentence"),
    [
        ("paper", {"ALPACA_API_KEY": ""}, "ALPACA_API_KEY is not set"),
        ("live", {"ALPACA_SECRET_KEY": " "}, "ALPACA_SECRET_KEY is not set"),
        ("tape", {}, "paper and live, not 'tape'"),
        ("simulated", {}, "paper and live, not 'simulated'"),
        ("paper", {"ALPACA_BASE_URL": "https://evil.test"}, "ALPACA_BASE_URL"),
        ("paper", {"ALPACA_BASE_URL": "https://api.alpaca.markets"}, "ALPACA_BASE_URL"),
        ("live", {"ALPACA_BASE_URL": "http://localhost:1"}, "ALPACA_BASE_URL"),
        ("live", {"ALPACA_BASE_URL": "http://127.0.0.1:1@evil.test"}, "ALPACA_BASE_URL"),
        ("paper", {"ALPACA_API_KEY": "schlüssel"}, "credential of Alpaca"),
    ],
)
def test_it_is_not_built_from_anything_else(environment, environ, sentence):
    with pytest.raises(ConfigurationError, match=sentence) as refused:
        build(_around(environment, **environ))
    assert KEY not in _chain(refused.value)


@pytest.mark.skipif(find_spec("alpaca") is None, reason="alpaca-py is not installed")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_independent_client_works_against_the_fake(rig):
    from alpaca.trading.client import TradingClient  # noqa: PLC0415
    from alpaca.trading.requests import LimitOrderRequest  # noqa: PLC0415

    rig.hold(5)
    rig.quote("1.10", "1.20", size=2)
    client = TradingClient(KEY_ID, KEY, url_override=rig.fake.environ["ALPACA_BASE_URL"])
    sent = client.submit_order(
        LimitOrderRequest(
            symbol=CALL,
            qty=3,
            side="sell",
            time_in_force="day",
            limit_price=1.05,
            position_intent="sell_to_close",
            client_order_id="a-1",
        )
    )
    assert client.get_order_by_client_id("a-1").id == sent.id
    assert [order.id for order in client.get_orders()] == [sent.id]
    (held,) = client.get_all_positions()
    assert (held.symbol, held.qty, held.qty_available) == (CALL, "3", "2")
    assert client.get_account().account_number == ACCOUNT
    client.cancel_order_by_id(sent.id)
    assert rig.find().status is OrderStatus.CANCELLED
    assert rig.find().filled_quantity == 2
    client._session.close()
    rig.fake.honest.clear()  # it sends numbers where the published file has strings
