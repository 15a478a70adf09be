from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.broker_time import RESOLUTION, say_skew, sure_skew

TEN = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def after(seconds: float) -> datetime:
    return TEN + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("told", "asked", "answered", "seconds"),
    [
        pytest.param(4, 0.2, 0.9, 3.1, id="ours is behind"),
        pytest.param(0, 0.2, 0.9, 0.0, id="the same second"),
        pytest.param(0, 4.2, 4.9, -3.2, id="ours is ahead"),
        pytest.param(0, 0.0, 9.5, 0.0, id="a slow answer"),
        pytest.param(60, 0.0, 0.0, 60.0, id="an answer at once"),
    ],
)
def test_the_skew_is_what_the_answer_proves_and_no_more(told, asked, answered, seconds):
    skew = sure_skew(after(told), after(asked), after(answered))
    assert skew == timedelta(seconds=seconds)


@given(
    true=st.timedeltas(min_value=-timedelta(hours=1), max_value=timedelta(hours=1)),
    asked=st.timedeltas(min_value=timedelta(0), max_value=SECOND),
    there=st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=10)),
    back=st.timedeltas(min_value=timedelta(0), max_value=timedelta(seconds=10)),
)
def test_a_skew_is_never_made_larger_and_missed_by_the_round_trip_at_most(true, asked, there, back):
    asked_at = TEN + asked
    told = (asked_at + there + true).replace(microsecond=0)
    sure = sure_skew(told, asked_at, asked_at + there + back)
    assert abs(sure) <= abs(true)
    assert sure == timedelta(0) or (sure > timedelta(0)) is (true > timedelta(0))
    assert abs(true) - abs(sure) <= there + back + RESOLUTION


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (75, "this machine's clock is 75.0 s behind the broker's"),
        (-3.14, "this machine's clock is 3.1 s ahead of the broker's"),
    ],
)
def test_a_skew_is_said_from_where_a_person_stands(seconds, words):
    assert say_skew(timedelta(seconds=seconds)) == words
