import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import stamina

from exit_pipeline.adapters.brokers.tradier import TradierBroker, build
from exit_pipeline.core.model.broker_time import BrokerTime
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    InputError,
    UnavailableError,
)
from exit_pipeline.core.model.order import OrderRequest, OrderSide, OrderStatus
from exit_pipeline.ports import Broker, CanClose, Surroundings, TellsSkew, TellsTime
from exit_pipeline_tests.fake_brokers import tradier as fakes
from exit_pipeline_tests.fake_brokers.server import Reply, Request, json_reply
from exit_pipeline_tests.fake_brokers.tradier import ACCOUNT, KEY, FakeTradier, fake_tradier
from exit_pipeline_tests.fake_brokers.tradier_spec import HAS_SPEC, problems
from exit_pipeline_tests.fakes import FakeCalendar, FixedClock, new_york

NOW = datetime(2015, 12, 23, 15, 0, tzinfo=UTC)
CALL = "GOOG151224C00750000"
PUT = "GOOG151224P00750000"
SELL, BUY = OrderSide.SELL_TO_CLOSE, OrderSide.BUY_TO_CLOSE
ORDERS, ONE_ORDER = "/orders$", "/orders/"


@dataclass
class TradierRig:
    """A Tradier broker at 10:00 on 2015-12-23 in New York, before a server of the test's own."""

    fake: FakeTradier
    clock: FixedClock
    account: str = ACCOUNT

    def __post_init__(self) -> None:
        self.broker = self.connect()

    def connect(self, environment: str = "paper", **environ: str) -> TradierBroker:
        """Another broker before the same server, as in another process."""
        around = surroundings(self.clock, environment, TRADIER_BASE_URL=self.fake.url, **environ)
        return build(around)

    def another(self) -> TradierBroker:
        return self.connect()

    def expire(self) -> None:
        del self.fake.ledger.positions[CALL]
        self.clock.advance(timedelta(days=2))

    def close_by_hand(self, quantity: int, price: str) -> None:
        held, _ = self.fake.ledger.positions[CALL]
        self.clock.advance(timedelta(seconds=1))
        self.fake.ledger.trade(CALL, quantity if held > 0 else -quantity, price)

    def next_day(self) -> None:
        self.fake.ledger.end_day()
        self.clock.advance(timedelta(days=1))

    def delay_cancels(self) -> None:
        self.fake.ledger.stays_pending = True

    def hold(self, quantity: int, symbol: str = CALL) -> None:
        self.fake.ledger.hold(symbol, quantity)

    def quote(self, bid: str, ask: str, size: int | None = None) -> None:
        self.clock.advance(timedelta(seconds=1))
        self.fake.ledger.quote(CALL, bid, ask, size)

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

    def rest(self, client_order_id: str = "a-1", quantity: int = 2) -> dict[str, Any]:
        """Hold contracts and have an order to sell them that nothing fills; returns its row."""
        self.hold(10)
        self.broker.submit(self.order(client_order_id, SELL, quantity, "1.15"))
        return self.fake.ledger.orders[-1]


def surroundings(clock: FixedClock, environment: str = "paper", **environ: str) -> Surroundings:
    known = {"TRADIER_API_KEY": KEY, "TRADIER_ACCOUNT_ID": ACCOUNT}
    return Surroundings(
        environ=known | environ,
        clock=clock,
        calendar=FakeCalendar(),
        environment=environment,
        database_url="",
    )


@contextmanager
def tradier_rig(_database_url: str) -> Iterator[TradierRig]:
    """At the end, all that was sent and answered must be as the file of the API has it."""
    clock = FixedClock(NOW)
    with fake_tradier(clock) as fake:
        rig = TradierRig(fake, clock)
        yield rig
        rig.broker.close()
        assert problems(fake.honest) == []


@pytest.fixture
def rig() -> Iterator[TradierRig]:
    # Retries without waiting.
    with stamina.set_testing(True, attempts=2), tradier_rig("") as made:
        yield made


def found(rig: TradierRig, client_order_id: str = "a-1") -> Any:
    """The order, by a listing of its own."""
    rig.clock.advance(timedelta(seconds=1))
    report = rig.broker.find_order(rig.account, client_order_id)
    assert report is not None
    return report


def test_it_is_a_broker_that_takes_an_id_twice(rig):
    assert isinstance(rig.broker, Broker)
    assert isinstance(rig.broker, CanClose)
    assert (rig.broker.name, rig.broker.environment) == ("tradier", "paper")
    assert rig.broker.ids_are_unique is False


# What is sent


