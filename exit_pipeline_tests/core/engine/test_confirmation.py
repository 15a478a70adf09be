"""Rules that act once they have been due for several ticks in a row."""

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.book import MOST_RULES
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, decide_one

TWICE = "stop_loss.required_hits=2"
STOP = 3
"""Place of the stop in the default's order."""


def hits(count: int) -> tuple[int, ...]:
    counts = np.zeros(MOST_RULES, int)
    counts[STOP] = count
    return tuple(counts)


def counted(before: int, **columns: object) -> int:
    book = a_book(hits=hits(before), **columns)
    return int(decide(book, [parse_policy(TWICE)]).hits[0, STOP])


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        pytest.param(0, "HOLD", id="the first tick"),
        pytest.param(1, "FULL", id="the second"),
        pytest.param(9, "FULL", id="a later one"),
    ],
)
def test_a_stop_that_asks_for_two_ticks_waits_for_the_second(before, outcome):
    one = decide_one(TWICE, mark="1.00", hits=hits(before))
    assert one.outcome == outcome
    assert ("STOP_LOSS" in one.fired) is (outcome == "FULL")


def test_the_trace_counts():
    line = decide_one(TWICE, mark="1.00").lines["STOP_LOSS"]
    assert line.text.endswith("(due for 1 of 2 ticks in a row)")


@pytest.mark.parametrize(
    ("before", "columns", "after"),
    [
        pytest.param(0, {"mark": "1.00"}, 1, id="due"),
        pytest.param(1, {"mark": "1.00"}, 2, id="due again"),
        pytest.param(1, {"mark": "2.00"}, 0, id="not due any more"),
        pytest.param(1, {"bid": None}, 1, id="not to be judged: neither counts nor breaks"),
        pytest.param(255, {"mark": "1.00"}, 255, id="a count never runs over"),
        pytest.param(3, {"mark": "1.00", "last_trading_close": "09:00"}, 0, id="no longer trades"),
    ],
)
def test_ticks_in_a_row_are_counted(before, columns, after):
    assert counted(before, **columns) == after


def test_rules_that_act_at_once_are_not_counted():
    book = a_book(mark="1.00")
    assert not decide(book, [parse_policy()]).hits.any()


def test_a_flip_that_was_confirmed_stays_due_without_being_counted_anew():
    policy = "gex_flip.required_hits=3"
    latched = {"gex_latched": True, "gex_direction": -1, "gex_at": "09:50", "gex_strength": 0.9}
    assert decide_one(policy, **latched).reason == "GEX_FLIP"
    assert decide_one(policy, **latched).latched


@pytest.mark.parametrize("rule", ["force_close", "expiry"])
def test_what_must_act_at_once_can_not_be_made_to_wait(rule):
    with pytest.raises(InputError, match=f"{rule}.required_hits"):
        parse_policy(f"{rule}.required_hits=2")
