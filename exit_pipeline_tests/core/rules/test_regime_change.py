"""REGIME_CHANGE."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.builders import decide_one

UNKNOWN, LOW_VOL, NORMAL, HIGH_VOL = range(4)


@pytest.mark.parametrize(
    ("to", "entry", "now", "outcome"),
    [
        pytest.param("high_vol", NORMAL, HIGH_VOL, "FULL", id="to HIGH_VOL"),
        pytest.param("high_vol", LOW_VOL, HIGH_VOL, "FULL", id="to HIGH_VOL from far"),
        pytest.param("high_vol", HIGH_VOL, HIGH_VOL, "HOLD", id="HIGH_VOL all along"),
        pytest.param("high_vol", NORMAL, LOW_VOL, "HOLD", id="to another one"),
        pytest.param("low_vol", HIGH_VOL, LOW_VOL, "FULL", id="to LOW_VOL where asked for"),
        pytest.param("normal", HIGH_VOL, NORMAL, "FULL", id="to NORMAL where asked for"),
        pytest.param("normal", NORMAL, HIGH_VOL, "HOLD", id="away from NORMAL"),
        pytest.param("any", LOW_VOL, NORMAL, "FULL", id="any change"),
        pytest.param("any", LOW_VOL, LOW_VOL, "HOLD", id="no change"),
    ],
)
def test_a_position_leaves_when_the_regime_has_become_the_one_asked_for(to, entry, now, outcome):
    one = decide_one(f"regime_change.to={to}", entry_regime=entry, regime=now, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("REGIME_CHANGE" if outcome == "FULL" else None)
    assert "REGIME_CHANGE" in one.evaluable


@pytest.mark.parametrize(
    ("entry", "now", "note"),
    [
        pytest.param(NORMAL, UNKNOWN, "the regime is not known", id="now"),
        pytest.param(UNKNOWN, HIGH_VOL, "the regime at entry is not known", id="at entry"),
        pytest.param(UNKNOWN, UNKNOWN, "the regime is not known", id="neither"),
    ],
)
@pytest.mark.parametrize("to", ["high_vol", "any"])
def test_a_regime_that_is_not_known_is_no_change(to, entry, now, note):
    one = decide_one(f"regime_change.to={to}", entry_regime=entry, regime=now)
    assert "REGIME_CHANGE" not in one.evaluable | one.fired
    assert one.lines["REGIME_CHANGE"].text == note


@pytest.mark.parametrize(
    ("now", "text"),
    [
        pytest.param(HIGH_VOL, "the regime was NORMAL at entry and is HIGH_VOL", id="changed"),
        pytest.param(NORMAL, "the regime is NORMAL as at entry", id="the same"),
        pytest.param(LOW_VOL, "the regime was NORMAL at entry and is LOW_VOL", id="another"),
    ],
)
def test_the_trace_names_both_regimes(now, text):
    one = decide_one("regime_change=on", entry_regime=NORMAL, regime=now)
    assert one.lines["REGIME_CHANGE"].text == text


def test_a_regime_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"regime_change\.to = 'panic' is not usable: expected"):
        decide_one("regime_change.to=panic")