@pytest.mark.parametrize(
    ("symbol", "side", "limit", "expected"),
    [
        pytest.param(
            CALL, SELL, "1.15", ("GOOG", "sell_to_close", "1.15"), id="a call that is sold"
        ),
        pytest.param(PUT, BUY, "0.3", ("GOOG", "buy_to_close", "0.30"), id="a put bought back"),
        pytest.param(
            "SPXW260710P07350000", SELL, "10", ("SPX", "sell_to_close", "10.00"), id="an index"
        ),
        pytest.param(
            "BRKB260710C00500000", SELL, "1.0500", ("BRK/B", "sell_to_close", "1.05"), id="a class"
        ),
        pytest.param(
            CALL, SELL, "1.125", ("GOOG", "sell_to_close", "1.125"), id="a part of a cent"
        ),
    ],
)
def test_an_order_is_a_form_for_a_closing_limit_order_of_the_day(
    rig, symbol, side, limit, expected
):
    rig.hold(5 if side is SELL else -5, symbol)
    rig.broker.submit(rig.order("em-paper-1", side, 3, limit, symbol))
    (sent,) = rig.fake.asked("POST", "/orders")
    assert sent.form == {
        "class": "option",
        "symbol": expected[0],
        "option_symbol": symbol,
        "side": expected[1],
        "quantity": "3",
        "type": "limit",
        "duration": "day",
        "price": expected[2],
        "tag": "em-paper-1",
    }


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"account": "VA1"}, id="another account"),
        pytest.param({"client_order_id": "a_1"}, id="a tag with an underscore"),
        pytest.param({"client_order_id": ""}, id="no tag"),
        pytest.param({"quantity": 0}, id="nothing"),
        pytest.param({"limit_price": Decimal(0)}, id="no price"),
        pytest.param({"limit_price": Decimal("NaN")}, id="a price that is none"),
        pytest.param({"symbol": "GOOG"}, id="no option"),
    ],
)
def test_what_can_be_no_order_is_refused_and_not_sent(rig, changes):
    request = replace(rig.order("a-1", SELL, 1, "1.00"), **changes)
    report = rig.broker.submit(request)
    assert report.status is OrderStatus.REJECTED
    assert report.reason.startswith("not sent")
    assert rig.broker.preview(request) == report.reason
    assert rig.fake.asked("POST") == []


def test_a_preview_asks_the_broker_and_places_nothing(rig):
    rig.hold(1)
    assert rig.broker.preview(rig.order("a-1", SELL, 1, "1.00")) is None
    reason = rig.broker.preview(rig.order("a-1", SELL, 2, "1.00"))
    assert "UnexpectedSellOrderOption" in reason
    assert [sent.form["preview"] for sent in rig.fake.asked("POST")] == ["true", "true"]
    assert rig.fake.ledger.orders == []


# What comes of a submit


def test_an_order_is_accepted_when_a_read_shows_it(rig):
    rig.rest()
    assert found(rig).status is OrderStatus.ACCEPTED


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(fakes.NOT_FOUND, id="not there yet"),
        pytest.param(fakes.DOWN, id="a fault"),
        pytest.param(fakes.LOST, id="no answer"),
        pytest.param(fakes.HTML, id="HTML"),
        pytest.param(fakes.fault("Access Token expired"), id="the key ran out"),
        pytest.param(json_reply({"order": "null"}), id="nothing"),
        pytest.param(json_reply({"order": {"id": 1, "status": "open"}}), id="no whole order"),
    ],
)
def test_an_order_that_was_received_and_cannot_be_read_is_submitted(rig, reply):
    rig.hold(2)
    rig.fake.fail("GET", ONE_ORDER, reply, times=9)
    report = rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    assert report.status is OrderStatus.SUBMITTED
    assert report.broker_order_id == str(rig.fake.ledger.orders[0]["id"])
    assert found(rig).status is OrderStatus.ACCEPTED


