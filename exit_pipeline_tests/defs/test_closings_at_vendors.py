"""Contracts that leave without an order of ours at Alpaca and Tradier: what the vendor tells."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from exit_pipeline_tests.defs.test_import_at_vendors import CALL, RIGS, VendorDesk
from exit_pipeline_tests.desk import alerts

ACTIVITIES = "/v2/account/activities"


def open_desk(vendor: str, database_url: str) -> Iterator[VendorDesk]:
    with RIGS[vendor](database_url) as rig:
        made = VendorDesk(database_url, vendor, rig)
        yield made
        made.close()


@pytest.fixture(params=sorted(RIGS))
def desk(request: pytest.FixtureRequest, database_url: str) -> Iterator[VendorDesk]:
    yield from open_desk(request.param, database_url)


@pytest.fixture
def alpaca(database_url: str) -> Iterator[VendorDesk]:
    yield from open_desk("alpaca", database_url)


@pytest.fixture
def tradier(database_url: str) -> Iterator[VendorDesk]:
    yield from open_desk("tradier", database_url)


def hold(desk: VendorDesk, quantity: int, name: str = "p") -> None:
    """Have a position, long or short, and the account hold as much."""
    side = "LONG" if quantity > 0 else "SHORT"
    entered = desk.clock.now() - timedelta(days=1)
    details = {"side": side, "account": desk.account, "entry_time": entered}
    desk.hold(name, CALL, quantity=abs(quantity), **details)
    desk.ledger.hold(CALL, quantity)


def close_by_hand(desk: VendorDesk, quantity: int, price: str) -> None:
    """Have a person sell contracts, or buy them back where negative."""
    desk.ledger.trade(CALL, -quantity if desk.vendor == "alpaca" else quantity, price)


def vanish(desk: VendorDesk) -> None:
    """Let all that is held leave without a trade that anybody tells of."""
    if desk.vendor == "alpaca":
        desk.ledger.vanish(CALL)
    else:
        del desk.ledger.positions[CALL]


def believe(desk: VendorDesk) -> None:
    """Tick until what is gone has been looked at more than once."""
    for _ in range(4):
        desk.next_tick()


def outlast(desk: VendorDesk) -> None:
    """Tick into the next session, for what is gone and of which nothing is told."""
    believe(desk)
    assert desk.rows("SELECT 1 FROM refactored_positions WHERE close_kind = 'EXTERNAL'") == []
    desk.clock.advance(timedelta(days=1))
    while desk.calendar.session(desk.clock.now().date()) is None:
        desk.clock.advance(timedelta(days=1))
    believe(desk)


def ended(desk: VendorDesk, name: str = "p") -> tuple[Any, ...]:
    """How a position stands: kind, gross and net gain, exit price."""
    (row,) = desk.rows(f"SELECT * FROM refactored_positions WHERE id = '{name}'")
    gains = row["realized_pnl"], row["realized_pnl_net"]
    return row["close_kind"], *gains, row["exit_price"]


def test_a_vendor_that_shows_nothing_for_an_hour_is_not_believed_without_evidence(
    desk: VendorDesk,
) -> None:
    """Seeds 19, 30, 43 and 18 more: its rows were closed after a quarter of an hour, and when the
    vendor showed them again nobody watched them."""
    hold(desk, 2)
    desk.next_tick()
    vanish(desk)
    for _ in range(12):
        desk.next_tick("1.00", "1.05")
    assert (desk.position("p").status, desk.rows("SELECT 1 FROM orders")) == ("OPEN", [])
    assert {("HELD_DIFFERS", f"{desk.account} {CALL}"), ("EXIT_BLOCKED", "p")} <= alerts(desk)
    desk.ledger.hold(CALL, 2)
    desk.next_tick("1.00", "1.05")
    assert desk.position("p").close_kind == "EXIT"


@pytest.mark.parametrize(
    ("held", "gain"), [pytest.param(2, -100, id="long"), pytest.param(-2, 100, id="short")]
)
def test_a_close_by_hand_ends_as_external_at_its_price(
    desk: VendorDesk, held: int, gain: int
) -> None:
    hold(desk, held)
    desk.next_tick()
    close_by_hand(desk, held, "1.50")
    sold_at = desk.clock.now()
    believe(desk)
    assert ended(desk) == ("EXTERNAL", gain, gain, Decimal("1.50"))
    assert desk.position("p").exit_time == sold_at
    assert {("HELD_DIFFERS", f"{desk.account} {CALL}"), ("CLOSED_ELSEWHERE", "p")} <= alerts(desk)
    assert desk.rows("SELECT 1 FROM orders") == []


def test_the_vendor_is_asked_once_a_gap_was_seen_twice(desk: VendorDesk) -> None:
    hold(desk, 2)
    desk.next_tick()
    usual = len(desk.requests)
    close_by_hand(desk, 2, "1.50")
    asked = []
    for _ in range(4):
        desk.next_tick()
        asked.append(len(desk.requests) - usual)
    # Tradier's listing of orders was read a moment ago, and is that of the executions too.
    assert asked[:2] == ([0, 2] if desk.vendor == "alpaca" else [0, 0])
    desk.next_tick()
    assert desk.asked() == []
    made = [row["broker_call"] for row in desk.rows("SELECT broker_call FROM adapter_logs")]
    assert (made.count("closings"), made.count("settlements")) == (2, 0)


def test_closes_by_hand_of_a_part_are_counted_newest_first_over_positions_of_a_contract(
    desk: VendorDesk,
) -> None:
    hold(desk, 2, "a")
    hold(desk, 3, "b")
    desk.ledger.hold(CALL, 5)
    desk.next_tick()
    close_by_hand(desk, 1, "1.00")
    desk.clock.advance(timedelta(seconds=1))
    close_by_hand(desk, 2, "1.50")
    believe(desk)
    assert ended(desk, "a") == ("EXTERNAL", -100, -100, Decimal("1.50"))
    assert ended(desk, "b") == (None, -100, -100, Decimal("1.00"))
    assert desk.position("b").open_quantity == 2


def test_what_the_same_execution_closed_later_counts_when_it_is_missing(desk: VendorDesk) -> None:
    """The vendor's positions lag: of two that were sold at once, one seems to be held for long."""
    hold(desk, 2)
    desk.next_tick()
    close_by_hand(desk, 2, "1.50")
    desk.ledger.hold(CALL, 1)
    believe(desk)
    assert desk.position("p").open_quantity == 1
    vanish(desk)
    believe(desk)
    assert ended(desk) == ("EXTERNAL", -100, -100, Decimal("1.50"))


