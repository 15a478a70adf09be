"""A whole policy as a layer, and what is laid over it."""

import pytest

from exit_pipeline.core.engine.layer_of_policy import RECORDED, changed_policy, layer_of_policy
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.policy_text import read_layer
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.policies import parse_policy, shipped_policies

LIBRARY = shipped_policies()
EVERY_RULE = ", ".join(f"{name}=on" for name in rule_classes())


def changed(policy, text):
    return changed_policy(policy, read_layer(text, "test", LIBRARY), LIBRARY)


@pytest.mark.parametrize(
    "text",
    [
        *LIBRARY,
        EVERY_RULE,
        "stop_loss=off, profit_target=off",
        "stop_loss.urgency=EMERGENCY, expiry.urgency=FAST",
        "profit_target.stop_percent=0, profit_target.further_rungs=100:25:25",
        "prices.guard_spread_percent=20, quotes.wide_percent=12.5",
    ],
)
def test_a_policy_without_a_change_is_the_same(text):
    policy = parse_policy(text)
    for one in (policy, policy_from_json(policy.canonical_json())):
        same = changed(one, "")
        assert same == policy
        assert same.hash == policy.hash


@pytest.mark.parametrize(
    ("policy", "change", "wanted"),
    [
        ("default", "stop_loss.percent=25", "stop_loss.percent=25"),
        ("stop_loss=off", "stop_loss.percent=25", "stop_loss=off"),
        ("stop_loss=off", "stop_loss=on", "default"),
        ("long_premium", "gex_flip=off", "long_premium, gex_flip=off"),
        ("stop_loss.urgency=EMERGENCY", "stop_loss.urgency=none", "default"),
    ],
)
def test_a_change_wins_over_what_was_recorded(policy, change, wanted):
    assert changed(parse_policy(policy), change) == parse_policy(wanted)


def test_who_states_a_value_is_told():
    origins = changed(parse_policy(), "stop_loss.percent=25").origins
    assert origins["stop_loss.percent"] == "test"
    assert origins["profit_target.percent"] == RECORDED


def test_a_layer_states_every_rule():
    assert set(layer_of_policy(parse_policy()).switches) == set(rule_classes())
