"""What a launch asks for, and how its instants are read."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.tick import TickRequest, parse_instant

HALF_PAST_FOUR = datetime(2015, 12, 24, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2015-12-24T11:30:00-05:00", id="an offset"),
        pytest.param("2015-12-24T16:30:00Z", id="Z"),
        pytest.param("2015-12-24 16:30+00:00", id="a blank instead of T, no seconds"),
        pytest.param("20151224T163000Z", id="the basic form"),
        pytest.param("  2015-12-24T16:30:00Z\n", id="blanks around it"),
        pytest.param("2015-12-24T16:30:00.000000+00:00", id="microseconds"),
        pytest.param("2015-12-25T02:00:00+09:30", id="another day there"),
    ],
)
def test_an_instant_is_read_as_utc(text: str) -> None:
    at = parse_instant("as_of", text)
    assert at == HALF_PAST_FOUR
    assert at.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "as_of is ''; expected", id="empty"),
        pytest.param("yesterday", "as_of is 'yesterday'; expected", id="a word"),
        pytest.param("11:30", "as_of is '11:30'; expected", id="a time without a date"),
        pytest.param("2015-02-30T11:30:00Z", "expected", id="a day that doesn't exist"),
        pytest.param("24.12.2015 11:30", "expected", id="another notation"),
        pytest.param("1450974600", "expected", id="seconds since the epoch"),
        pytest.param("0001-01-01T00:00:00+05:00", "expected", id="before the first year"),
        pytest.param("9999-12-31T23:59:59-05:00", "expected", id="after the last year"),
        pytest.param("2015-12-24T11:30:00", "which has no time zone; expected", id="no zone"),
        pytest.param("2015-12-24", "which has no time zone; expected", id="a date only"),
    ],
)
def test_what_is_no_instant_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_instant("as_of", text)
    sentence = str(caught.value)
    assert sentence.startswith(f"as_of is {text!r}")
    assert said in sentence
    assert sentence.endswith("such as 2015-12-24T11:30:00-05:00")
    assert "\n" not in sentence


@given(
    st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_an_instant_means_the_same_in_every_time_zone(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(minutes=minutes)))
    assert parse_instant("as_of", there.isoformat()) == at


@pytest.mark.parametrize(
    ("asked", "special"),
    [
        pytest.param({}, False, id="a scheduled tick"),
        pytest.param({"as_of": HALF_PAST_FOUR}, False, id="another moment"),
        pytest.param({"accounts": []}, False, id="an empty filter"),
        pytest.param({"dry_run": True}, True, id="a dry run"),
        pytest.param({"force_close": True}, True, id="forced"),
        pytest.param({"accounts": ["desk"]}, True, id="one account"),
        pytest.param({"underlyings": ["SPY"]}, True, id="one underlying"),
        pytest.param({"position_ids": ["a"]}, True, id="one position"),
        pytest.param({"policy": "gex_flip=off"}, True, id="another policy"),
    ],
)
def test_only_a_plain_launch_takes_a_scheduled_ticks_place(
    asked: dict[str, Any], special: bool
) -> None:
    assert TickRequest(run_key="run", **asked).is_special is special
