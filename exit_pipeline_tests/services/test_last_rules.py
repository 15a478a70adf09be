"""Where the rules stood at the newest decision of each position."""

from dataclasses import replace

import numpy as np

from exit_pipeline.core.engine.explain import RuleState
from exit_pipeline.core.model.recorded import RecordedPolicy
from exit_pipeline.services.last_rules import last_rules
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.days import recorded

ROWS = (
    {"decided_at": "10:00", "mark": "2.80"},
    {"decided_at": "10:05", "mark": "1.50"},
    {"decided_at": "10:05", "mark": "3.20"},
)
NAMES = ("a", "a", "b")


def test_each_position_has_its_last_rules_the_nearest_first() -> None:
    found = last_rules(recorded(a_book(*ROWS), NAMES))
    assert {name: (lines[0].reason, lines[0].state) for name, lines in found.items()} == {
        "a": ("STOP_LOSS", RuleState.NOT_FIRED),
        "b": ("PROFIT_TARGET", RuleState.DECIDED),
    }


def test_without_a_decision_there_is_none() -> None:
    """An account whose newest tick decided nothing ended the view in a traceback."""
    whole = recorded(a_book(*ROWS), NAMES)
    assert last_rules(replace(whole.take(np.array([], np.intp)), policies=[])) == {}


def test_an_older_decision_does_not_stand_in_for_a_last_one_that_cannot_be_read() -> None:
    whole = recorded(a_book(*ROWS), NAMES)
    foreign = RecordedPolicy(hash="x", text="{}")
    policy = np.array([0, 1, 0], np.int16)
    mixed = replace(
        whole, book=replace(whole.book, policy=policy), policies=[*whole.policies, foreign]
    )
    assert set(last_rules(mixed)) == {"b"}
