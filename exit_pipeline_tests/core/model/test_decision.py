"""Answers of rules that fire on any of several conditions."""

import numpy as np
import pytest

from exit_pipeline.core.model.decision import Verdict


def a_condition(state):
    """True or False where it is judged; None where it can't be."""
    return Verdict(fired=np.array([state is True]), evaluable=np.array([state is not None]))


@pytest.mark.parametrize(
    ("states", "fired", "evaluable"),
    [
        pytest.param([True, False], True, True, id="one is met"),
        pytest.param([True, None], True, True, id="one is met, one unknown"),
        pytest.param([None, True], True, True, id="the same the other way round"),
        pytest.param([False, False], False, True, id="none is met"),
        pytest.param([False, None], False, False, id="one unknown"),
        pytest.param([None, None], False, False, id="all unknown"),
        pytest.param([None], False, False, id="a single one, unknown"),
        pytest.param([True], True, True, id="a single one, met"),
        pytest.param([], False, False, id="no condition at all"),
    ],
)
def test_one_condition_is_enough_and_none_needs_all(states, fired, evaluable):
    verdict = Verdict.any_of(1, [a_condition(state) for state in states])
    assert (verdict.fired.tolist(), verdict.evaluable.tolist()) == ([fired], [evaluable])


def test_the_conditions_are_left_alone():
    one, other = a_condition(False), a_condition(True)
    Verdict.any_of(1, [one, other])
    assert (one.fired[0], other.fired[0]) == (False, True)
