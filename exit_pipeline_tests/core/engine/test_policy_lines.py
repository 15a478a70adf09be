"""Policies as people read them."""

import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.policy_lines import policy_differences, policy_lines
from exit_pipeline.policies import parse_policy


def lines(text):
    return {line.key: line for line in policy_lines(parse_policy(text))}


def test_every_rule_is_told_to_be_on_or_off():
    found = lines("gex_flip=off")
    told = {rule: found[rule].value for rule in rule_classes()}
    assert told["gex_flip"] == "off"
    assert {told[rule] for rule in ("force_close", "stop_loss")} == {"on"}


def test_each_threshold_comes_with_its_value_its_origin_and_its_meaning():
    line = lines("long_premium, stop_loss.percent=25")["stop_loss.percent"]
    assert (line.value, line.origin, line.description) == ("25", "text", "Loss, % of entry price.")


def test_a_rule_that_is_off_has_no_thresholds():
    assert not any(key.startswith("gex_flip.") for key in lines("gex_flip=off"))


def test_limits_come_last_and_are_neither_on_nor_off():
    keys = [line.key for line in policy_lines(parse_policy())]
    assert "quotes" not in keys
    assert keys[-1] == "prices.guard_spread_percent"


def test_nothing_is_told_without_a_meaning():
    assert all(line.description for line in policy_lines(parse_policy()))


@pytest.mark.parametrize(
    ("first", "second", "differences"),
    [
        pytest.param("default", "stop_loss.percent=30.0", [], id="alike"),
        pytest.param("default", "stop_loss.percent=25", [("stop_loss.percent", "30", "25")],
                     id="a threshold"),
        pytest.param("prices.collar_ticks=4", "force_close=off",
                     [("force_close", "on", "off"), ("force_close.required_hits", "1", "-"),
                      ("prices.collar_ticks", "4", "2")], id="a rule, and the order of both"),
        pytest.param("force_close=off", "default",
                     [("force_close", "off", "on"), ("force_close.required_hits", "-", "1")],
                     id="thresholds next to their rule"),
    ],
)  # fmt: skip
def test_two_policies_are_compared_value_by_value(first, second, differences):
    found = policy_differences(parse_policy(first), parse_policy(second))
    assert [(one.key, one.first, one.second) for one in found] == differences
