"""Policies as they are read back from what is kept of them."""

import json

import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy, shipped_policies
from exit_pipeline_tests.core.engine.test_decide_properties import POLICIES

LADDER = "profit_target.further_rungs=100:25:50|150:25, stop_loss.times_in_high_vol=0.67"


URGENT = "stop_loss.urgency=EMERGENCY, expiry.urgency=PATIENT, gex_flip.urgency=FAST"


@pytest.mark.parametrize("text", [*POLICIES, *shipped_policies(), LADDER, URGENT])
def test_a_policy_that_was_kept_is_the_same_policy(text):
    kept = parse_policy(text).canonical_json()
    assert policy_from_json(kept) == parse_policy(text)
    assert policy_from_json(kept).canonical_json() == kept


def test_the_order_of_keys_and_the_spacing_do_not_matter():
    policy = parse_policy("long_premium, gex_flip=off")
    content = json.loads(policy.canonical_json())
    shuffled = json.dumps(dict(reversed(content.items())), indent=2)
    assert policy_from_json(shuffled).hash == policy.hash


def test_what_an_earlier_version_did_not_keep_takes_what_was_done_then():
    content = json.loads(parse_policy().canonical_json())
    content["rules"] = [
        {"rule": "profit_target", "percent": 45, "close_share_percent": 50.0},
        {"rule": "stop_loss", "percent": 30.0},
    ]
    del content["quotes"]["worthless_ask_dollars"]
    target, stop = policy_from_json(json.dumps(content)).rules
    assert [rung.percent for rung in target.rungs] == [45]
    assert (stop.basis, stop.percent, stop.required_hits, stop.is_scaled) == (
        "premium", 30, 1, False,
    )  # fmt: skip


@pytest.mark.parametrize("rule", rule_classes())
def test_every_threshold_has_a_default_for_when_it_was_not_kept(rule):
    content = json.loads(parse_policy().canonical_json())
    fields = rule_classes()[rule].model_fields
    optional = {"rule": rule} | ({"at": "12:00"} if rule == "clock_time" else {})
    assert all(not field.is_required() for field in fields.values())
    content["rules"] = [optional]
    (found,) = policy_from_json(json.dumps(content)).rules
    assert found.name == rule


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rules": [{"rule": "mood"}]}, "has the rule 'mood', which this version does not know"),
        ({"rules": [{"rule": "expiry", "mood": 1}]}, "has a expiry.mood that this version"),
        ({"rules": [{"rule": "expiry", "minutes_before_close": 0}]}, "expiry.minutes_before_close"),
        ({"rules": [{"percent": 1}]}, "can't be read"),
        ({"rules": 1}, "can't be read"),
        ({"quotes": None}, "can't be read"),
        ({"urgencies": {"expiry": "CALM"}}, "has urgencies that this version does not know"),
        ({"urgencies": 1}, "has urgencies that this version does not know"),
    ],
    ids=[
        "rule",
        "threshold",
        "value",
        "no rule",
        "no list",
        "no limits",
        "urgency",
        "no urgencies",
    ],
)
def test_what_is_no_policy_of_this_version_is_refused(change, said):
    content = json.loads(parse_policy().canonical_json()) | change
    with pytest.raises(InputError, match=said):
        policy_from_json(json.dumps(content))


def test_what_is_no_json_is_refused():
    with pytest.raises(InputError, match="had 'calm'"):
        policy_from_json("calm")


@pytest.mark.parametrize(
    "text", ["stop_loss.times_in_high_vol=1", "quotes.wide_percent=25", "expiry.required_hits=1"]
)
def test_a_default_that_is_stated_changes_no_hash(text):
    """Regression: 1 as a default and 1.0 as a text were one policy with two hashes, so that the
    counts of confirmed ticks, which are kept by the hash, could be lost from tick to tick.
    """
    assert parse_policy(text) == parse_policy()
    assert parse_policy(text).hash == parse_policy().hash


def test_a_kept_policy_still_states_its_urgencies():
    """Regression: they were kept and not read back, so that a policy which states an urgency had
    another hash once read, and a decision made again under it another urgency than was recorded.
    """
    policy = parse_policy(URGENT)
    kept = policy_from_json(policy.canonical_json())
    assert dict(kept.urgencies) == {
        "stop_loss": Urgency.EMERGENCY, "expiry": Urgency.PATIENT, "gex_flip": Urgency.FAST,
    }  # fmt: skip
    assert kept.hash == policy.hash
