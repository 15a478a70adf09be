"""Trading sessions."""

from datetime import UTC, date, datetime, timedelta

import pytest

from exit_pipeline.core.model.session import Session

OPEN = datetime(2015, 12, 24, 14, 30, tzinfo=UTC)


def a_session(hours):
    closes_at = OPEN + timedelta(hours=hours)
    return Session(day=date(2015, 12, 24), opens_at=OPEN, closes_at=closes_at)


@pytest.mark.parametrize(
    ("hours", "ticks", "last"),
    [
        pytest.param(6.5, 78, "20:55", id="a full day"),
        pytest.param(3.5, 42, "17:55", id="a day that closes at 13:00"),
    ],
)
def test_a_session_has_a_tick_every_five_minutes_and_none_at_its_close(hours, ticks, last):
    session = a_session(hours)
    times = list(session.ticks())
    assert (len(times), times[0], f"{times[-1]:%H:%M}") == (ticks, OPEN, last)


def test_another_interval_has_other_ticks():
    assert len(list(a_session(6.5).ticks(timedelta(hours=1)))) == 7
