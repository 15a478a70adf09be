"""Rungs that raise the stop of what is left."""

import pytest

from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one

LADDER = "profit_target.stop_percent=0, profit_target.further_rungs=100:25:50|150:25"


@pytest.mark.parametrize(
    ("exited", "mark", "reason"),
    [
        pytest.param(0, "2.00", None, id="before the first rung there is no such stop"),
        pytest.param(5, "2.01", None, id="after it, above the entry"),
        pytest.param(5, "2.00", "BREAK_EVEN_STOP", id="after it, at the entry"),
        pytest.param(7, "3.01", None, id="after the second, above its stop"),
        pytest.param(7, "3.00", "BREAK_EVEN_STOP", id="after the second, at half of the way"),
    ],
)
def test_what_is_left_after_a_rung_has_the_rungs_stop(exited, mark, reason):
    one = decide_one(LADDER, quantity=10, profit_exited=exited, mark=mark)
    assert one.reason == reason
    assert one.quantity == (10 - exited if reason else 0)


def test_the_stop_that_a_rung_switches_on_is_armed_by_the_rung_alone():
    assert decide_one(LADDER, high_water="3.90", mark="2.00", quantity=10).outcome == "HOLD"
    both = f"{LADDER}, break_even_stop=on"
    assert decide_one(both, high_water="3.90", mark="2.00", quantity=10).outcome == "FULL"


@pytest.mark.parametrize("text", [LADDER, f"{LADDER}, break_even_stop=on"])
def test_the_name_of_such_a_policy_reads_as_the_same_policy(text):
    policy = parse_policy(text)
    assert parse_policy(policy.name) == policy
    assert parse_policy(policy.name).hash == policy.hash


def test_without_the_target_its_rungs_raise_no_stop():
    assert "BREAK_EVEN_STOP" not in parse_policy(f"{LADDER}, profit_target=off").reasons
