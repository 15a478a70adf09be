"""STOP_LOSS on other bases than the premium, and scaled by the context."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one

DOLLARS = "stop_loss.basis=dollars, stop_loss.dollars_per_contract=50"
CREDIT = "stop_loss.basis=credit, stop_loss.credit_multiple=2"
SCALED = "stop_loss.times_in_high_vol=0.67, stop_loss.times_below_zero_gamma=0.8"


@pytest.mark.parametrize(
    ("policy", "side", "mark", "outcome"),
    [
        pytest.param(DOLLARS, 1, "1.5001", "HOLD", id="a hair less than $50 of a long"),
        pytest.param(DOLLARS, 1, "1.50", "FULL", id="exactly $50 of a long"),
        pytest.param(DOLLARS, -1, "2.4999", "HOLD", id="a hair less than $50 of a short"),
        pytest.param(DOLLARS, -1, "2.50", "FULL", id="exactly $50 of a short"),
        pytest.param(CREDIT, -1, "3.9999", "HOLD", id="a hair less than twice the credit"),
        pytest.param(CREDIT, -1, "4.00", "FULL", id="exactly twice the credit"),
    ],
)
def test_the_loss_is_measured_on_what_is_named(policy, side, mark, outcome):
    assert decide_one(policy, side=side, mark=mark).outcome == outcome


def test_a_long_has_no_credit_to_measure_a_loss_on():
    one = decide_one(CREDIT, side=1, mark="0.10")
    assert one.outcome == "HOLD"
    assert one.lines["STOP_LOSS"].text == "a long has no credit"


@pytest.mark.parametrize(
    ("regime", "gamma_sign", "stop"),
    [
        pytest.param(2, 1, 30.0, id="nothing to scale by"),
        pytest.param(3, 1, 20.1, id="high volatility"),
        pytest.param(2, -1, 24.0, id="below zero gamma"),
        pytest.param(3, -1, 16.08, id="both"),
        pytest.param(0, 0, 16.08, id="neither is known: the tightest"),
        pytest.param(0, 1, 20.1, id="the regime is not known"),
    ],
)
def test_the_context_scales_the_stop_and_the_tightest_holds_where_it_is_missing(
    regime, gamma_sign, stop
):
    context = {"regime": regime, "gamma_sign": gamma_sign, "entry_price": "100.00"}
    at, above = f"{100 - stop:.4f}", f"{100 - stop + 0.0001:.4f}"
    assert decide_one(SCALED, **context, mark=at).reason == "STOP_LOSS"
    assert decide_one(SCALED, **context, mark=above).outcome == "HOLD"


def test_base_factors_and_result_are_in_the_trace():
    line = decide_one(SCALED, regime=3, gamma_sign=0, mark="1.90").lines["STOP_LOSS"]
    assert line.threshold == pytest.approx(-16.08)
    assert line.text.endswith("(30 % x 0.67 (HIGH_VOL) x 0.80 (below zero gamma is not known))")


@pytest.mark.parametrize("percent", ["+30", "-30"])
def test_a_stop_with_a_sign_is_refused_in_one_sentence(percent):
    with pytest.raises(InputError, match="a loss without a sign"):
        parse_policy(f"stop_loss.percent={percent}")