def test_an_order_may_be_rejected_after_it_was_received(rig):
    rig.hold(2)
    rig.fake.ledger.rejects_later = "Order failed PriceRange - AGGRESSIVE: 1.15"
    report = rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    assert report.status is OrderStatus.REJECTED
    assert report.reason == "Order failed PriceRange - AGGRESSIVE: 1.15"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        pytest.param(
            fakes.refusal(["Backoffice rejected override of the order.", "LongPositionCrossZero"]),
            "Backoffice rejected override of the order.; LongPositionCrossZero",
            id="a list with status 200",
        ),
        pytest.param(fakes.refusal(["No."]), "No.", id="one text with status 200"),
        pytest.param(
            json_reply({"order": {"errors": "Not enough.", "result": False, "status": "Bad"}}),
            "Not enough.",
            id="within the order, as it used to be",
        ),
        pytest.param(
            fakes.plain("Invalid parameter,\n duration: pre"),
            "Invalid parameter, duration: pre",
            id="plain text with status 400",
        ),
        pytest.param(
            json_reply({"errors": {"error": "x" * 900}}), "x" * 199 + "…", id="a long text"
        ),
    ],
)
def test_a_refusal_is_a_report_with_the_brokers_words(rig, reply, reason):
    rig.hold(2)
    rig.fake.fail("POST", ORDERS, reply)
    report = rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    assert (report.status, report.reason) == (OrderStatus.REJECTED, reason)
    assert rig.broker.submit(rig.order("a-1", SELL, 2, "1.15")).status is OrderStatus.ACCEPTED


LOST_ANSWERS = [
    pytest.param(fakes.LOST, id="no answer"),
    pytest.param(fakes.CUT, id="half an answer"),
    pytest.param(fakes.DOWN, id="a fault"),
    pytest.param(fakes.HTML, id="HTML"),
    pytest.param(fakes.HUGE, id="an error page of 5 MB"),
    pytest.param(fakes.BROKEN, id="broken JSON"),
    pytest.param(fakes.EMPTY, id="nothing"),
    pytest.param(fakes.NOT_FOUND, id="a passing 404"),
    pytest.param(json_reply({"order": {"status": "ok"}}), id="an ok without a key"),
    pytest.param(fakes.refusal(["OmsInternalError"]), id="a fault of the order system"),
    pytest.param(fakes.fault("Datastore Error", 200), id="a fault with status 200"),
    pytest.param(fakes.TOO_MANY_BY_ANOTHER, id="too many for something before Tradier"),
]


@pytest.mark.parametrize("reply", LOST_ANSWERS)
@pytest.mark.parametrize("before", [True, False], ids=["not placed", "placed"])
def test_an_order_without_a_usable_answer_is_unknown_and_never_sent_twice(rig, reply, before):
    rig.hold(5)
    rig.fake.fail("POST", ORDERS, reply, before=before)
    request = rig.order("a-1", SELL, 2, "1.15")
    with pytest.raises(UnavailableError):
        rig.broker.submit(request)
    rig.clock.advance(timedelta(minutes=5))
    if before:
        with pytest.raises(UnavailableError, match="was sent before"):
            rig.broker.submit(request)
        assert rig.broker.find_order(rig.account, "a-1") is None
    else:
        assert rig.broker.submit(request).reason.startswith("duplicate")
        assert found(rig).status is OrderStatus.ACCEPTED
    assert len(rig.fake.asked("POST", "/orders")) == 1


def test_an_order_refused_for_the_rate_limit_was_never_sent_once_a_listing_shows_none(rig):
    rig.hold(5)
    rig.fake.fail("POST", ORDERS, fakes.TOO_MANY)
    request = rig.order("a-1", SELL, 2, "1.15")
    report = rig.broker.submit(request)
    assert report.was_never_sent
    assert report.reason.endswith("failed with status 429: rate limit reached")
    assert [one.method for one in rig.fake.server.requests] == ["GET", "POST", "GET"]
    rig.clock.advance(timedelta(minutes=1))
    assert rig.broker.submit(request).status is OrderStatus.ACCEPTED


def test_an_order_that_is_listed_is_reported_whatever_was_said_of_the_rate_limit(rig):
    rig.hold(5)
    rig.fake.fail("POST", ORDERS, fakes.TOO_MANY, before=False)
    assert rig.broker.submit(rig.order("a-1", SELL, 2, "1.15")).status is OrderStatus.ACCEPTED
    assert len(rig.fake.ledger.orders) == 1


def test_an_order_refused_for_the_rate_limit_that_cannot_be_listed_is_unknown(rig):
    rig.hold(5)
    rig.broker.positions(rig.account)
    rig.broker.find_order(rig.account, "a-1")
    rig.fake.fail("POST", ORDERS, fakes.TOO_MANY)
    rig.fake.fail("GET", ORDERS, fakes.DOWN, times=9)
    request = rig.order("a-1", SELL, 2, "1.15")
    report = rig.broker.submit(request)
    assert report.status is OrderStatus.UNKNOWN
    assert report.reason.startswith("not accepted: ")
    with pytest.raises(UnavailableError):
        rig.broker.submit(request)
    assert len(rig.fake.asked("POST", "/orders")) == 1


def test_an_order_under_a_tag_that_was_just_used_is_a_duplicate(rig):
    rig.rest()
    assert rig.broker.submit(rig.order("a-1", SELL, 2, "1.15")).reason.startswith("duplicate")
    assert len(rig.fake.asked("POST")) == 1


