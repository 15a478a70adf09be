"""Orders that go another way at a vendor than the sender heard, from tick to tick."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from exit_pipeline_tests.desk import CALL
from exit_pipeline_tests.fake_brokers.tradier import plain
from exit_pipeline_tests.vendor_desks import (
    AlpacaDesk,
    TradierDesk,
    VendorDesk,
    alpaca_desk,
    tradier_desk,
)

ORDERS = "SELECT attempt, status FROM orders ORDER BY attempt"


@pytest.fixture
def alpaca(database_url: str) -> Iterator[AlpacaDesk]:
    with alpaca_desk(database_url) as made:
        yield made


@pytest.fixture
def tradier(database_url: str) -> Iterator[TradierDesk]:
    with tradier_desk(database_url) as made:
        yield made


def tick(desk: VendorDesk, bid: str = "3.15", ask: str = "3.25") -> str:
    """A tick with a quote; returns why it did not sell. The next one is five minutes later."""
    desk.quote(CALL, bid, ask)
    report = desk.tick_anew()
    desk.later()
    return report.executed.notes.get("one", "")


def orders(desk: VendorDesk) -> list[tuple[int, str]]:
    return [(row["attempt"], row["status"]) for row in desk.rows(ORDERS)]


def test_a_duplicate_that_is_not_shown_yet_is_waited_for_and_not_sent_anew(
    alpaca: AlpacaDesk,
) -> None:
    """Regression: something on the way to the vendor sent an order twice, and we heard "duplicate".

    The vendor did not show the order yet, so it counted as refused. Where the account holds more of
    the contract than the books, nothing seemed to be missing, and its contracts were sold twice.
    """
    alpaca.hold_at_vendor("one", quantity=4)
    alpaca.fake.ledger.hold(CALL, 10)
    alpaca.fake.ledger.quote(CALL, "3.15", "3.25")
    alpaca.fake.fail("duplicate_after")
    alpaca.fake.visible_after = timedelta(seconds=30)
    said = tick(alpaca)
    assert said.endswith("does not show it yet")
    assert orders(alpaca) == [(1, "UNKNOWN")]
    tick(alpaca)
    assert orders(alpaca) == [(1, "FILLED")]
    assert len(alpaca.fake.ledger.orders) == 1


def test_an_order_that_is_taken_and_refused_later_is_told_of(tradier: TradierDesk) -> None:
    """Regression: a stop was refused tick after tick, each time behind our back, and no alert.

    Both vendors answer an order before they have checked it; what the next tick read was booked.
    """
    tradier.hold_at_vendor("one")
    tick(tradier, "1.00", "1.05")
    (order,) = tradier.fake.ledger.orders
    order |= {"status": "rejected", "reason_description": "no margin"}
    tick(tradier, "1.00", "1.05")
    assert orders(tradier) == [(1, "REJECTED"), (2, "ACCEPTED")]
    told = tradier.rows("SELECT cause, subject, message FROM alerts")
    assert told == [
        {
            "cause": "ORDER_REFUSED",
            "subject": "one",
            "message": "STOP_LOSS is due and its order was refused: no margin",
        }
    ]


def test_a_person_is_told_of_an_exit_that_waits_for_a_cancel_that_is_never_confirmed(
    alpaca: AlpacaDesk,
) -> None:
    """Regression: a stop waited all day for the cancel of the order before it, without an alert.

    The vendor had noted the cancel, so that it was answered each time it was asked for.
    """
    alpaca.hold_at_vendor("one", quantity=4)
    alpaca.fake.confirms_cancels = False
    tick(alpaca)
    alerts = "SELECT severity, cause, message FROM alerts"
    for _ in range(2):
        assert tick(alpaca, "1.00", "1.05").startswith("waiting for the broker to confirm")
        assert alpaca.rows(alerts) == []
    tick(alpaca, "1.00", "1.05")
    assert orders(alpaca) == [(1, "PENDING_CANCEL")]
    assert alpaca.rows(alerts) == [
        {
            "severity": "CRITICAL",
            "cause": "EXIT_ESCALATED",
            "message": "STOP_LOSS waits: the order of 14:00 UTC is not seen cancelled",
        }
    ]


@pytest.mark.parametrize("status", [400, 404])
def test_an_order_of_yesterday_that_the_vendor_knows_no_more_gives_its_position_free(
    tradier: TradierDesk, status: int
) -> None:
    """Regression: a stop waited for good for an order of a session that was over.

    The vendor lists orders of one session only, and its words on the key of an older one were taken
    for a fault that would pass. Two ticks have to hear them.
    """
    tradier.hold_at_vendor("one")
    tick(tradier)
    tradier.fake.ledger.orders.clear()
    tradier.later(24 * 60)
    tradier.fake.fail("GET", r"/orders/\d+$", plain("order not found", status), times=9)
    tick(tradier, "1.00", "1.05")
    assert orders(tradier) == [(1, "UNKNOWN")]
    tick(tradier, "1.00", "1.05")
    assert orders(tradier) == [(1, "EXPIRED"), (2, "ACCEPTED")]
    told = tradier.rows("SELECT cause FROM alerts WHERE severity = 'CRITICAL'")
    assert {"cause": "ORDER_LOST"} in told
