"""When the accounts count as no longer looked at."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from exit_pipeline.core.model.lines import AccountOverview
from exit_pipeline.services.heartbeat import overdue
from exit_pipeline_tests.fakes import FakeCalendar, new_york

TUESDAY = date(2026, 3, 17)
MONDAY = TUESDAY - timedelta(days=1)
CALENDAR = FakeCalendar()


def at(hour: int, minute: int = 0, day: date = TUESDAY) -> datetime:
    return new_york(day, hour, minute)


def account(**details: Any) -> AccountOverview:
    """An account whose last good tick was at 10:00."""
    values: dict[str, Any] = {
        "environment": "paper",
        "account": "desk",
        "open_positions": 2,
        "live_orders": 0,
        "last_tick_at": at(10),
        "alerts": 0,
        "open_since": at(12, day=MONDAY),
    }
    return AccountOverview(**values | details)


def waited(now: datetime, *accounts: AccountOverview, calendar: FakeCalendar = CALENDAR) -> Any:
    """Minutes that each account that is overdue has waited."""
    late = overdue(accounts, calendar=calendar, at=now)
    return [one.waited / timedelta(minutes=1) for one in late]


@pytest.mark.parametrize(
    ("now", "one", "minutes"),
    [
        pytest.param(at(10, 10), account(), [], id="two slots exactly"),
        pytest.param(at(10, 11), account(), [11], id="a minute more"),
        pytest.param(at(10, 11), account(environment="live"), [11], id="live"),
        pytest.param(at(10, 11), account(environment="tape"), [], id="a replay"),
        pytest.param(at(10, 11), account(environment="simulated"), [], id="the sample"),
        pytest.param(at(10, 11), account(open_positions=0), [], id="nothing is open"),
        pytest.param(
            at(9, 40), account(last_tick_at=at(15, 55, MONDAY)), [], id="yesterday, just opened"
        ),
        pytest.param(
            at(9, 41), account(last_tick_at=at(15, 55, MONDAY)), [11], id="none since the opening"
        ),
        pytest.param(at(9, 41), account(last_tick_at=None), [11], id="never a tick"),
        pytest.param(
            at(12, 5),
            account(last_tick_at=None, open_since=at(12)),
            [],
            id="never a tick, taken in just now",
        ),
        pytest.param(
            at(12, 11), account(last_tick_at=None, open_since=at(12)), [11], id="taken in before"
        ),
        pytest.param(at(9, 29), account(last_tick_at=at(15, 55, MONDAY)), [], id="before the open"),
        pytest.param(at(15, 59), account(), [359], id="the last minute"),
        pytest.param(at(16), account(), [], id="the close"),
        pytest.param(at(12, day=date(2026, 3, 21)), account(), [], id="a Saturday"),
    ],
)
def test_an_account_is_overdue_only_in_the_session_and_after_two_slots(
    now: datetime, one: AccountOverview, minutes: list[float]
) -> None:
    assert waited(now, one) == minutes


def test_a_holiday_and_an_early_close_are_no_session() -> None:
    calendar = FakeCalendar({TUESDAY: "a feast"}, {MONDAY: time(13)})
    assert waited(at(12), account(), calendar=calendar) == []
    assert waited(at(13, day=MONDAY), account(last_tick_at=None), calendar=calendar) == []
    assert len(waited(at(12, 59, MONDAY), account(last_tick_at=None, open_since=None),
                      calendar=calendar)) == 1  # fmt: skip


def test_rows_that_no_broker_has_are_looked_at_by_whichever_environment_is_worked() -> None:
    """They are counted in paper, also where the ticks are live ones."""
    counted = account(account="unassigned", last_tick_at=None)
    worked = account(account="unassigned", environment="live", open_positions=0)
    assert waited(at(10, 5), counted, worked) == []
    assert waited(at(10, 20), counted, worked) == [20]


def test_the_sentence_names_the_account_and_by_how_much_it_is_late() -> None:
    (late,) = overdue([account()], calendar=CALENDAR, at=at(10, 25))
    assert late.sentence == (
        "paper/desk has 2 open positions and no good tick for 25 minutes, 15 more than it may "
        "(the last one: 2026-03-17 14:00 UTC)"
    )