def test_an_order_of_another_process_under_the_same_tag_is_a_duplicate(rig):
    rig.rest()
    other = rig.connect()
    report = other.submit(rig.order("a-1", SELL, 2, "1.15"))
    other.close()
    assert report.status is OrderStatus.REJECTED
    assert report.reason.startswith("duplicate")
    assert len(rig.fake.ledger.orders) == 1


def test_nothing_is_sent_while_it_is_not_known_whether_the_tag_is_new(rig):
    rig.hold(2)
    """Regression: it counted as sent and lost, and the position waited for it for ever."""
    rig.fake.fail("GET", ORDERS, fakes.DOWN, times=2)
    report = rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    assert report.was_never_sent
    assert rig.fake.asked("POST") == []
    assert rig.broker.submit(rig.order("a-1", SELL, 2, "1.15")).status is OrderStatus.ACCEPTED


def test_an_order_that_was_sent_before_is_not_refused_while_nothing_can_be_listed(rig):
    rig.hold(2)
    rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))
    rig.fake.fail("GET", ORDERS, fakes.DOWN, times=2)
    with pytest.raises(UnavailableError):
        rig.broker.submit(rig.order("a-1", SELL, 2, "1.15"))


# Rates


def test_what_the_rate_limit_holds_back_is_refused_as_never_sent_and_may_be_sent_later(rig):
    rig.fake.allowed["trading"] = 12
    rig.hold(9)
    reports = [rig.broker.submit(rig.order(f"a-{n}", SELL, 1, "1.15")) for n in range(3)]
    assert [one.status for one in reports] == [OrderStatus.ACCEPTED] * 2 + [OrderStatus.REJECTED]
    assert reports[2].was_never_sent
    rig.clock.advance(timedelta(seconds=61))
    assert rig.broker.submit(rig.order("a-2", SELL, 1, "1.15")).status is OrderStatus.ACCEPTED


def test_orders_that_are_held_back_do_not_use_up_the_listings(rig):
    rig.fake.allowed["trading"] = 11
    rig.hold(50)
    for number in range(40):
        if rig.broker.submit(rig.order(f"a-{number}", SELL, 1, "1.15")).reason:
            assert rig.broker.find_order(rig.account, f"a-{number}") is None
    assert len(rig.fake.asked("POST")) == 1
    assert len(rig.fake.asked("GET", "/orders")) == 2


def test_cancels_have_a_reserve_that_orders_leave_them(rig):
    rig.fake.allowed = {"trading": 11, "standard": 12, "markets": 0}
    rig.hold(9)
    rig.broker.submit(rig.order("a-1", SELL, 1, "1.15"))
    assert "not sent" in rig.broker.submit(rig.order("a-2", SELL, 1, "1.15")).reason
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.CANCELLED


def test_orders_that_follow_each_other_share_one_listing(rig):
    rig.hold(9)
    for number in range(9):
        rig.broker.submit(rig.order(f"a-{number}", SELL, 1, "1.15"))
    assert len(rig.fake.asked("GET", "/orders")) == 1


def test_looks_at_many_orders_share_a_listing_until_something_is_sent(rig):
    rig.hold(9)
    requests = [rig.order(f"a-{number}", SELL, 1, "1.15") for number in range(3)]
    for request in requests[:2]:
        rig.broker.submit(request)

    def look() -> int:
        before = len(rig.fake.asked("GET", "/orders"))
        for request in requests:
            rig.broker.find_order(rig.account, request.client_order_id)
        rig.broker.working_orders(rig.account)
        return len(rig.fake.asked("GET", "/orders")) - before

    assert [look(), look()] == [1, 0]
    rig.broker.submit(requests[2])
    assert look() == 1
    assert found(rig, "a-2").status is OrderStatus.ACCEPTED
    rig.broker.cancel(rig.account, "a-2")
    assert found(rig, "a-2").status is OrderStatus.CANCELLED
    for change in (timedelta(seconds=1), timedelta(seconds=-5)):
        rig.clock.advance(change)
        assert look() == 1


def test_a_tick_reads_the_account_with_two_requests(rig):
    for number in range(60):
        rig.hold(1, f"GOOG151224C{700_000 + number * 5_000:08d}")
    rig.broker.positions(rig.account)
    rig.broker.working_orders(rig.account)
    assert len(rig.fake.server.requests) == 2


# Executions


