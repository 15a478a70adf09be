"""Instants as microseconds since the epoch."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.instant import to_datetime, to_micros
from exit_pipeline.core.model.price import UNKNOWN


@pytest.mark.parametrize(
    ("moment", "micros"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1970, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), -1),
        (datetime(2015, 12, 24, 9, 30, tzinfo=ZoneInfo("America/New_York")), 1_450_967_400_000_000),
        (None, UNKNOWN),
    ],
)
def test_a_moment_becomes_microseconds(moment, micros):
    assert to_micros(moment) == micros


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="must carry a time zone"):
        to_micros(datetime(2015, 12, 24, 9, 30))  # noqa: DTZ001 that is what is refused


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_the_way_there_and_back(moment):
    assert to_datetime(to_micros(moment)) == moment


def test_what_is_not_known_is_none():
    assert to_datetime(UNKNOWN) is None
    assert to_datetime(0).tzinfo is UTC
