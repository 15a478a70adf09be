"""Orders that a vendor's rate limit keeps from being placed, from tick to tick."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stamina

from exit_pipeline_tests.between import Between
from exit_pipeline_tests.desk import CALL
from exit_pipeline_tests.fake_brokers import tradier as fakes
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
    with stamina.set_testing(True, attempts=2), tradier_desk(database_url) as made:
        yield made


def tick(desk: VendorDesk, until_next: int = 5) -> str:
    """A tick that is due to sell; returns why it did not. The next one is so many minutes later."""
    desk.quote(CALL, "3.15", "3.25")
    report = desk.tick_anew()
    desk.later(until_next)
    return report.executed.notes.get("one", "")


def orders(desk: VendorDesk) -> list[tuple[int, str]]:
    return [(row["attempt"], row["status"]) for row in desk.rows(ORDERS)]


def test_alpacas_429_is_tried_again_by_the_next_tick(alpaca: AlpacaDesk) -> None:
    """Regression: the order stayed UNKNOWN for good, and its position was never sent again."""
    alpaca.hold_at_vendor("one")
    alpaca.fake.fail("rate_limited")
    assert tick(alpaca).startswith("refused: not sent: Alpaca: POST /v2/orders")
    assert orders(alpaca) == [(1, "REJECTED")]
    tick(alpaca)
    assert orders(alpaca) == [(1, "REJECTED"), (2, "ACCEPTED")]
    assert len(alpaca.fake.ledger.orders) == 1


def test_orders_that_never_left_use_up_none_of_the_days_orders(alpaca: AlpacaDesk) -> None:
    """Regression: after ten ticks under the vendor's limit, a stop was denied for the whole day."""
    alpaca.hold_at_vendor("one")
    alpaca.fake.fail("rate_limited", times=10)
    for _ in range(10):
        tick(alpaca)
    assert {status for _, status in orders(alpaca)} == {"REJECTED"}
    tick(alpaca)
    assert orders(alpaca)[10:] == [(11, "ACCEPTED")]


def test_alpacas_429_that_can_not_be_looked_up_yet_is_settled_by_the_next_tick(
    alpaca: AlpacaDesk,
) -> None:
    """Regression: as above, where the look-up falls under the same limit, which is the rule."""
    alpaca.hold_at_vendor("one")
    alpaca.fake.limit_ends_in = timedelta(seconds=40)
    alpaca.fake.fail("rate_limited")
    assert tick(alpaca).startswith("not accepted: Alpaca: POST /v2/orders")
    assert orders(alpaca) == [(1, "UNKNOWN")]
    assert [row["cause"] for row in alpaca.rows("SELECT cause FROM alerts")] == ["ORDER_UNKNOWN"]
    tick(alpaca)
    assert orders(alpaca) == [(1, "ABANDONED"), (2, "ACCEPTED")]


def test_an_order_that_is_there_after_all_is_taken_over_and_not_sent_again(
    alpaca: AlpacaDesk,
) -> None:
    alpaca.hold_at_vendor("one")
    alpaca.fake.limit_ends_in = timedelta(seconds=40)
    alpaca.fake.fail("rate_limited_after")
    tick(alpaca)
    tick(alpaca)
    assert orders(alpaca) == [(1, "ACCEPTED")]
    assert len(alpaca.fake.ledger.orders) == 1


def test_a_429_of_something_before_the_vendor_says_nothing_of_the_order(alpaca: AlpacaDesk) -> None:
    alpaca.hold_at_vendor("one")
    alpaca.fake.fail("rate_limited_by_another")
    tick(alpaca, until_next=1)
    assert orders(alpaca) == [(1, "UNKNOWN")]
    tick(alpaca)
    assert orders(alpaca) == [(1, "ACCEPTED")]
    assert len(alpaca.fake.ledger.orders) == 1


def test_what_our_own_budget_holds_back_at_alpaca_is_tried_again(
    alpaca: AlpacaDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the look-up after it was held back too, and the order stayed UNKNOWN for good."""

    def use_the_last(inner: Any, account: str) -> Any:
        alpaca.fake.requests_left = 0
        return inner.positions(account)

    alpaca.hold_at_vendor("one")
    connect = alpaca.connect
    monkeypatch.setattr(alpaca, "connect", lambda: Between(connect(), positions=use_the_last))
    assert tick(alpaca).startswith("refused: not sent: ")
    assert orders(alpaca) == [(1, "REJECTED")]
    alpaca.fake.requests_left = 199
    monkeypatch.undo()
    tick(alpaca)
    assert orders(alpaca) == [(1, "REJECTED"), (2, "ACCEPTED")]


def test_tradiers_429_is_tried_again_where_no_order_has_the_tag(tradier: TradierDesk) -> None:
    """Regression: the order stayed UNKNOWN for good, and its position was never sent again."""
    tradier.hold_at_vendor("one")
    tradier.fake.fail("POST", "/orders$", fakes.TOO_MANY)
    assert tick(tradier).startswith("refused: not sent: Tradier: POST")
    tick(tradier)
    assert orders(tradier) == [(1, "REJECTED"), (2, "ACCEPTED")]
    assert len(tradier.fake.ledger.orders) == 1


@pytest.mark.parametrize(
    ("is_placed", "ends"),
    [
        pytest.param(False, [(1, "ABANDONED"), (2, "ACCEPTED")], id="it is not there"),
        pytest.param(True, [(1, "ACCEPTED")], id="it is there after all"),
    ],
)
def test_tradiers_429_is_unknown_until_the_orders_can_be_listed(
    tradier: TradierDesk, is_placed: bool, ends: list[tuple[int, str]]
) -> None:
    tradier.hold_at_vendor("one")

    def stop_listing(request: fakes.Request) -> None:
        if request.method == "POST":
            tradier.fake.fail("GET", "/orders$", fakes.DOWN, times=4)

    tradier.fake.on_request = stop_listing
    tradier.fake.fail("POST", "/orders$", fakes.TOO_MANY, before=not is_placed)
    assert tick(tradier).startswith("not accepted: Tradier: POST")
    assert orders(tradier) == [(1, "UNKNOWN")]
    tradier.fake.on_request = lambda _request: None
    tick(tradier)
    assert orders(tradier) == ends
    assert len(tradier.fake.ledger.orders) == 1
