"""The day's P&L of an account and its drawdown, from tick to tick and session to session."""

from datetime import date
from typing import Any

import pytest

from exit_pipeline_tests.desk import CALL, MORNING, TUESDAY, Desk
from exit_pipeline_tests.fakes import new_york

MONDAY = date(2026, 3, 16)
FRIDAY = date(2026, 3, 13)
RUNS = (
    "SELECT open_pnl, realised_pnl, peak_pnl, day_pnl, drawdown FROM decision_runs ORDER BY tick_at"
)


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def tick(desk: Desk, day: date, hour: int, mid: str, config: dict[str, Any] | None = None) -> Any:
    """A tick at which the contract is worth its mid; both sides are a cent away."""
    desk.at(new_york(day, hour))
    bid, ask = (f"{float(mid) + side:.2f}" for side in (-0.01, 0.01))
    desk.quote(CALL, bid, ask)
    return desk.tick(config)


def inputs(desk: Desk) -> list[tuple[float | None, float | None]]:
    """Day P&L and drawdown of each decision, in the order of ticks."""
    rows = desk.rows("SELECT day_pnl, drawdown FROM refactored_decisions ORDER BY decided_at")
    return [(row["day_pnl"], row["drawdown"]) for row in rows]


def test_the_day_is_the_change_since_the_last_tick_of_the_session_before(desk: Desk) -> None:
    """Entered at 2.00 on Monday: +20 and +30 there, then +10 and +40 on Tuesday."""
    desk.hold("a", entry="2.00", quantity=1, entry_time=new_york(MONDAY, 9, 45))
    for hour, mid in ((10, "2.20"), (15, "2.30")):
        tick(desk, MONDAY, hour, mid)
    for hour, mid in ((10, "2.10"), (11, "2.40")):
        tick(desk, TUESDAY, hour, mid)
    assert inputs(desk) == [
        (None, None),
        (pytest.approx(10), 0),
        (pytest.approx(-20), pytest.approx(20)),
        (pytest.approx(10), pytest.approx(0)),
    ]
    first, *_, last = desk.rows(RUNS)
    assert [one and float(one) for one in first.values()] == [20, 0, 20, None, None]
    assert [float(one) for one in last.values()] == [40, 0, 40, 10, 0]


def test_what_is_realised_in_the_day_counts_net_of_costs(desk: Desk) -> None:
    """Ten lots at +55 %: five are sold at 3.09, and the other five stand at the mid of 3.10."""
    desk.hold("a", entry="2.00", quantity=10, entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 10, "2.00")
    tick(desk, TUESDAY, 10, "3.10")
    tick(desk, TUESDAY, 11, "3.10")
    position = desk.position("a")
    assert position.realized_pnl_net is not None
    (_, _), (day, _), (later, _) = inputs(desk)
    assert day == pytest.approx(10 * 110)
    assert later == pytest.approx(5 * 110 + float(position.realized_pnl_net))
    assert float(position.realized_pnl_net) < 5 * 110


def test_a_loss_from_before_the_position_was_first_seen_is_not_the_days(desk: Desk) -> None:
    """A position that was brought in at -60 % would otherwise end the day of its account."""
    tick_of_old = {"entry": "5.00", "quantity": 1, "entry_time": new_york(FRIDAY, 11)}
    desk.hold("old", "ACME260417C00100000", policy="stop_loss.percent=90", **tick_of_old)
    tick(desk, TUESDAY, 10, "2.00")
    tick(desk, TUESDAY, 11, "1.80")
    assert inputs(desk) == [(None, None), (pytest.approx(-20), pytest.approx(20))]
    assert desk.rows("SELECT carried_pnl FROM refactored_positions") == [
        {"carried_pnl": pytest.approx(-300)}
    ]


def test_a_position_that_is_entered_in_the_day_counts_from_its_entry(desk: Desk) -> None:
    desk.hold("a", entry="2.00", entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 15, "2.00")
    desk.hold("b", entry="2.50", entry_time=new_york(TUESDAY, 9, 50))
    tick(desk, TUESDAY, 10, "2.10")
    assert inputs(desk)[-1][0] == pytest.approx(10 - 40)


def test_a_quote_that_is_no_market_leaves_the_last_mark(desk: Desk) -> None:
    desk.hold("a", entry="2.00", entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 15, "2.20")
    desk.at(MORNING)
    desk.quote(CALL, "0.00", "9.00")
    desk.tick()
    assert inputs(desk)[-1] == (pytest.approx(0), pytest.approx(0))


def test_accounts_are_judged_apart(desk: Desk) -> None:
    desk.hold("a", entry="2.00", entry_time=new_york(MONDAY, 9, 45))
    desk.hold("b", entry="2.00", side="SHORT", account="other", entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 15, "2.00")
    tick(desk, TUESDAY, 10, "2.10")
    rows = desk.rows("SELECT position_id, day_pnl FROM refactored_decisions ORDER BY decided_at, 1")
    assert [row["day_pnl"] for row in rows[2:]] == [pytest.approx(10), pytest.approx(-10)]


def test_a_launch_for_one_position_knows_nothing_of_the_account(desk: Desk) -> None:
    desk.hold("a", entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 15, "2.00")
    tick(desk, TUESDAY, 10, "2.10", {"position_ids": ["a"]})
    assert inputs(desk)[-1] == (None, None)
    assert desk.rows(RUNS)[-1]["open_pnl"] is None


def test_a_tick_that_is_begun_anew_does_not_compare_with_itself(desk: Desk) -> None:
    desk.hold("a", entry="2.00", entry_time=new_york(MONDAY, 9, 45))
    tick(desk, MONDAY, 15, "2.00")
    tick(desk, TUESDAY, 10, "2.10")
    desk.rows_changed("UPDATE decision_runs SET status = 'STARTED' WHERE tick_at > '2026-03-17'")
    tick(desk, TUESDAY, 10, "2.10")
    assert float(desk.rows(RUNS)[-1]["day_pnl"]) == pytest.approx(10)
