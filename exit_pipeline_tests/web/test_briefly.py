"""A value that is good for a moment."""

from datetime import datetime, timedelta

import pytest

from exit_pipeline.web.briefly import GOOD_FOR, Briefly
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import FixedClock


def test_it_is_made_once_a_second_however_many_ask() -> None:
    made = iter(range(10))
    kept: Briefly[int] = Briefly()
    moments = [0, 0, 999, 1_000, 1_500, 2_000, 0]
    found = [
        kept.get(lambda one=one: MORNING + timedelta(milliseconds=one), lambda: next(made))
        for one in moments
    ]
    assert found == [0, 0, 0, 1, 1, 2, 3]
    assert timedelta(seconds=1) == GOOD_FOR


def test_what_fails_is_not_kept() -> None:
    kept: Briefly[int] = Briefly()
    with pytest.raises(ZeroDivisionError):
        kept.get(lambda: MORNING, lambda: 1 // 0)
    assert kept.get(lambda: MORNING, lambda: 2) == 2


def test_those_who_came_while_it_was_made_share_it() -> None:
    """Regression: where the database hung for ten seconds, each of those who waited had it asked
    again, one after the other, since all of them had come more than a second after the first."""
    clock = FixedClock(MORNING)
    asked: list[datetime] = []
    kept: Briefly[int] = Briefly()

    def hangs() -> int:
        asked.append(clock.now())
        clock.advance(timedelta(seconds=10))
        return len(asked)

    assert [kept.get(clock.now, hangs) for _ in range(4)] == [1, 1, 1, 1]
