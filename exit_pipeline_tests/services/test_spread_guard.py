"""Wide spreads: a target waits, a stop is pressed, and a worthless long is flagged."""

from decimal import Decimal

import pytest

from exit_pipeline_tests.desk import CALL, Desk, alerts, orders

GUARD = "prices.guard_spread_percent=30"


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.stand_apart()
    return desk


def next_tick(desk: Desk, bid: str, ask: str) -> dict[str, str]:
    desk.later()
    desk.quote(CALL, bid, ask)
    return dict(desk.tick().executed.notes)


def test_a_target_waits_while_the_spread_is_wide_and_a_person_is_told_once_after_three_ticks(
    desk: Desk,
) -> None:
    desk.hold("a", quantity=2, entry="1.00", policy=GUARD)
    told = []
    for _ in range(4):
        notes = next_tick(desk, "2.00", "3.00")
        assert notes == {"a": "delayed: bid and ask are 40 % apart, more than 30"}
        told.append(len(desk.rows("SELECT 1 FROM alerts WHERE cause = 'EXIT_DELAYED'")))
    assert told == [0, 0, 1, 1]
    assert orders(desk, "id") == []


def test_it_is_sent_as_soon_as_the_spread_is_narrow_again(desk: Desk) -> None:
    desk.hold("a", quantity=2, entry="1.00", policy=GUARD)
    next_tick(desk, "2.00", "3.00")
    assert next_tick(desk, "2.40", "2.50") == {}
    assert orders(desk, "exit_reason", "limit_price") == [("PROFIT_TARGET", Decimal("2.40"))]
    assert alerts(desk) == set()


def test_an_order_at_work_rests_while_the_spread_is_wide(desk: Desk) -> None:
    desk.hold("a", quantity=2, entry="1.00", policy=GUARD)
    next_tick(desk, "2.40", "2.50")
    next_tick(desk, "1.80", "2.80")
    assert orders(desk, "status", "limit_price") == [("ACCEPTED", Decimal("2.40"))]


@pytest.mark.parametrize(
    ("policy", "limit"),
    [
        pytest.param("default", "0.90", id="as a stop is priced"),
        pytest.param(GUARD, "0.85", id="as an emergency is"),
        pytest.param(
            f"{GUARD}, stop_loss.urgency=EMERGENCY", "0.85", id="and no further than that"
        ),
    ],
)
def test_a_stop_is_priced_one_urgency_further_while_the_spread_is_wide(
    desk: Desk, policy: str, limit: str
) -> None:
    """1.00 bid, 1.50 asked: the collar is 0.125 wide, and a second tick confirms the stop."""
    desk.hold("a", entry="4.00", policy=policy)
    for _ in range(2):
        next_tick(desk, "1.00", "1.50")
    assert orders(desk, "urgency", "limit_price")[0][1] == Decimal(limit)


def test_a_rule_that_its_policy_calls_fast_does_not_wait(desk: Desk) -> None:
    policy = f"{GUARD}, profit_target.urgency=FAST"
    desk.hold("a", quantity=2, entry="1.00", policy=policy)
    next_tick(desk, "2.00", "3.00")
    assert orders(desk, "exit_reason", "urgency") == [("PROFIT_TARGET", "FAST")]


def test_a_worthless_long_is_flagged_once_and_not_sold(desk: Desk) -> None:
    desk.hold("a", policy=f"{GUARD}, time_exit.applies_to=all, time_exit.minutes_before_close=380")
    for _ in range(3):
        notes = next_tick(desk, "0", "0.05")
        assert notes == {"a": "deferred: TIME_EXIT is due and the quote gives no price to close at"}
    assert orders(desk, "id") == []
    assert len(desk.rows("SELECT 1 FROM alerts WHERE cause = 'ORDER_NOT_PRICED'")) == 1


def test_a_short_of_what_is_worthless_is_bought_back_at_the_ask(desk: Desk) -> None:
    desk.hold("a", side="SHORT", policy=GUARD)
    next_tick(desk, "0", "0.05")
    assert orders(desk, "side", "limit_price") == [("BUY_TO_CLOSE", Decimal("0.05"))]
