"""Regime: points, what is missing, and how long calm must last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.context.regime import (
    RegimeInputs,
    RegimeMemory,
    RegimeSettings,
    judge_regime,
)
from exit_pipeline.core.model.market_state import Regime, TermStructure, VixBand

CALM, NORMAL, ELEVATED, STRESSED, PANIC = VixBand
CONTANGO, BACKWARDATION = TermStructure
LOW, MID, HIGH = Regime
SETTINGS = RegimeSettings()


def judged(band=NORMAL, term=CONTANGO, realised=0.18, gamma=1, previous=None, gamma_of=""):
    inputs = RegimeInputs(
        band=band, term_structure=term, realised_vol=realised, gamma_sign=gamma, gamma_of=gamma_of
    )
    return judge_regime(inputs, SETTINGS, previous)


@pytest.mark.parametrize(
    ("inputs", "score", "regime"),
    [
        pytest.param({}, 0, MID, id="nothing unusual"),
        pytest.param({"band": CALM}, -1, LOW, id="calm"),
        pytest.param({"band": CALM, "gamma": -1}, 0, MID, id="calm but negative gamma"),
        pytest.param({"band": CALM, "term": BACKWARDATION}, 0, MID, id="calm but backwardation"),
        pytest.param({"band": CALM, "realised": 0.05, "gamma": -1}, -1, LOW,
                     id="calm and quiet outweigh negative gamma"),
        pytest.param({"realised": 0.09}, -1, LOW, id="quiet"),
        pytest.param({"realised": 0.10}, 0, MID, id="exactly at the quiet limit"),
        pytest.param({"realised": 0.25}, 1, MID, id="exactly at the wild limit"),
        pytest.param({"band": ELEVATED}, 1, MID, id="elevated alone"),
        pytest.param({"band": ELEVATED, "term": BACKWARDATION}, 2, HIGH,
                     id="elevated in backwardation"),
        pytest.param({"band": ELEVATED, "gamma": 0}, 1, MID, id="gamma of zero says nothing"),
        pytest.param({"term": BACKWARDATION, "gamma": -1}, 2, HIGH, id="stress before the level"),
        pytest.param({"band": STRESSED}, 2, HIGH, id="stressed"),
        pytest.param({"band": STRESSED, "realised": 0.05}, 1, MID, id="stressed but quiet"),
        pytest.param({"band": PANIC, "term": BACKWARDATION, "realised": 0.6, "gamma": -1}, 6, HIGH,
                     id="everything"),
    ],
)  # fmt: skip
def test_points_add_up_to_a_regime(inputs, score, regime):
    one = judged(**inputs)
    assert (one.score, one.regime, one.memory) == (score, regime, RegimeMemory(regime=regime))


@pytest.mark.parametrize(
    ("inputs", "reasons"),
    [
        pytest.param({}, ["The VIX is NORMAL."], id="nothing unusual"),
        pytest.param({"term": None, "realised": None, "gamma": None},
                     ["The VIX is NORMAL.", "The term structure is not known.",
                      "Realised volatility is not known.", "Gamma exposure is not known."],
                     id="only the VIX is known"),
        pytest.param({"band": PANIC, "term": BACKWARDATION, "realised": 0.6, "gamma": -1},
                     ["The VIX is PANIC.", "The VIX is above VIX3M (BACKWARDATION).",
                      "Realised volatility of 60.0% is wild.", "Net gamma is negative."],
                     id="everything"),
        pytest.param({"realised": 0.05},
                     ["The VIX is NORMAL.", "Realised volatility of 5.0% is quiet."], id="quiet"),
        pytest.param({"band": None, "gamma": -1},
                     ["The VIX is not known, so there is no regime."], id="no VIX"),
    ],
)  # fmt: skip
def test_the_reasons_tell_what_spoke_and_what_was_missing(inputs, reasons):
    assert list(judged(**inputs).reasons) == reasons


def test_the_reasons_tell_whose_gamma_it_is_that_counts():
    """Regression: AAPL's own gamma was positive, and its regime's reason said "negative"."""
    assert judged(gamma=-1, gamma_of="SPY").reasons[-1] == "Net gamma of SPY is negative."


@pytest.mark.parametrize("band", VixBand)
def test_what_is_missing_gives_no_points_so_that_the_rest_decides(band):
    only_vix = judged(band, term=None, realised=None, gamma=None)
    assert (only_vix.score, only_vix.regime) == (judged(band).score, judged(band).regime)


@given(st.sampled_from([None, *TermStructure]), st.none() | st.floats(0, 2),
       st.sampled_from([None, -1, 0, 1]), st.sampled_from([None, *Regime]))  # fmt: skip
def test_without_the_vix_there_is_never_a_regime(term, realised, gamma, regime):
    previous = None if regime is None else RegimeMemory(regime=regime, calmer_hits=2)
    one = judged(None, term, realised, gamma, previous)
    assert (one.regime, one.score) == (None, None)
    assert one.memory == (None if regime is None else RegimeMemory(regime=regime))


BY_NAME = {"L": {"band": CALM}, "N": {}, "H": {"band": STRESSED}, "-": {"band": None}}
LETTER = {LOW: "L", MID: "N", HIGH: "H", None: "-"}


@pytest.mark.parametrize(
    ("pointed", "held"),
    [
        pytest.param("N H", "N H", id="wilder at once"),
        pytest.param("L N H", "L N H", id="also out of calm"),
        pytest.param("L H", "L H", id="and by two steps"),
        pytest.param("H N N N N", "H H H N N", id="calmer on the third tick in a row"),
        pytest.param("H N N H N N N", "H H H H H H N", id="a tick in between breaks the row"),
        pytest.param("H L L L L L L", "H H H N N N L", id="a step at a time"),
        pytest.param("H N L N L", "H H H N N", id="any calmer one counts"),
        pytest.param("N L N L N L", "N N N N N N", id="no flicker"),
        pytest.param("H N N - N N N", "H H H - H H N", id="a tick without the VIX breaks the row"),
        pytest.param("- N", "- N", id="the first that is known"),
    ],
)
def test_calm_must_last_to_be_believed(pointed, held):
    memory, seen = None, []
    for letter in pointed.split():
        one = judged(**BY_NAME[letter], previous=memory)
        memory = one.memory
        seen.append(LETTER[one.regime])
    assert seen == held.split()


def test_a_regime_that_only_still_holds_says_so():
    one = judged(previous=RegimeMemory(regime=HIGH, calmer_hits=1))
    assert one.regime is HIGH
    assert one.reasons[-1] == "HIGH_VOL still holds: 2 of 3 ticks in a row point to calmer."


def test_one_required_hit_is_no_hysteresis():
    inputs = RegimeInputs(band=NORMAL, term_structure=None, realised_vol=None, gamma_sign=None)
    settings = RegimeSettings(required_hits=1)
    assert judge_regime(inputs, settings, RegimeMemory(regime=HIGH)).regime is MID


@given(st.lists(st.sampled_from("LNH-"), max_size=30))
def test_the_regime_held_is_never_calmer_than_the_one_pointed_to(letters):
    memory = None
    for letter in letters:
        one = judged(**BY_NAME[letter], previous=memory)
        memory = one.memory
        plain = judged(**BY_NAME[letter]).regime
        assert (one.regime is None) == (plain is None)
        assert plain is None or one.regime >= plain


@given(st.sampled_from([VixBand, TermStructure]), st.data())
def test_more_stress_never_makes_it_calmer(kind, data):
    name = {VixBand: "band", TermStructure: "term"}[kind]
    low, high = sorted(data.draw(st.tuples(st.sampled_from(kind), st.sampled_from(kind))))
    rest = {"realised": data.draw(st.floats(0, 1)), "gamma": data.draw(st.sampled_from([-1, 0, 1]))}
    assert judged(**{name: low}, **rest).score <= judged(**{name: high}, **rest).score


@pytest.mark.parametrize("given_", [{"required_hits": 0}, {"realised_high_from": 0}])
def test_senseless_settings_are_refused(given_):
    with pytest.raises(ValidationError):
        RegimeSettings(**given_)
