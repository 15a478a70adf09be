"""THETA_SHARE."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

ON = "theta_share=on"


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        pytest.param({"theta": -0.1}, "FULL", id="exactly 5 % of 2.00 a day"),
        pytest.param({"theta": -0.099999}, "HOLD", id="a hair less"),
        pytest.param({"theta": -0.9}, "FULL", id="far more"),
        pytest.param({"theta": 0.9}, "HOLD", id="a theta that earns"),
        pytest.param({"theta": -0.9, "side": -1}, "HOLD", id="a short earns what decays"),
    ],
)
def test_a_long_that_loses_too_much_in_a_day_leaves(columns, outcome):
    one = decide_one(ON, **columns)
    assert one.outcome == outcome
    assert one.reason == ("THETA_SHARE" if outcome == "FULL" else None)
    assert "THETA_SHARE" in one.evaluable


@pytest.mark.parametrize("cents", [7, 11, 29, 57, 113, 190, 333, 1_009])
def test_a_share_met_exactly_is_met_and_a_millionth_less_is_not(cents):
    # 5 % of a whole number of cents is a whole number of 1/2,000 dollars.
    mark, theta = f"{cents / 100:.2f}", -cents / 2_000
    quote = {"mark": mark, "entry_price": mark}
    assert decide_one(ON, theta=theta, **quote).reason == "THETA_SHARE"
    assert decide_one(ON, theta=theta + 1e-6, **quote).reason is None


def test_on_a_doubtful_quote_the_bid_is_what_there_is_to_lose():
    wide = {"bid": "1.60", "ask": "2.60", "theta": -0.08}
    assert decide_one(ON, **wide).grade == "DEGRADED"
    assert decide_one(ON, **wide).reason == "THETA_SHARE"


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        pytest.param({"theta": np.nan}, "theta is not known", id="no theta"),
        pytest.param({"bid": None}, "the quote gives no price to judge", id="no quote"),
        pytest.param({"bid": "0", "ask": "0.10"}, "the quote gives no price to judge",
                     id="worthless"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_judged(columns, note):
    one = decide_one(ON, **({"theta": -0.9} | columns))
    assert "THETA_SHARE" not in one.evaluable | one.fired
    assert one.lines["THETA_SHARE"].text == note


def test_the_trace_tells_the_share():
    line = decide_one(ON, theta=-0.05).lines["THETA_SHARE"]
    assert (line.observed, line.threshold) == (pytest.approx(2.5), 5)
    assert (line.distance, line.progress) == (pytest.approx(2.5), pytest.approx(0.5))
    assert line.text == "a day costs +2.5 % of the mark against a limit of +5.0 %"
    short = decide_one(ON, theta=-0.05, side=-1).lines["THETA_SHARE"]
    assert short.text == "theta works for a short position"