def test_the_executions_of_an_order_are_its_contracts_by_number(rig):
    row = rig.rest(quantity=5)
    rig.fake.ledger.execute(row, 2, Decimal("1.20"))
    early = found(rig)
    rig.fake.ledger.execute(row, 1, Decimal("1.17"))
    rig.fake.ledger.execute(row, 2, Decimal("1.15"))
    late = found(rig)
    assert (early.status, late.status) == (OrderStatus.PARTIAL_FILL, OrderStatus.FILLED)
    keys = [f"tradier-paper-{row['id']}-{number}" for number in range(1, 6)]
    assert [fill.execution_id for fill in early.fills] == keys[:2]
    assert [fill.execution_id for fill in late.fills] == keys
    assert {fill.quantity for fill in late.fills} == {1}
    assert sum(fill.price for fill in late.fills) == Decimal("5.87")


def test_an_order_that_is_filled_before_its_price_is_told_is_still_at_work(rig):
    row = rig.rest()
    rig.fake.ledger.execute(row, 2, Decimal("1.16"))
    rig.fake.ledger.fills_before_price = 2
    early = found(rig)
    rig.clock.advance(timedelta(seconds=1))
    (working,) = rig.broker.working_orders(rig.account)
    late = found(rig)
    assert (early.status, early.fills) == (OrderStatus.ACCEPTED, ())
    assert working == early
    assert (late.status, late.filled_quantity) == (OrderStatus.FILLED, 2)
    assert {fill.price for fill in late.fills} == {Decimal("1.16")}


def test_an_unknown_status_is_live_and_in_doubt(rig):
    rig.rest()["status"] = "held_for_review"
    report = found(rig)
    assert report.status is OrderStatus.ACCEPTED
    assert "unknown status" in report.doubt
    assert "held_for_review" in report.doubt
    assert len(rig.broker.working_orders(rig.account)) == 1
    rig.fake.honest.clear()  # such a status is not in the file


# Finding


@pytest.mark.parametrize("nothing", ["null", None], ids=["a text", "null"])
def test_none_is_said_in_two_ways(rig, nothing):
    rig.fake.nothing = nothing
    assert rig.broker.find_order(rig.account, "a-1") is None
    assert rig.broker.working_orders(rig.account) == []
    assert rig.broker.positions(rig.account) == []


@pytest.mark.parametrize("counts", [True, False], ids=["pages are counted", "pages are full"])
def test_an_order_is_found_on_any_page(rig, counts):
    rig.hold(1_600)
    rig.fake.counts_pages = counts
    rows = [rig.fake.ledger.place(form(f"b-{number}")) for number in range(1_501)]
    report = found(rig, "b-1500")
    assert report.broker_order_id == str(rows[1_500]["id"])
    assert [one.query["page"] for one in rig.fake.asked("GET", "/orders")] == ["1", "2"]


def form(tag: str, quantity: str = "1") -> dict[str, str]:
    return {
        "symbol": "GOOG",
        "option_symbol": CALL,
        "side": "sell_to_close",
        "quantity": quantity,
        "type": "limit",
        "duration": "day",
        "price": "1.15",
        "tag": tag,
    }


def test_a_list_with_fewer_orders_than_are_counted_tells_nothing(rig):
    rig.rest()
    rig.fake.uncounted = 1
    with pytest.raises(UnavailableError, match="lists fewer orders than it counts"):
        rig.broker.find_order(rig.account, "never-sent")


def test_an_order_that_is_not_listed_yet_is_not_found_and_found_later(rig):
    rig.rest()
    rig.fake.hidden = 1
    assert rig.broker.find_order(rig.account, "a-1") is None
    assert found(rig).status is OrderStatus.ACCEPTED


def test_of_several_orders_with_one_tag_the_one_that_did_something_is_reported(rig):
    row = rig.rest()
    rejected = row | {"id": 99_999_999, "status": "rejected"}
    rig.fake.ledger.execute(row, 1, Decimal("1.15"))
    rig.fake.ledger.cancel(row)
    rig.fake.ledger.orders.append(rejected)
    report = found(rig)
    assert (report.status, report.broker_order_id) == (OrderStatus.CANCELLED, str(row["id"]))
    assert report.filled_quantity == 1
    assert "2 orders with the tag a-1" in report.doubt


def test_what_several_orders_with_one_tag_filled_is_all_reported(rig):
    row = rig.rest()
    second = dict(row) | {"id": 99_999_999}
    rig.fake.ledger.orders.append(second)
    rig.fake.ledger.execute(row, 2, Decimal("1.15"))
    rig.fake.ledger.execute(second, 1, Decimal("1.15"))
    report = found(rig)
    assert report.status is OrderStatus.PARTIAL_FILL
    assert len({fill.execution_id for fill in report.fills}) == 3


