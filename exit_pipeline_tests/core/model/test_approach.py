"""How near rules are to firing."""

import numpy as np
import pytest

from exit_pipeline.core.model.approach import approach, dollars, first_ground, nearest
from exit_pipeline.core.model.price import UNKNOWN


def an_approach(observed, threshold, *, fired=False, note="", falls=False, unit=""):
    return approach(
        np.array([float(observed)]),
        threshold,
        np.array([fired]),
        told=(unit, np.array([note], dtype=object)),
        falls=falls,
    )


@pytest.mark.parametrize(
    ("observed", "threshold", "falls", "distance", "progress"),
    [
        pytest.param(27, 30, False, 3, 0.9, id="rising"),
        pytest.param(-5, 30, False, 35, 0, id="rising from below zero"),
        pytest.param(-1, 0, False, 1, 0, id="rising to zero"),
        pytest.param(30, 21, True, 9, 0.7, id="falling"),
        pytest.param(5, 0, True, 5, 0, id="falling to zero"),
    ],
)
def test_the_way_to_a_threshold_is_told_in_its_unit_and_as_a_share(
    observed, threshold, falls, distance, progress
):
    way = an_approach(observed, threshold, falls=falls)
    assert (way.distance[0], way.progress[0]) == (distance, pytest.approx(progress))


@pytest.mark.parametrize("falls", [False, True])
def test_what_only_a_float_takes_for_reached_has_not_come_all_the_way(falls):
    way = an_approach(30, 30, falls=falls)
    assert (way.distance[0], way.progress[0] < 1) == (0, True)


def test_what_has_fired_has_come_all_the_way_and_needs_no_note():
    way = an_approach(29, 30, fired=True, note="late")
    assert (way.distance[0], way.progress[0], way.note[0]) == (0, 1, "")


@pytest.mark.parametrize(("observed", "threshold"), [(np.nan, 30), (30, np.nan)])
def test_what_is_not_known_is_nowhere_on_the_way(observed, threshold):
    way = an_approach(observed, threshold, note="no reading")
    assert np.isnan([way.distance[0], way.progress[0]]).all()
    assert way.note[0] == "no reading"


def test_of_several_conditions_the_nearest_is_told():
    far, near = an_approach(1, 10), an_approach(90, 100, unit="%")
    way = nearest(1, {"far": far, "near": near})
    assert (way.observed[0], way.threshold[0], way.distance[0]) == (90, 100, 10)
    assert (way.unit[0], way.sentence[0], way.note[0]) == ("%", "near", "")


def test_the_first_note_of_any_condition_is_told_until_one_has_fired():
    blind = an_approach(np.nan, 10, note="no reading")
    also = an_approach(np.nan, 10, note="no other reading")
    assert nearest(1, {"a": an_approach(1, 2), "b": blind, "c": also}).note[0] == "no reading"
    assert nearest(1, {"a": an_approach(2, 2, fired=True), "b": blind}).note[0] == ""


def test_without_conditions_nothing_is_observed():
    way = nearest(2, {})
    assert np.isnan(way.progress).all()
    assert way.note.tolist() == ["no threshold of it is set"] * 2


def test_the_first_ground_that_applies_is_told():
    grounds = {"one": np.array([True, False, False]), "two": np.array([True, True, False])}
    assert first_ground(3, grounds).tolist() == ["one", "two", ""]


def test_prices_are_shown_in_dollars_and_unknown_ones_are_not():
    shown = dollars(np.array([12_500, UNKNOWN]))
    assert shown[0] == 1.25
    assert np.isnan(shown[1])
