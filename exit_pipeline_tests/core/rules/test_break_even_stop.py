"""BREAK_EVEN_STOP."""

import pytest

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.rules.break_even_stop import BreakEvenStop, RaisedStop
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import decide_one

ON = "break_even_stop=on, profit_target=off, stop_loss=off"


def after_closing(*steps: tuple[float, float]) -> Policy:
    stops = tuple(RaisedStop(closed_percent=share, stop_percent=stop) for share, stop in steps)
    rule = BreakEvenStop(activation_percent=None, after_closing=stops)
    return parse_policy("").model_copy(update={"rules": (rule,)})


@pytest.mark.parametrize(
    ("side", "best", "mark", "outcome"),
    [
        pytest.param(1, "3.00", "2.00", "FULL", id="back at the entry"),
        pytest.param(1, "3.00", "2.0001", "HOLD", id="a hair above it"),
        pytest.param(1, "2.9999", "1.50", "HOLD", id="never was high enough"),
        pytest.param(-1, "1.00", "2.00", "FULL", id="short, back at the credit"),
        pytest.param(-1, "1.00", "1.9999", "HOLD", id="short, a hair below it"),
        pytest.param(-1, "1.0001", "2.50", "HOLD", id="short, never was low enough"),
        pytest.param(1, None, "1.50", "HOLD", id="no mark was seen before"),
    ],
)
def test_what_was_half_up_is_left_at_the_entry_price(side, best, mark, outcome):
    assert decide_one(ON, side=side, high_water=best, mark=mark).outcome == outcome


def test_the_level_may_lie_above_the_entry():
    policy = f"{ON}, break_even_stop.stop_percent=10"
    assert decide_one(policy, high_water="3.00", mark="2.20").reason == "BREAK_EVEN_STOP"
    assert decide_one(policy, high_water="3.00", mark="2.21").outcome == "HOLD"


@pytest.mark.parametrize(
    ("quantity", "closed", "mark", "outcome"),
    [
        pytest.param(10, 4, "2.00", "HOLD", id="before the share is closed"),
        pytest.param(10, 5, "2.00", "FULL", id="after half is closed: break-even"),
        pytest.param(10, 5, "2.01", "HOLD", id="after half is closed, above"),
        pytest.param(10, 7, "3.00", "FULL", id="after more: half of the way up"),
        pytest.param(10, 7, "3.01", "HOLD", id="after more, above"),
        pytest.param(3, 1, "2.00", "FULL", id="half of three is one"),
        pytest.param(1, 0, "2.00", "HOLD", id="one contract, nothing closed"),
    ],
)
def test_what_profit_targets_have_closed_raises_the_stop(quantity, closed, mark, outcome):
    policy = after_closing((50, 0), (75, 50))
    one = decide_one(policy, quantity=quantity, profit_exited=closed, mark=mark)
    assert one.outcome == outcome


def test_a_doubtful_quote_needs_the_mid_of_two_ticks():
    wide = {"bid": "1.40", "ask": "2.40", "high_water": "3.20"}
    assert decide_one(ON, **wide, previous_mid="2.10").outcome == "HOLD"
    assert decide_one(ON, **wide, previous_mid="2.00").outcome == "FULL"


def test_until_it_is_armed_there_is_no_threshold():
    line = decide_one(ON, mark="2.10").lines["BREAK_EVEN_STOP"]
    assert line.text == "not armed yet"
    assert line.threshold != line.threshold


def test_a_stop_above_what_arms_it_is_refused():
    """A circular break-even: it would be due from the moment on at which it is armed."""
    with pytest.raises(InputError, match=r"a stop at 60 would fire as soon as it is armed"):
        parse_policy("break_even_stop.activation_percent=50, break_even_stop.stop_percent=60")
