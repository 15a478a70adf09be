"""VIX_SPIKE."""

import numpy as np
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one

CALM = {"vix": 15.0, "vix_change": 1.0, "vix_ratio": 0.9}
ALL = "vix_spike.level=30, vix_spike.change_percent=20, vix_spike.ratio=1"


@pytest.mark.parametrize(
    ("policy", "columns", "outcome"),
    [
        pytest.param("vix_spike=on", {"vix": 29.99}, "HOLD", id="a hair below 30"),
        pytest.param("vix_spike=on", {"vix": 30.0}, "FULL", id="exactly 30"),
        pytest.param("vix_spike=on", {"vix_change": 90.0}, "HOLD", id="no change asked for"),
        pytest.param(ALL, {}, "HOLD", id="calm"),
        pytest.param(ALL, {"vix_change": 20.0}, "FULL", id="a jump alone"),
        pytest.param(ALL, {"vix_change": -20.0}, "HOLD", id="a fall"),
        pytest.param(ALL, {"vix_ratio": 1.0}, "FULL", id="backwardation alone"),
        pytest.param(ALL, {"vix": 80.0}, "FULL", id="the level alone"),
        pytest.param("vix_spike.level=none, vix_spike.ratio=1.05", {"vix": 80.0}, "HOLD",
                     id="the level switched off"),
    ],
)  # fmt: skip
def test_any_reading_at_its_threshold_is_enough(policy, columns, outcome):
    one = decide_one(policy, bid=None, **(CALM | columns))
    assert one.outcome == outcome
    assert one.reason == ("VIX_SPIKE" if outcome == "FULL" else None)
    assert "VIX_SPIKE" in one.evaluable


@pytest.mark.parametrize(
    ("columns", "evaluable"),
    [
        pytest.param({"vix": np.nan}, False, id="calm as far as known"),
        pytest.param({"vix_ratio": np.nan}, False, id="another is not known"),
        pytest.param({"vix": np.nan, "vix_change": 25.0}, True, id="what is known is enough"),
        pytest.param({}, True, id="all are known"),
    ],
)
def test_calm_is_only_said_where_every_reading_is_known(columns, evaluable):
    one = decide_one(ALL, **(CALM | columns))
    assert ("VIX_SPIKE" in one.evaluable) is evaluable
    assert ("VIX_SPIKE" in one.fired) is ("vix_change" in columns)


def test_what_is_not_known_is_named():
    assert decide_one("vix_spike=on").lines["VIX_SPIKE"].text == "VIX is not known"
    columns = CALM | {"vix_ratio": np.nan}
    assert decide_one(ALL, **columns).lines["VIX_SPIKE"].text == "VIX over VIX3M is not known"


@pytest.mark.parametrize(
    ("columns", "observed", "text"),
    [
        pytest.param({"vix": 29.4}, 29.4, "VIX 29.40 against 30.00", id="level"),
        pytest.param({"vix_change": 19.8}, 19.8, "the change of VIX +19.8 % against +20.0 %",
                     id="change"),
        pytest.param({"vix_ratio": 0.98}, 0.98, "VIX over VIX3M 0.98 against 1.00", id="ratio"),
    ],
)  # fmt: skip
def test_the_trace_tells_the_reading_that_is_nearest(columns, observed, text):
    line = decide_one(ALL, **(CALM | columns)).lines["VIX_SPIKE"]
    assert (line.observed, line.text) == (observed, text)
    assert 0.97 < line.progress < 1


def test_without_any_threshold_nothing_can_be_judged():
    one = decide_one("vix_spike.level=none", vix=80.0)
    assert "VIX_SPIKE" not in one.evaluable
    assert one.lines["VIX_SPIKE"].text == "no threshold of it is set"


def test_a_policy_with_a_threshold_off_has_a_name_that_reads_as_it():
    policy = parse_policy("vix_spike.level=none, vix_spike.ratio=1.05")
    assert parse_policy(policy.name) == policy
    with pytest.raises(
        InputError, match=r"vix_spike\.level = '-1' is not usable: expected greater"
    ):
        parse_policy("vix_spike.level=-1")
