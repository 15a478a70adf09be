"""GEX_FLIP."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

CALL, PUT, NONE = 1, -1, 0
# A long call of two days ago, and a flip to PUT ten minutes ago.
FRESH = {
    "decided_at": "15:00",
    "gex_direction": PUT,
    "gex_previous": CALL,
    "gex_strength": 0.8,
    "gex_at": "14:50",
}
NO_SIGNAL = {"gex_direction": NONE, "gex_previous": NONE, "gex_strength": np.nan, "gex_at": None}


def judged(**columns):
    return decide_one(**(FRESH | columns))


def test_a_fresh_flip_against_the_position_closes_it_and_latches():
    one = judged(quantity=10)
    assert (one.outcome, one.reason, one.quantity, one.latched) == ("FULL", "GEX_FLIP", 10, True)
    line = one.lines["GEX_FLIP"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (0.8, 0.3, 0, 1)
    assert line.text == "the opposing gamma signal has strength 0.80 against a minimum of 0.30"


@pytest.mark.parametrize(
    ("side", "right", "view"),
    [
        pytest.param(1, CALL, CALL, id="a long call is CALL"),
        pytest.param(-1, PUT, CALL, id="a short put is CALL"),
        pytest.param(1, PUT, PUT, id="a long put is PUT"),
        pytest.param(-1, CALL, PUT, id="a short call is PUT"),
    ],
)
def test_the_flip_is_judged_by_the_view_that_the_position_holds(side, right, view):
    against = judged(side=side, right=right, gex_direction=-view, gex_previous=view)
    in_favour = judged(side=side, right=right, gex_direction=view, gex_previous=-view)
    assert (against.reason, in_favour.reason) == ("GEX_FLIP", None)


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        pytest.param({"gex_at": "11:00"}, "the signal is too old", id="exactly 240 minutes old"),
        pytest.param({"gex_at": "10:00"}, "the signal is too old", id="older"),
        pytest.param({"gex_strength": 0.29}, "the signal is too weak", id="weak"),
        pytest.param({"entry_time": "14:50"}, "the signal is older than the entry",
                     id="at the entry"),
        pytest.param({"entry_time": "14:55"}, "the signal is older than the entry",
                     id="before the entry"),
        pytest.param({"gex_previous": NONE}, "no earlier signal that it could have flipped",
                     id="no signal before"),
        pytest.param({"gex_previous": PUT}, "it opposed before already", id="opposed before"),
        pytest.param({"gex_direction": CALL}, "the newest signal does not oppose",
                     id="does not oppose"),
        pytest.param(NO_SIGNAL, "no gamma signal", id="no signal at all"),
        pytest.param({"right": 0}, "the contract is not known", id="contract not known"),
    ],
)  # fmt: skip
def test_a_flip_is_ignored_and_the_trace_says_why(columns, note):
    one = judged(**columns)
    assert (one.outcome, one.latched) == ("HOLD", False)
    assert note in one.lines["GEX_FLIP"].text


def test_a_weak_flip_tells_strength_and_what_is_missing():
    line = judged(gex_strength=0.2).lines["GEX_FLIP"]
    assert (line.observed, line.distance) == (0.2, pytest.approx(0.1))
    assert line.text == (
        "the opposing gamma signal has strength 0.20 against a minimum of 0.30 "
        "(the signal is too weak)"
    )


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        pytest.param({"gex_at": "11:00:01"}, "FULL", id="a second younger than 240 minutes"),
        pytest.param({"gex_strength": 0.3}, "FULL", id="exactly strong enough"),
        pytest.param({"entry_time": "14:49:59"}, "FULL", id="a second after the entry"),
    ],
)
def test_the_limits_are_sharp(columns, outcome):
    assert judged(**columns).outcome == outcome


@pytest.mark.parametrize(
    ("columns", "due"),
    [
        pytest.param({"gex_at": "10:00"}, True, id="beyond 240 minutes it stays due"),
        pytest.param({"gex_previous": PUT}, True, id="another opposing signal leaves it due"),
        pytest.param({"gex_strength": 0.1}, True, id="a weaker opposing signal leaves it due"),
        pytest.param(NO_SIGNAL, True, id="no signal leaves it due"),
        pytest.param({"right": 0}, True, id="a contract not known leaves it due"),
        pytest.param({"gex_direction": CALL, "gex_previous": PUT}, False, id="turned back"),
        pytest.param({"gex_direction": CALL, "gex_previous": PUT, "gex_strength": 0.0}, False,
                     id="turned back weakly"),
    ],
)  # fmt: skip
def test_once_fired_it_stays_due_until_the_signal_turns_back(columns, due):
    one = judged(gex_latched=True, **columns)
    assert (one.reason == "GEX_FLIP", one.latched) == (due, due)
    text = "due since an earlier tick" if due else "the newest signal does not oppose"
    assert one.lines["GEX_FLIP"].text == text


def test_it_latches_even_where_another_rule_decides():
    one = judged(force_close=True)
    assert (one.reason, one.latched) == ("FORCE_CLOSE", True)


def test_a_flip_overrules_half_a_profit_since_it_closes_all():
    one = judged(mark="3.20", quantity=10)
    assert (one.reason, one.outcome, one.quantity) == ("GEX_FLIP", "FULL", 10)
    assert "PROFIT_TARGET" in one.fired


@pytest.mark.parametrize(
    ("columns", "evaluable"),
    [
        pytest.param({}, True, id="a flip"),
        pytest.param({"gex_direction": CALL}, True, id="a signal that agrees"),
        pytest.param({"gex_previous": PUT}, True, id="opposed before"),
        pytest.param({"gex_previous": NONE}, False, id="nothing that it could have flipped"),
        pytest.param(NO_SIGNAL, False, id="no signal"),
        pytest.param({"right": 0}, False, id="contract not known"),
    ],
)
def test_it_is_evaluable_where_its_inputs_are_known(columns, evaluable):
    assert ("GEX_FLIP" in judged(**columns).evaluable) is evaluable


def test_a_signal_without_a_time_never_counts_as_fresh():
    assert judged(gex_at=None).outcome == "HOLD"


def test_age_and_strength_are_settings():
    policy = "gex_flip.age_minutes_max=5, gex_flip.strength_min=0.9"
    assert decide_one(policy, **FRESH).outcome == "HOLD"
    assert decide_one(policy, **(FRESH | {"gex_at": "14:56", "gex_strength": 0.9})).latched


def test_switched_off_it_neither_fires_nor_appears():
    one = decide_one("gex_flip=off", **FRESH, gex_latched=True)
    assert (one.outcome, one.latched) == ("HOLD", True)
    assert "GEX_FLIP" not in one.lines


@pytest.mark.parametrize(
    ("entry", "previous", "outcome"),
    [
        pytest.param(CALL, PUT, "FULL", id="agreed at entry, opposed before already"),
        pytest.param(CALL, NONE, "FULL", id="agreed at entry, nothing in between"),
        pytest.param(PUT, CALL, "FULL", id="opposed at entry, agreed before"),
        pytest.param(NONE, CALL, "FULL", id="agreed before alone"),
        pytest.param(PUT, PUT, "HOLD", id="never agreed"),
        pytest.param(PUT, NONE, "HOLD", id="opposed at entry"),
        pytest.param(NONE, NONE, "HOLD", id="nothing earlier"),
    ],
)
def test_a_flip_is_judged_over_the_positions_whole_life(entry, previous, outcome):
    """A first opposing signal that was too weak used to hide the strong one that followed it."""
    one = judged(gex_entry=entry, gex_previous=previous)
    assert one.outcome == outcome
    assert ("GEX_FLIP" in one.evaluable) is (entry != NONE or previous != NONE)


def test_a_position_that_was_opposed_all_along_says_so():
    line = judged(gex_entry=PUT, gex_previous=NONE).lines["GEX_FLIP"]
    assert "it opposed before already" in line.text


def test_a_signal_that_agreed_at_entry_still_has_to_be_young_strong_and_later():
    for columns in ({"gex_at": "11:00"}, {"gex_strength": 0.29}, {"entry_time": "14:50"}):
        assert judged(gex_entry=CALL, gex_previous=PUT, **columns).outcome == "HOLD"
