"""Readings: a value, its time, and whether it may still be used."""

from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.reading import Reading

AT = datetime(2026, 3, 18, 13, 30, tzinfo=UTC)


def a_reading(**given_):
    fields = {"value": 18.5, "at": AT, "source": "Cboe", "age_limit": timedelta(minutes=30)}
    return Reading(**(fields | given_))


@pytest.mark.parametrize(
    ("fields", "seconds_later", "state", "trouble"),
    [
        pytest.param({}, 0, "FRESH", "", id="new"),
        pytest.param({}, 1800, "FRESH", "", id="exactly as old as allowed"),
        pytest.param({}, 1801, "STALE",
                     "VIX of Cboe is 30.02 minutes old, above the limit of 30 minutes.",
                     id="a second older"),
        pytest.param({}, -5, "FRESH", "", id="five seconds ahead"),
        pytest.param({}, -6, "MISSING", "VIX of Cboe is stamped later than the moment that asks.",
                     id="six seconds ahead"),
        pytest.param({"value": None}, 0, "MISSING", "VIX is missing: Cboe gave no number.",
                     id="no value"),
        pytest.param({"value": nan}, 0, "MISSING", "VIX is missing: Cboe gave no number.",
                     id="not a number"),
        pytest.param({"value": inf}, 0, "MISSING", "VIX is missing: Cboe gave no number.",
                     id="infinite"),
        pytest.param({"value": None, "at": None}, 0, "MISSING",
                     "VIX is missing: Cboe gave no number.", id="nothing at all"),
        pytest.param({"at": None}, 0, "STALE", "VIX of Cboe has no time.", id="no time"),
        pytest.param({"value": 0.0}, 0, "FRESH", "", id="zero is a value"),
    ],
)  # fmt: skip
def test_the_state_depends_on_the_moment_that_asks(fields, seconds_later, state, trouble):
    reading, moment = a_reading(**fields), AT + timedelta(seconds=seconds_later)
    assert reading.state(moment) == state
    assert reading.say_trouble("VIX", moment) == trouble
    assert reading.fresh(moment) == (reading.value if state == "FRESH" else None)


def test_the_age_limit_belongs_to_the_source():
    live = a_reading(age_limit=timedelta(minutes=1))
    moment = AT + timedelta(minutes=15)
    assert (live.state(moment), a_reading().state(moment)) == ("STALE", "FRESH")


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_reading_that_is_stale_never_becomes_fresh_again(first, later):
    states = [a_reading().state(AT + timedelta(seconds=s)) for s in sorted((first, later))]
    assert states != ["STALE", "FRESH"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        pytest.param({"at": datetime(2026, 3, 18)},  # noqa: DTZ001 what is refused
                     "time 2026-03-18T00:00:00 of Cboe must carry a time zone", id="no zone"),
        pytest.param({"age_limit": timedelta(0)}, "age limit 0:00:00 of Cboe must be above zero",
                     id="no age allowed"),
    ],
)  # fmt: skip
def test_a_senseless_reading_is_refused(fields, text):
    with pytest.raises(InputError) as error:
        a_reading(**fields)
    assert str(error.value) == text
