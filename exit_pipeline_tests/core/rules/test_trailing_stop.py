"""TRAILING_STOP."""

import pytest

from exit_pipeline_tests.builders import decide_one

ON = "trailing_stop=on, profit_target=off, stop_loss=off"
BY_ENTRY = f"{ON}, trailing_stop.basis=entry"


@pytest.mark.parametrize(
    ("policy", "side", "best", "mark", "outcome"),
    [
        pytest.param(ON, 1, "3.00", "2.4001", "HOLD", id="a hair above, of the best mark"),
        pytest.param(ON, 1, "3.00", "2.40", "FULL", id="exactly 20 % of the best mark"),
        pytest.param(BY_ENTRY, 1, "3.00", "2.6001", "HOLD", id="a hair above, of the entry"),
        pytest.param(BY_ENTRY, 1, "3.00", "2.60", "FULL", id="exactly 20 % of the entry"),
        pytest.param(ON, -1, "1.00", "1.1999", "HOLD", id="short, a hair below, of the best"),
        pytest.param(ON, -1, "1.00", "1.20", "FULL", id="short, exactly, of the best mark"),
        pytest.param(BY_ENTRY, -1, "1.00", "1.3999", "HOLD", id="short, a hair below, of entry"),
        pytest.param(BY_ENTRY, -1, "1.00", "1.40", "FULL", id="short, exactly, of the entry"),
    ],
)
def test_it_leaves_from_exactly_the_distance_on(policy, side, best, mark, outcome):
    one = decide_one(policy, side=side, high_water=best, mark=mark)
    assert one.outcome == outcome
    assert one.reason == ("TRAILING_STOP" if outcome == "FULL" else None)


@pytest.mark.parametrize(
    ("best", "armed"),
    [
        pytest.param("2.40", True, id="exactly at the activation"),
        pytest.param("2.3999", False, id="a hair below it"),
    ],
)
def test_it_is_armed_once_the_best_mark_was_far_enough_above_the_entry(best, armed):
    one = decide_one(ON, high_water=best, mark="1.90")
    assert (one.outcome == "FULL") is armed
    if not armed:
        assert one.lines["TRAILING_STOP"].text.startswith("not armed until P&L was +20 %") or (
            "not armed" in one.lines["TRAILING_STOP"].text
        )


def test_the_mark_of_this_tick_can_be_the_best_one():
    """Without a mark of before, a new high is the best mark, and nothing is given back of it."""
    one = decide_one(ON, high_water=None, mark="3.00")
    assert one.outcome == "HOLD"
    assert "TRAILING_STOP" in one.evaluable
    assert one.lines["TRAILING_STOP"].observed == 0


def test_a_doubtful_quote_needs_the_mid_of_two_ticks():
    wide = {"bid": "1.90", "ask": "2.90", "high_water": "3.20"}
    assert decide_one(ON, **wide, previous_mid="2.80").outcome == "HOLD"
    assert decide_one(ON, **wide, previous_mid="2.50").outcome == "FULL"
    assert "second tick" in decide_one(ON, **wide).lines["TRAILING_STOP"].text


def test_without_a_good_mark_it_can_not_be_judged():
    one = decide_one(ON, bid="1.90", ask="2.90", high_water=None)
    assert "TRAILING_STOP" not in one.evaluable
    assert one.lines["TRAILING_STOP"].text == "no good mark was seen yet"


def test_the_distance_tightens_with_the_context():
    policy = f"{ON}, trailing_stop.times_in_high_vol=0.5"
    assert decide_one(policy, high_water="3.00", mark="2.70", regime=2).outcome == "HOLD"
    assert decide_one(policy, high_water="3.00", mark="2.70", regime=3).outcome == "FULL"


def test_it_leaves_all_and_fast():
    one = decide_one(ON, high_water="3.00", mark="2.00", quantity=10, profit_exited=5)
    assert (one.outcome, one.quantity, one.urgency) == ("FULL", 5, "FAST")


def test_the_default_policy_has_it_not():
    assert decide_one(high_water="3.90", mark="2.10").outcome == "HOLD"


def test_a_best_mark_of_nothing_is_told_without_dividing_by_it():
    """Regression: the trace of a SHORT position whose best mark was 0 divided by zero."""
    line = decide_one("trailing_stop=on", side=-1, mark="1.00", high_water="0").lines[
        "TRAILING_STOP"
    ]
    assert line.observed > line.threshold
    assert line.distance == 0
