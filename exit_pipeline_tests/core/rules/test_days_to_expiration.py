"""DAYS_TO_EXPIRATION."""

import pytest

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.builders import decide_one

ON = "days_to_expiration=on"


@pytest.mark.parametrize(
    ("policy", "days", "outcome"),
    [
        pytest.param(ON, 22, "HOLD", id="a day before"),
        pytest.param(ON, 21, "FULL", id="exactly 21"),
        pytest.param(ON, 0, "FULL", id="the last day"),
        pytest.param("days_to_expiration.days=0", 1, "HOLD", id="only the last day"),
        pytest.param("days_to_expiration.days=0", 0, "FULL", id="the last day alone"),
    ],
)
def test_a_contract_is_left_some_days_before_it_ends(policy, days, outcome):
    one = decide_one(policy, days_to_expiration=days, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("DAYS_TO_EXPIRATION" if outcome == "FULL" else None)


def test_a_contract_that_is_not_known_is_not_judged():
    one = decide_one(ON, days_to_expiration=UNKNOWN)
    assert "DAYS_TO_EXPIRATION" not in one.evaluable | one.fired
    assert one.lines["DAYS_TO_EXPIRATION"].text == "the contract is not known"


def test_the_trace_counts_the_days():
    line = decide_one(ON, days_to_expiration=42).lines["DAYS_TO_EXPIRATION"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (42, 21, 21, 0.5)
    assert line.text == "42 days are left until the expiration, the exit is due at 21 days"
