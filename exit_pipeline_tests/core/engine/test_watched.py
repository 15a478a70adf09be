"""What a broker can't do for a policy."""

import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.watched import watched_here
from exit_pipeline.core.model.abilities import BrokerAbilities
from exit_pipeline.policies import parse_policy

ABLE = BrokerAbilities(stop_orders=True, good_till_cancelled=True)
UNABLE = BrokerAbilities(stop_orders=False, good_till_cancelled=False)
ALONE = ", ".join(f"{rule}=off" for rule in rule_classes() if rule != "stop_loss")


@pytest.mark.parametrize(
    ("abilities", "sentence"),
    [
        pytest.param(UNABLE, "acme takes no stop orders on options: STOP_LOSS is watched at every "
                     "tick", id="a broker that can't"),
        pytest.param(ABLE, "acme takes stop orders on options, and none is placed: STOP_LOSS is "
                     "watched at every tick", id="one that could"),
        pytest.param(None, "acme does not say what it can do: STOP_LOSS is watched at every tick",
                     id="one that does not say"),
    ],
)  # fmt: skip
def test_a_stop_is_watched_here_whatever_the_broker_can_do(abilities, sentence):
    assert watched_here(parse_policy(ALONE), "acme", abilities) == [sentence]


def test_a_broker_that_keeps_orders_for_the_day_keeps_no_target():
    assert watched_here(parse_policy(), "acme", UNABLE)[1] == (
        "acme keeps orders on options for the day only: PROFIT_TARGET is watched at every tick"
    )


@pytest.mark.parametrize("abilities", [ABLE, UNABLE, None], ids=["able", "unable", "unknown"])
@pytest.mark.parametrize("text", ["default", "short_premium", "gex_flip=off, expiry=off", ALONE])
def test_each_rule_of_a_policy_is_told_once(text, abilities):
    policy = parse_policy(text)
    told = " ".join(watched_here(policy, "acme", abilities))
    assert [told.count(reason) for reason in policy.reasons] == [1] * len(policy.reasons)


def test_a_policy_without_rules_needs_no_watching():
    nothing = parse_policy(f"{ALONE}, stop_loss=off")
    assert [watched_here(nothing, "acme", one) for one in (ABLE, UNABLE, None)] == [[], [], []]