def test_what_was_closed_after_it_was_missing_tells_nothing_of_it(desk: VendorDesk) -> None:
    hold(desk, 2)
    desk.next_tick()
    vanish(desk)
    outlast(desk)
    assert ended(desk) == ("EXTERNAL", None, None, None)
    desk.ledger.hold(CALL, 2)
    desk.clock.advance(timedelta(seconds=1))
    close_by_hand(desk, 2, "9.00")
    desk.next_tick()
    assert ended(desk) == ("EXTERNAL", None, None, None)


def test_what_was_closed_before_the_position_was_entered_tells_nothing_of_it(
    desk: VendorDesk,
) -> None:
    desk.ledger.hold(CALL, 2)
    close_by_hand(desk, 2, "9.00")
    desk.clock.advance(timedelta(days=2))
    hold(desk, 2)
    desk.next_tick()
    vanish(desk)
    outlast(desk)
    assert ended(desk) == ("EXTERNAL", None, None, None)


def test_a_close_by_hand_is_of_a_position_that_was_entered_before_it(desk: VendorDesk) -> None:
    hold(desk, 2, "b")
    desk.next_tick()
    close_by_hand(desk, 2, "1.50")
    desk.clock.advance(timedelta(minutes=1))
    desk.hold("a", CALL, quantity=2, account=desk.account, entry_time=desk.clock.now())
    believe(desk)
    assert ended(desk, "a") == ("EXTERNAL", None, None, None)
    assert ended(desk, "b") == ("EXTERNAL", -100, -100, Decimal("1.50"))


def test_a_vendor_that_does_not_answer_is_asked_again_by_the_next_tick(alpaca: VendorDesk) -> None:
    hold(alpaca, 2)
    alpaca.next_tick()
    close_by_hand(alpaca, 2, "1.50")
    alpaca.rig.fake.fail("html", method="GET", path=ACTIVITIES, times=9)
    believe(alpaca)
    assert ended(alpaca) == (None, None, None, None)
    assert ("NOT_RECONCILED", alpaca.account) in alerts(alpaca)
    alpaca.rig.fake.recover()
    alpaca.next_tick()
    assert ended(alpaca) == ("EXTERNAL", -100, -100, Decimal("1.50"))


