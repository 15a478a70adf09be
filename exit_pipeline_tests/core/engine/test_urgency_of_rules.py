"""A policy says how urgent a rule's exits are."""

import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy_lines import policy_differences, policy_lines
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book

LOSS = {"mark": "1.00"}
LATE = {"decided_at": "14:45", "last_trading_close": "16:00"}


def urgency_under(text, **columns):
    decisions = decide(a_book(columns), [parse_policy(text)])
    return Urgency(int(decisions.urgency[0]))


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        pytest.param("default", Urgency.FAST, id="the rule's own"),
        pytest.param("stop_loss.urgency=EMERGENCY", Urgency.EMERGENCY, id="another"),
        pytest.param("stop_loss.urgency=patient", Urgency.PATIENT, id="in small letters"),
        pytest.param("stop_loss.urgency=NORMAL, stop_loss.urgency=none", Urgency.FAST, id="none"),
        pytest.param("profit_target.urgency=PATIENT", Urgency.FAST, id="of another rule"),
    ],
)
def test_a_stop_presses_as_its_policy_says(text, urgency):
    assert urgency_under(text, **LOSS) is urgency


@pytest.mark.parametrize(
    ("text", "urgency"),
    [
        pytest.param("default", Urgency.FAST, id="the rule's own"),
        pytest.param("expiry.urgency=PATIENT", Urgency.FAST, id="never less than it presses"),
        pytest.param("expiry.urgency=EMERGENCY", Urgency.EMERGENCY, id="but more"),
    ],
)  # fmt: skip
def test_a_rule_that_presses_by_row_does_so_under_any_policy(text, urgency):
    assert urgency_under(text, **LATE) is urgency


def test_a_policy_with_an_urgency_reads_back_and_is_another_policy():
    policy = parse_policy("stop_loss.urgency=EMERGENCY")
    assert policy.name == "default, stop_loss.urgency=EMERGENCY"
    assert parse_policy(policy.name) == policy
    assert policy != parse_policy()
    assert policy.hash != parse_policy().hash
    assert '"urgencies":{"stop_loss":"EMERGENCY"}' in policy.canonical_json()


def test_an_urgency_is_a_line_of_its_rule_with_its_origin():
    lines = {line.key: line for line in policy_lines(parse_policy("stop_loss.urgency=EMERGENCY"))}
    line = lines["stop_loss.urgency"]
    assert (line.value, line.origin) == ("EMERGENCY", "text")
    found = policy_differences(parse_policy(), parse_policy("stop_loss.urgency=EMERGENCY"))
    assert [(one.key, one.first, one.second) for one in found] == [
        ("stop_loss.urgency", "-", "EMERGENCY")
    ]


def test_a_rule_that_is_off_has_no_urgency_in_the_policy():
    text = "stop_loss=off, stop_loss.urgency=EMERGENCY"
    assert parse_policy(text) == parse_policy("stop_loss=off")


@pytest.mark.parametrize("text", ["stop_loss.urgency=HIGH", "gex_flip=off, gex_flip.urgency=2"])
def test_what_is_no_urgency_is_refused_in_one_sentence(text):
    with pytest.raises(
        InputError, match="expected none or one of PATIENT, NORMAL, FAST, EMERGENCY"
    ):
        parse_policy(text)
