from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exit_pipeline.adapters.clocks.fixed import FixedClock
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.ports import Clock, Waiter

OPEN = datetime(2015, 12, 24, 14, 30, tzinfo=UTC)


def test_is_a_clock():
    assert isinstance(FixedClock(OPEN), Clock)


def test_stands_still():
    clock = FixedClock(OPEN)

    assert clock.now() == clock.now() == OPEN


@pytest.mark.parametrize("minute", [35, 25], ids=["forwards", "back"])
def test_is_moved(minute):
    clock = FixedClock(OPEN)
    clock.set(OPEN.replace(minute=minute))

    assert clock.now() == OPEN.replace(minute=minute)


def test_tells_utc_whatever_zone_it_was_set_in():
    clock = FixedClock(datetime(2015, 12, 24, 9, 30, tzinfo=ZoneInfo("America/New_York")))

    assert clock.now() == OPEN
    assert clock.now().tzinfo is UTC


def test_refuses_a_time_without_zone_and_stays_where_it_was():
    clock = FixedClock(OPEN)

    with pytest.raises(InputError, match=r"2015-12-24T09:30:00 must carry a time zone"):
        clock.set(OPEN.replace(hour=9, tzinfo=None))
    assert clock.now() == OPEN


def test_nobody_can_wait_by_a_clock_that_stands():
    assert not isinstance(FixedClock(OPEN), Waiter)
