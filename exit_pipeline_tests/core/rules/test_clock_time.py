"""CLOCK_TIME."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one


@pytest.mark.parametrize(
    ("policy", "minutes", "outcome"),
    [
        pytest.param("clock_time=on", 15 * 60 + 44, "HOLD", id="15:44"),
        pytest.param("clock_time=on", 15 * 60 + 45, "FULL", id="15:45"),
        pytest.param("clock_time.at=09:30", 9 * 60 + 29, "HOLD", id="09:29"),
        pytest.param("clock_time.at=09:30", 16 * 60, "FULL", id="long after"),
        pytest.param("clock_time.at=00:00", 0, "FULL", id="midnight"),
    ],
)
def test_a_position_leaves_at_a_time_of_day(policy, minutes, outcome):
    one = decide_one(policy, clock_minutes=minutes, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("CLOCK_TIME" if outcome == "FULL" else None)


@pytest.mark.parametrize("at", ["15:45", "00:00"])
def test_a_clock_that_is_not_known_is_not_judged(at):
    one = decide_one(f"clock_time.at={at}", clock_minutes=UNKNOWN)
    assert "CLOCK_TIME" not in one.evaluable | one.fired
    assert one.lines["CLOCK_TIME"].text == "the exchange's clock is not known"


@pytest.mark.parametrize("at", ["24:00", "9:30", "15:60", "1545", "15:45:00", "noon", "", "１5:45"])
def test_a_time_that_there_is_not_is_one_sentence(at):
    with pytest.raises(InputError) as caught:
        parse_policy(f"clock_time.at={at}")
    assert str(caught.value) == (
        f"policy threshold clock_time.at = {at!r} is not usable: expected a time of day as HH:MM, "
        "such as 15:45"
    )


@pytest.mark.parametrize(
    ("minutes", "observed", "text"),
    [
        pytest.param(15 * 60, 45, "the exit of 15:45 is due in 45 minutes", id="before"),
        pytest.param(15 * 60 + 50, 0, "it is 15:45 or later", id="after"),
    ],
)
def test_the_trace_counts_the_minutes(minutes, observed, text):
    line = decide_one("clock_time=on", clock_minutes=minutes).lines["CLOCK_TIME"]
    assert (line.observed, line.distance, line.text) == (observed, observed, text)
    assert line.progress == min(minutes / 945, 1)
