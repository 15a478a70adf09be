"""DELTA_LIMIT."""

import numpy as np
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.builders import decide_one

BOTH = "delta_limit.abs_min=0.05"


@pytest.mark.parametrize(
    ("policy", "delta", "outcome"),
    [
        pytest.param("delta_limit=on", 0.7999, "HOLD", id="a hair below the maximum"),
        pytest.param("delta_limit=on", 0.8, "FULL", id="exactly the maximum"),
        pytest.param("delta_limit=on", -0.8, "FULL", id="a put's, by its size"),
        pytest.param("delta_limit=on", 0.0, "HOLD", id="no minimum is asked for"),
        pytest.param(BOTH, 0.0501, "HOLD", id="a hair above the minimum"),
        pytest.param(BOTH, -0.05, "FULL", id="exactly the minimum"),
        pytest.param(BOTH, 0.9, "FULL", id="the maximum stays"),
        pytest.param("delta_limit.abs_min=0.05, delta_limit.abs_max=none", 0.9, "HOLD",
                     id="the maximum switched off"),
    ],
)  # fmt: skip
def test_a_delta_beyond_either_limit_leaves(policy, delta, outcome):
    one = decide_one(policy, delta=delta, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("DELTA_LIMIT" if outcome == "FULL" else None)


def test_a_delta_that_is_not_known_is_not_small():
    one = decide_one(BOTH, delta=np.nan)
    assert "DELTA_LIMIT" not in one.evaluable | one.fired
    assert one.lines["DELTA_LIMIT"].text == "delta is not known"


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        pytest.param(-0.60, "the size of delta is 0.60 against a maximum of 0.80", id="large"),
        pytest.param(0.06, "the size of delta is 0.06 against a minimum of 0.05", id="small"),
    ],
)
def test_the_trace_tells_the_nearer_limit(delta, text):
    line = decide_one(BOTH, delta=delta).lines["DELTA_LIMIT"]
    assert line.text == text
    assert 0.7 < line.progress < 1


@pytest.mark.parametrize("least", ["0.8", "0.9"])
def test_limits_that_leave_nothing_between_them_are_refused(least):
    with pytest.raises(InputError) as caught:
        decide_one(f"delta_limit.abs_min={least}, delta_limit.abs_max=0.80")
    assert str(caught.value) == (
        "policy threshold delta_limit.abs_max = '0.80' is not usable: expected more than "
        f"delta_limit.abs_min, which is {least}"
    )
