"""What of the books is looked at, and when the answer is that nothing is due."""

from datetime import date, datetime, timedelta

import pytest

from exit_pipeline.core.model.book_state import BookCheck, BookState, Fault
from exit_pipeline.services.check_book import check_book, scope_of
from exit_pipeline_tests.fakes import FakeCalendar, new_york

TUESDAY = date(2026, 3, 17)
SATURDAY = date(2026, 3, 21)
NOON = new_york(TUESDAY, 12)
FAULT = Fault(subject="em-1", at=NOON, what="it is in doubt")


@pytest.mark.parametrize(
    ("environment", "at", "opens_at"),
    [
        pytest.param("paper", NOON, new_york(TUESDAY, 9, 30), id="paper"),
        pytest.param("live", NOON, new_york(TUESDAY, 9, 30), id="live"),
        pytest.param("tape", NOON, None, id="a tape"),
        pytest.param("simulated", NOON, None, id="the sample"),
        pytest.param("paper", new_york(SATURDAY, 12), None, id="a Saturday"),
    ],
)
def test_ticks_are_due_where_they_are_of_now_and_the_exchange_is_open_that_day(
    environment: str, at: datetime, opens_at: datetime | None
) -> None:
    assert scope_of(environment, FakeCalendar(), at).opens_at == opens_at


@pytest.mark.parametrize(
    ("at", "until"),
    [
        pytest.param(NOON, NOON, id="within the session"),
        pytest.param(new_york(TUESDAY, 20), new_york(TUESDAY, 16), id="after the close"),
    ],
)
def test_ticks_are_due_until_now_and_never_beyond_the_close(at: datetime, until: datetime) -> None:
    assert scope_of("paper", FakeCalendar(), at).until == until


def test_limits_are_those_of_the_heartbeat_and_of_reconciling() -> None:
    scope = scope_of("paper", FakeCalendar(), NOON)
    assert scope.gap == timedelta(minutes=10)
    assert scope.unknown_before == NOON - timedelta(seconds=120)
    assert scope.since == NOON - timedelta(days=7)


def test_every_check_is_answered_and_says_what_was_looked_at() -> None:
    scope = scope_of("paper", FakeCalendar(), NOON)
    checked = check_book(BookState(realised_pnl=None), scope)
    assert [one.check for one in checked] == list(BookCheck)
    assert all(one.passed for one in checked)
    assert all("paper" in one.covers for one in checked)


def test_a_fault_fails_its_own_check_alone() -> None:
    check = BookCheck.NO_ORDER_UNKNOWN_FOR_LONG
    state = BookState(realised_pnl=None, faults={check: [FAULT]}, counts={check: 70})
    checked = check_book(state, scope_of("paper", FakeCalendar(), NOON))
    assert [one.check for one in checked if not one.passed] == [check]
    (failed,) = [one for one in checked if not one.passed]
    assert (failed.faults, failed.count) == ([FAULT], 70)


def test_where_no_tick_is_due_the_check_says_that_it_looked_at_none() -> None:
    checked = check_book(BookState(realised_pnl=None), scope_of("tape", FakeCalendar(), NOON))
    (gap,) = [one for one in checked if one.check is BookCheck.NO_TICK_GAP]
    assert gap.covers.startswith("no tick is due")