def test_what_tradier_lists_no_more_stays_without_a_price(tradier: VendorDesk) -> None:
    hold(tradier, 2)
    tradier.next_tick()
    close_by_hand(tradier, 2, "1.50")
    tradier.ledger.end_day()
    tradier.clock.advance(timedelta(days=1))
    outlast(tradier)
    assert ended(tradier) == ("EXTERNAL", None, None, None)


def test_a_fill_of_ours_tells_nothing_of_what_is_gone(desk: VendorDesk) -> None:
    hold(desk, 2)
    desk.next_tick("1.00", "1.05")
    assert ended(desk)[0] == "EXIT"
    hold(desk, 2, "q")
    desk.next_tick()
    vanish(desk)
    outlast(desk)
    assert ended(desk, "q") == ("EXTERNAL", None, None, None)


def test_what_a_lost_order_of_ours_may_have_sold_tells_nothing_of_what_is_gone(
    alpaca: VendorDesk,
) -> None:
    """Alpaca names its own key with an execution, and that of the lost order was never learned."""
    hold(alpaca, 2)
    alpaca.rig.fake.hides_new_orders = 999
    alpaca.rig.fake.fail("lost_response", "POST", "/v2/orders")
    alpaca.next_tick("1.00", "1.05")
    assert alpaca.ledger.holdings == {}
    alpaca.clock.advance(timedelta(hours=7))
    alpaca.next_tick()
    assert alpaca.rows("SELECT status, broker_order_id FROM orders") == [
        {"status": "EXPIRED", "broker_order_id": None}
    ]
    alpaca.clock.advance(timedelta(hours=17))
    believe(alpaca)
    assert ended(alpaca) == ("EXTERNAL", None, None, None)


def assign(desk: VendorDesk, contracts: int) -> int:
    """Let contracts of a short be assigned in the night, of which nothing is told yet."""
    gone: int = desk.ledger.vanish(CALL, contracts)
    return gone


def test_an_early_assignment_ends_a_short_once_it_is_told(alpaca: VendorDesk) -> None:
    hold(alpaca, -2)
    alpaca.next_tick()
    gone = assign(alpaca, 2)
    believe(alpaca)
    assert ended(alpaca) == (None, None, None, None), "nothing tells yet why it is gone"
    alpaca.clock.advance(timedelta(days=1) - timedelta(minutes=5))
    alpaca.ledger.tell_settlement(CALL, "OPASN", gone, "1100.00")
    alpaca.next_tick()
    assert ended(alpaca) == ("ASSIGNED", -700, -700, Decimal("5.50"))
    assert ("ENDED_EARLY", "p") in alerts(alpaca)
    alpaca.next_tick()
    assert alpaca.asked() == [], "nothing is owed any more"


def test_a_partial_assignment_closes_only_that_many_and_the_rest_at_the_expiry(
    alpaca: VendorDesk,
) -> None:
    hold(alpaca, -5)
    alpaca.next_tick()
    alpaca.ledger.tell_settlement(CALL, "OPASN", assign(alpaca, 2), "1100.00")
    believe(alpaca)
    line = alpaca.position("p")
    assert (line.status, line.open_quantity, line.realized_pnl) == ("OPEN", 3, -700)
    alpaca.clock.at = alpaca.clock.at.replace(year=2016, month=1, day=15)
    alpaca.next_tick()
    assert alpaca.position("p").status == "OPEN", "the assignment of before is used up"
    alpaca.ledger.settle(CALL, "OPEXP")
    alpaca.clock.advance(timedelta(hours=6))
    alpaca.ledger.activities[-1]["created_at"] = f"{alpaca.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    alpaca.next_tick()
    assert ended(alpaca) == ("EXPIRED", -700 + 600, -700 + 600, Decimal("2.20"))


def test_what_the_settlement_at_the_expiry_leaves_was_closed_by_hand(alpaca: VendorDesk) -> None:
    """A contract that is sold in the last minutes never shows as missing while it trades."""
    hold(alpaca, 3)
    alpaca.next_tick()
    alpaca.clock.at = alpaca.clock.at.replace(year=2016, month=1, day=15, hour=20, minute=58)
    close_by_hand(alpaca, 1, "1.50")
    alpaca.clock.advance(timedelta(hours=2))
    alpaca.ledger.settle(CALL, "OPEXP")
    alpaca.next_tick()
    line = alpaca.position("p")
    assert (line.status, line.realized_pnl) == ("CLOSED", -400 - 50)
    assert alpaca.rows("SELECT kind, quantity FROM closings ORDER BY quantity") == [
        {"kind": "EXTERNAL", "quantity": 1},
        {"kind": "EXPIRED", "quantity": 2},
    ]