def test_working_orders_are_those_that_close_options_whoever_placed_them(rig):
    row = rig.rest()
    foreign = {key: value for key, value in row.items() if key != "tag"} | {"id": 1}
    leg = foreign | {"id": 3, "side": "buy_to_close"}
    share = foreign | {"id": 4, "class": "equity", "side": "sell"}
    rig.fake.ledger.orders += [
        foreign,
        foreign | {"id": 2, "side": "buy_to_open"},
        {key: value for key, value in share.items() if key != "option_symbol"},
        foreign | {"id": 5, "class": "multileg", "side": "buy", "leg": [leg, leg | {"id": 6}]},
    ]
    reports = rig.broker.working_orders(rig.account)
    assert [(one.broker_order_id, one.client_order_id) for one in reports] == [
        (str(row["id"]), "a-1"),
        ("1", ""),
        ("3", ""),
        ("6", ""),
    ]


# Cancelling


def test_a_cancel_that_is_only_asked_for_is_pending(rig):
    rig.rest()
    rig.fake.ledger.stays_pending = True
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.PENDING_CANCEL
    assert found(rig).status is OrderStatus.PENDING_CANCEL


def test_a_cancel_is_pending_while_reads_still_show_the_order_open(rig):
    row = rig.rest()
    rig.fake.fail("DELETE", ONE_ORDER, json_reply({"order": {"id": row["id"], "status": "ok"}}))
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.PENDING_CANCEL


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(fakes.plain("order already in finalized state: filled"), id="status 400"),
        pytest.param(fakes.refusal(["order already in finalized state"]), id="status 200"),
    ],
)
def test_a_cancel_that_comes_too_late_reports_the_order_as_it_is(rig, reply):
    row = rig.rest()
    rig.fake.fail("DELETE", ONE_ORDER, reply)

    def fill_first(request: Request) -> None:
        if request.method == "DELETE":
            rig.fake.ledger.execute(row, 2, Decimal("1.15"))

    rig.fake.on_request = fill_first
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.FILLED


@pytest.mark.parametrize("before", [True, False], ids=["not carried out", "carried out"])
def test_a_cancel_without_an_answer_is_no_report(rig, before):
    rig.rest()
    rig.fake.fail("DELETE", ONE_ORDER, fakes.LOST, before=before)
    with pytest.raises(UnavailableError):
        rig.broker.cancel(rig.account, "a-1")
    assert len(rig.fake.asked("DELETE")) == 1


def test_the_cancel_of_an_unknown_order_is_an_error_and_of_a_finished_one_is_not_sent(rig):
    with pytest.raises(InputError, match="never-sent"):
        rig.broker.cancel(rig.account, "never-sent")
    row = rig.rest()
    rig.fake.ledger.execute(row, 2, Decimal("1.15"))
    assert rig.broker.cancel(rig.account, "a-1").status is OrderStatus.FILLED
    assert rig.fake.asked("DELETE") == []


# Holdings


def test_holdings_are_signed_and_priced_per_share(rig):
    rig.fake.ledger.hold(CALL, 3, "2175.0")
    rig.fake.ledger.hold(PUT, -1, "-210.0")
    rig.fake.ledger.hold("GOOG", 100, "75000")
    long, short = rig.broker.positions(rig.account)
    assert (long.symbol, long.quantity, long.average_price) == (CALL, 3, Decimal("7.25"))
    assert (short.symbol, short.quantity, short.average_price) == (PUT, -1, Decimal("2.1"))
    assert long.free_quantity is None
    assert long.acquired_at == datetime(2015, 12, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("market", "is_open", "opens", "closes"),
    [
        pytest.param(("open", "16:00", "postmarket"), True, None, (16, 0), id="open"),
        pytest.param(("open", "13:00", "postmarket"), True, None, (13, 0), id="a short day"),
        pytest.param(("premarket", "09:30", "open"), False, (9, 30), None, id="before the open"),
        pytest.param(("postmarket", "20:00", "closed"), False, None, None, id="after the close"),
        pytest.param(("closed", "07:00", "premarket"), False, None, None, id="closed"),
        pytest.param(("open", "soon", "postmarket"), True, None, None, id="no time of a change"),
    ],
)
def test_the_brokers_clock_is_told_with_its_session(rig, market, is_open, opens, closes):
    rig.fake.market = market
    rig.clock.advance(timedelta(seconds=0.7))
    rig.fake.skew = timedelta(seconds=3)
    assert isinstance(rig.broker, TellsTime)
    day = date(2015, 12, 23)
    assert rig.broker.broker_time() == BrokerTime(
        at=NOW + timedelta(seconds=3),
        is_open=is_open,
        next_open=new_york(day, *opens) if opens else None,
        next_close=new_york(day, *closes) if closes else None,
    )


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(json_reply({"clock": None}), id="none"),
        pytest.param(json_reply({"clock": {"state": "open"}}), id="no time"),
        pytest.param(json_reply({"clock": {"timestamp": 1783693862, "state": "x"}}), id="a state"),
        pytest.param(fakes.DOWN, id="a fault"),
    ],
)
def test_a_clock_that_cannot_be_read_is_unavailable(rig, reply):
    rig.fake.fail("GET", "/clock$", reply, times=9)
    with pytest.raises(UnavailableError):
        rig.broker.broker_time()


