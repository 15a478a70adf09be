"""REMAINING_REWARD."""

import pytest

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.builders import decide_one

# The default's target would decide first, since it stands at +50 %.
ON = "remaining_reward=on, profit_target=off"
YEARLY = (
    "remaining_reward.captured_percent=none, remaining_reward.annualised_percent=3.65, "
    "profit_target=off"
)
TEN_DAYS = {"side": -1, "right": -1, "strike": "100.00", "days_to_expiration": 10}


def quoted(mid, away="0.0001"):
    return {"bid": f"{float(mid) - float(away):.4f}", "ask": f"{float(mid) + float(away):.4f}"}


@pytest.mark.parametrize(
    ("policy", "columns", "outcome"),
    [
        pytest.param(ON, {"side": -1} | quoted("0.40"), "FULL", id="exactly 80 % captured"),
        pytest.param(ON, {"side": -1} | quoted("0.4001"), "HOLD", id="a hair less"),
        pytest.param(ON, {"mark": "9.00"}, "HOLD", id="a long has no credit"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.10"), "FULL", id="exactly 3.65 % a year left"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.1001"), "HOLD", id="a hair more"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.10") | {"days_to_expiration": 9}, "HOLD",
                     id="the same in fewer days"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.01") | {"days_to_expiration": 0}, "FULL",
                     id="the last day counts as one"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.0101") | {"days_to_expiration": 0}, "HOLD",
                     id="a hair more on the last day"),
        pytest.param(YEARLY, TEN_DAYS | quoted("0.10") | {"side": 1, "entry_price": "0.10"}, "HOLD",
                     id="a long earns otherwise"),
    ],
)  # fmt: skip
def test_a_short_with_little_left_to_earn_leaves_in_full(policy, columns, outcome):
    one = decide_one(policy, quantity=10, **columns)
    assert (one.outcome, one.quantity) == (outcome, 10 if outcome == "FULL" else 0)
    assert one.reason == ("REMAINING_REWARD" if outcome == "FULL" else None)
    assert "REMAINING_REWARD" in one.evaluable


def test_on_a_doubtful_quote_the_ask_is_what_closing_costs():
    wide = {"side": -1, "bid": "0.10", "ask": "0.50"}
    one = decide_one(ON, **wide)
    assert (one.grade, one.outcome) == ("DEGRADED", "HOLD")


@pytest.mark.parametrize(
    ("policy", "columns", "note"),
    [
        pytest.param(ON, {"bid": None}, "the quote gives no price to judge", id="no quote"),
        pytest.param(YEARLY, {"strike": None}, "the contract is not known", id="no strike"),
        pytest.param(YEARLY, {"days_to_expiration": UNKNOWN}, "the contract is not known",
                     id="no expiration"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_judged(policy, columns, note):
    one = decide_one(policy, **(TEN_DAYS | columns))
    assert "REMAINING_REWARD" not in one.evaluable | one.fired
    assert one.lines["REMAINING_REWARD"].text == note


def test_the_captured_share_needs_no_contract():
    one = decide_one(ON, side=-1, mark="0.20", strike=None, right=0)
    assert one.reason == "REMAINING_REWARD"


@pytest.mark.parametrize(
    ("policy", "columns", "text"),
    [
        pytest.param(ON, {"side": -1, "mark": "1.20"},
                     "captured +40.0 % of the credit against +80.0 %", id="captured"),
        pytest.param(YEARLY, TEN_DAYS | {"mark": "0.20"},
                     "what is left earns +7.3 % a year on the strike against +3.6 %", id="a year"),
    ],
)  # fmt: skip
def test_the_trace_tells_what_is_left(policy, columns, text):
    line = decide_one(policy, **columns).lines["REMAINING_REWARD"]
    assert line.text == text
    assert line.progress == pytest.approx(0.5)
