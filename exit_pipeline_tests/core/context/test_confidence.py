"""Confidence: its parts, its clamps, and what is not known."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from exit_pipeline.core.context.confidence import ConfidenceSettings, judge_confidence
from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.core.context.rows import columns_of

BULLISH, BEARISH, NEUTRAL = 1, -1, 0
LOW_VOL, NORMAL, HIGH_VOL = 1, 2, 3
PARTS = ["vix", "trend", "bias", "context", "positioning", "gamma", "confluence"]


def judged(*rows, settings=None):
    against = np.array([row.get("against", nan) for row in rows])
    rows = [{k: v for k, v in row.items() if k != "against"} for row in rows]
    return judge_confidence(columns_of(*rows), against, settings or ConfidenceSettings())


WORKED = {"vix": 14, "trend": BEARISH, "bias": -0.6, "regime": NORMAL, "gamma": -0.8,
          "gamma_freshness": 0.75, "against": 0.8}  # fmt: skip


def test_the_worked_number_and_its_parts():
    one = judged(WORKED)
    parts = {name: getattr(one, name)[0] for name in PARTS}
    assert parts == {"vix": 5, "trend": -20, "bias": -5, "context": -20, "positioning": 0,
                     "gamma": pytest.approx(-9), "confluence": -10}  # fmt: skip
    assert (one.confidence[0], one.note[0]) == (11, "")


@pytest.mark.parametrize(
    ("row", "part", "points"),
    [
        pytest.param({"vix": 14.99}, "vix", 5, id="calm VIX"),
        pytest.param({"vix": 15}, "vix", 0, id="VIX of exactly 15"),
        pytest.param({"vix": 30}, "vix", 0, id="VIX of exactly 30"),
        pytest.param({"vix": 30.01}, "vix", -10, id="stressed VIX"),
        pytest.param({"trend": BULLISH}, "trend", 10, id="trend with a long call"),
        pytest.param({"trend": BEARISH}, "trend", -20, id="trend against it"),
        pytest.param({"trend": BEARISH, "view": -1}, "trend", 10, id="trend with a put"),
        pytest.param({"trend": NEUTRAL}, "trend", 0, id="no trend"),
        pytest.param({"bias": 0.51}, "bias", 5, id="bias with"),
        pytest.param({"bias": 0.5}, "bias", 0, id="bias of exactly 0.5"),
        pytest.param({"bias": 0.3}, "bias", 0, id="a small bias"),
        pytest.param({"bias": -0.5}, "bias", 0, id="bias of exactly -0.5"),
        pytest.param({"bias": -0.51}, "bias", -5, id="bias against"),
        pytest.param({"bias": -0.51, "view": -1}, "bias", 5, id="bias with a put"),
        pytest.param({"regime": LOW_VOL}, "positioning", 10, id="LOW_VOL"),
        pytest.param({"regime": HIGH_VOL}, "positioning", -10, id="HIGH_VOL"),
        pytest.param({"regime": NORMAL}, "positioning", 0, id="NORMAL"),
        pytest.param({"regime": LOW_VOL, "side": -1}, "positioning", 10, id="for either side"),
        pytest.param({"gamma": 1, "gamma_freshness": 1}, "gamma", 15, id="new and full gamma"),
        pytest.param({"gamma": -1, "gamma_freshness": 0.5}, "gamma", -7.5, id="half-aged against"),
        pytest.param({"gamma": -1, "gamma_freshness": 1, "view": -1}, "gamma", 15,
                     id="gamma with a put"),
        pytest.param({"gamma": 1, "gamma_freshness": 0}, "gamma", 0, id="gamma too old"),
        pytest.param({"against": 0.7}, "confluence", -10, id="confluence of exactly 0.7"),
        pytest.param({"against": 0.69}, "confluence", 0, id="below"),
        pytest.param({"against": 1.0}, "confluence", -10, id="all against"),
        pytest.param({"against": 0.7 - 1e-15}, "confluence", -10,
                     id="0.7 on paper, a hair less in floats"),
    ],
)  # fmt: skip
def test_each_part_alone_gives_its_points(row, part, points):
    one = judged(row)
    assert getattr(one, part)[0] == points
    assert one.confidence[0] == np.rint(50 + points) or isnan(one.confidence[0])


NAMES = ["vix", "trend", "bias", "regime", "gamma", "confluence"]


@pytest.mark.parametrize("name", NAMES)
def test_a_part_without_data_is_zero_and_named(name):
    one = judged(WORKED | {"against" if name == "confluence" else name: nan})
    assert one.note[0] == f"no data: {name}"
    part = "positioning" if name == "regime" else name
    assert getattr(one, part)[0] == 0


def test_with_no_data_at_all_there_is_no_confidence_rather_than_fifty():
    one = judged({}, {"gamma": 1, "gamma_freshness": 0})
    assert np.isnan(one.confidence).all()
    assert set(one.note) == {f"no data: {', '.join(NAMES)}"}


def test_a_contract_that_is_not_known_has_no_view_to_be_judged_by():
    one = judged(WORKED | {"view": 0})
    assert one.note[0] == "no data: trend, bias, gamma, confluence"
    assert one.confidence[0] == 55


@pytest.mark.parametrize(
    ("row", "context", "confidence"),
    [
        pytest.param({"vix": 40, "trend": BEARISH, "bias": -0.9}, -20, 30, id="from below"),
        pytest.param({"vix": 14, "trend": BULLISH, "bias": 0.9}, 20, 70, id="exactly from above"),
    ],
)
def test_the_context_is_clamped(row, context, confidence):
    one = judged(row)
    assert (one.context[0], one.confidence[0]) == (context, confidence)


@pytest.mark.parametrize(
    ("row", "confidence"),
    [
        pytest.param({"vix": 35, "trend": BEARISH, "regime": HIGH_VOL, "gamma": -1,
                      "gamma_freshness": 1, "against": 1.0}, 0, id="all against: -5 is 0"),
        pytest.param({"vix": 12, "trend": BULLISH, "bias": 1, "regime": LOW_VOL, "gamma": 1,
                      "gamma_freshness": 1, "against": 0.0}, 95, id="all in favour"),
    ],
)  # fmt: skip
def test_the_whole_is_clamped(row, confidence):
    assert judged(row).confidence[0] == confidence


def test_clamps_and_points_are_settings():
    loud = ConfidenceSettings(trend_with=100, context_max=60, low_vol=90)
    one = judged({"trend": BULLISH, "regime": LOW_VOL}, settings=loud)
    assert (one.context[0], one.positioning[0], one.confidence[0]) == (60, 15, 100)


@pytest.mark.parametrize(
    ("freshness", "confidence"),
    [
        pytest.param(0.23, 53, id="53.45 is 53"),
        pytest.param(0.1, 52, id="halves go to even, 51.5 is 52"),
        pytest.param(0.3, 54, id="and 54.5 is 54"),
    ],
)
def test_the_sum_is_rounded_to_whole_points(freshness, confidence):
    one = judged({"gamma": 1, "gamma_freshness": freshness})
    assert one.confidence[0] == confidence


@pytest.mark.parametrize(
    ("against", "text"),
    [
        pytest.param([0.1, 0.2], "confluence must be one per position, 1, were 2", id="too many"),
        pytest.param([1.5], "confluence 1.5 must be within 0 and 1", id="above one"),
        pytest.param([-0.5], "confluence -0.5 must be within 0 and 1", id="below zero"),
    ],
)
def test_a_senseless_confluence_is_refused(against, text):
    with pytest.raises(InputError) as error:
        judge_confidence(columns_of({}), np.array(against), ConfidenceSettings())
    assert str(error.value) == text


def a_row(**drawn):
    return {name: nan if value is None else value for name, value in drawn.items()}


UNIT = st.none() | st.floats(-1, 1)
CODE = st.none() | st.sampled_from([-1, 0, 1])
REGIME = st.none() | st.sampled_from([LOW_VOL, NORMAL, HIGH_VOL])
SHARE = st.none() | st.floats(0, 1)
ROWS = st.builds(
    a_row, view=st.sampled_from([-1, 0, 1]), side=st.sampled_from([-1, 1]), trend=CODE,
    vix=st.none() | st.floats(5, 90), bias=UNIT, regime=REGIME, gamma=UNIT, gamma_freshness=SHARE,
    against=SHARE,
)  # fmt: skip


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_it_is_whole_within_its_range_the_sum_of_its_parts_and_each_row_alone(rows):
    together = judged(*rows)
    total = 50 + together.context + together.positioning + together.gamma + together.confluence
    for i, row in enumerate(rows):
        one = together.confidence[i]
        np.testing.assert_equal(one, judged(row).confidence[0])
        if not isnan(one):
            assert one == np.rint(np.clip(total[i], 0, 100))
        assert abs(together.context[i]) <= 20
        assert abs(together.positioning[i]) <= 15
        assert abs(together.gamma[i]) <= 15


@given(ROWS)
def test_a_trend_against_never_gives_more_than_one_with_the_position(row):
    seen = [judged(row | {"trend": sign * row["view"]}).confidence[0] for sign in (-1, 0, 1)]
    assert np.isnan(seen).all() or seen == sorted(seen)


@pytest.mark.parametrize(
    "given_", [{"trend_with": -1}, {"trend_against": 1}, {"bias_beyond": 1}, {"confluence": 5}]
)
def test_senseless_settings_are_refused(given_):
    with pytest.raises(ValidationError):
        ConfidenceSettings(**given_)