def test_the_skew_is_that_of_the_newest_answer_and_asks_for_nothing(rig):
    assert isinstance(rig.broker, TellsSkew)
    assert rig.broker.skew() is None
    for seconds in (75, 0):
        rig.fake.skew = timedelta(seconds=seconds)
        rig.broker.positions(rig.account)
        assert rig.broker.skew() == timedelta(seconds=seconds)
    assert len(rig.fake.server.requests) == 2


def test_no_settlements_are_told_of(rig):
    assert list(rig.broker.settlements(rig.account)) == []


# Reads that fail


BAD_READS = [
    pytest.param(fakes.LOST, id="no answer"),
    pytest.param(fakes.DOWN, id="a fault"),
    pytest.param(fakes.NOT_FOUND, id="a passing 404"),
    pytest.param(fakes.HTML, id="HTML"),
    pytest.param(fakes.HUGE, id="an error page of 5 MB"),
    pytest.param(fakes.BROKEN, id="broken JSON"),
    pytest.param(fakes.EMPTY, id="an empty body"),
    pytest.param(json_reply([1]), id="a list"),
    pytest.param(json_reply({}), id="an object without anything"),
    pytest.param(json_reply({"orders": 1, "positions": 1}), id="a number"),
    pytest.param(json_reply({"orders": {"order": 1}, "positions": {"position": [1]}}), id="more"),
    pytest.param(fakes.refusal(["Not now."]), id="words of refusal"),
    pytest.param(Reply(status=302, headers={"location": "http://127.0.0.1:1/"}), id="a redirect"),
]


@pytest.mark.parametrize("reply", BAD_READS)
@pytest.mark.parametrize("read", ["find_order", "working_orders", "positions", "cancel"])
def test_a_read_without_a_usable_answer_is_never_none(rig, reply, read):
    rig.fake.fail("GET", "/(orders|positions)$", reply, times=9)
    more = ["a-1"] if read in ("find_order", "cancel") else []
    with pytest.raises(UnavailableError):
        getattr(rig.broker, read)(rig.account, *more)


@pytest.mark.parametrize(
    "reply", [pytest.param(fakes.LOST, id="no answer"), pytest.param(fakes.DOWN, id="a fault")]
)
def test_a_read_is_tried_again(rig, reply):
    rig.hold(1)
    rig.fake.fail("GET", "/positions", reply)
    assert len(rig.broker.positions(rig.account)) == 1


@pytest.mark.parametrize("quantity", [1.5, "many", None])
def test_a_holding_that_cannot_be_counted_is_not_left_out(rig, quantity):
    row = {"symbol": CALL, "quantity": quantity, "cost_basis": 1}
    rig.fake.fail("GET", "/positions", json_reply({"positions": {"position": row}}))
    with pytest.raises(UnavailableError, match=CALL):
        rig.broker.positions(rig.account)


@pytest.mark.skipif(not HAS_SPEC, reason="the file of the API is not at hand")
def test_the_file_of_the_api_tells_a_wrong_exchange(rig):
    rig.rest()
    rig.broker.preview(rig.order("b-1", SELL, 1, "1.00"))
    rig.broker.cancel(rig.account, "a-1")
    (request, reply), *_ = [one for one in rig.fake.honest if one[0].method == "POST"]
    assert problems([(request, reply)]) == []
    for wrong in (
        (replace(request, body=request.body.replace(b"limit", b"sometime")), reply),
        (replace(request, body=request.body.replace(b"a-1", b"a_1")), reply),
        (request, json_reply({"orders": 1})),
        (replace(request, method="PATCH"), reply),
    ):
        assert problems([wrong]) != []


# Credentials


def test_the_account_is_the_one_that_the_broker_names_itself(rig):
    assert rig.broker.accounts() == [ACCOUNT]
    rig.fake.accounts = ["VA1", ACCOUNT]
    assert rig.connect().accounts() == [ACCOUNT]


def test_whose_account_it_is_is_asked_once(rig):
    assert [rig.broker.accounts() for _ in range(3)] == [[ACCOUNT]] * 3
    assert len(rig.fake.asked("GET", "/user/profile")) == 1


def test_the_account_is_asked_for_until_the_broker_names_it_and_no_more(rig):
    rig.fake.accounts = ["VA1"]
    for _ in range(2):
        with pytest.raises(ConfigurationError):
            rig.broker.accounts()
    rig.fake.accounts = [ACCOUNT]
    for _ in range(3):
        rig.broker.accounts()
    assert len(rig.fake.asked("GET", "/user/profile")) == 3


@pytest.mark.parametrize("accounts", [["VA1"], ["VA1", "VA2"]])
def test_an_account_that_the_key_does_not_belong_to_is_refused(rig, accounts):
    rig.fake.accounts = accounts
    with pytest.raises(ConfigurationError, match=f"TRADIER_ACCOUNT_ID is '{ACCOUNT}'; the broker"):
        rig.broker.accounts()


def test_a_wrong_key_is_a_matter_of_configuration(rig):
    broker = rig.connect(TRADIER_API_KEY="another-key")
    request = rig.order("a-1", SELL, 1, "1.00")
    for call in (
        broker.accounts,
        lambda: broker.submit(request),
        lambda: broker.preview(request),
        lambda: broker.find_order(ACCOUNT, "a-1"),
        lambda: broker.positions(ACCOUNT),
    ):
        with pytest.raises(ConfigurationError, match="refuses the access token"):
            call()
    broker.close()


@pytest.mark.parametrize(
    ("environment", "environ", "words"),
    [
        pytest.param("paper", {"TRADIER_API_KEY": ""}, "TRADIER_API_KEY is not set", id="no key"),
        pytest.param("live", {"TRADIER_API_KEY": " "}, "api.tradier.com", id="a blank key"),
        pytest.param("paper", {"TRADIER_API_KEY": "a\nb"}, "can't be sent", id="a torn key"),
        pytest.param(
            "paper", {"TRADIER_ACCOUNT_ID": ""}, "TRADIER_ACCOUNT_ID is not set", id="no account"
        ),
        pytest.param("tape", {}, "no environment 'tape'", id="a tape"),
        pytest.param("simulated", {}, "no environment 'simulated'", id="a simulation"),
        pytest.param(
            "paper", {"TRADIER_BASE_URL": "https://api.tradier.com"}, "may only be", id="live"
        ),
        pytest.param("live", {"TRADIER_BASE_URL": "http://10.0.0.1"}, "may only be", id="a host"),
        pytest.param(
            "live",
            {"TRADIER_BASE_URL": "http://127.0.0.1@evil.example"},
            "may only be",
            id="a user",
        ),
        pytest.param("live", {"TRADIER_BASE_URL": "http://[::1"}, "may only be", id="no address"),
    ],
)
def test_what_is_not_configured_refuses_to_start(environment, environ, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        build(surroundings(FixedClock(NOW), environment, **environ))
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("environment", ["paper", "live"])
def test_each_environment_has_executions_of_its_own(rig, environment):
    broker = rig.connect(environment)
    rig.hold(1)
    rig.quote("1.10", "1.20")
    report = broker.submit(rig.order("a-1", SELL, 1, "1.00"))
    broker.close()
    assert report.fills[0].execution_id == f"tradier-{environment}-{report.broker_order_id}-1"


def test_no_text_anywhere_holds_the_key_or_the_account(rig, caplog):
    caplog.set_level(logging.DEBUG)
    rig.rest()
    texts = [repr(rig.broker), repr(rig.broker._client)]
    echo = f"the key {KEY} is wrong"
    for reply in (
        fakes.refusal([echo]),
        fakes.plain(echo),
        fakes.plain(echo, 401),
        fakes.plain(echo, 404),
        fakes.fault(echo, 500),
        fakes.fault(echo, 400),
    ):
        rig.fake.fail("POST", ORDERS, reply)
        rig.fake.fail("GET", ORDERS, reply, times=2)
        for call in (
            lambda: rig.broker.preview(rig.order("b-1", SELL, 1, "1.00")),
            lambda: rig.broker.find_order(rig.account, "b-1"),
        ):
            try:
                texts.append(str(call()))
            except ExitPipelineError:
                texts.append(traceback.format_exc())
    texts.append(caplog.text)
    assert len(texts) == 15
    for text in texts:
        assert KEY not in text
        assert ACCOUNT not in text
        assert "includeTags" not in text
