"""Confluence: which parts oppose, which are left out, and what their weights come to."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.confluence import ConfluenceSettings, find_confluence
from exit_pipeline.core.context.signal_votes import SignalVotes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.core.context.rows import columns_of

BULLISH, BEARISH, NEUTRAL = 1, -1, 0
LOW_VOL, NORMAL, HIGH_VOL = 1, 2, 3


def found(*rows, heard=0.0, opposing=0.0, **settings):
    n = len(rows)
    votes = SignalVotes(heard=np.full(n, heard), opposing=np.full(n, opposing))
    return find_confluence(columns_of(*rows), votes, ConfluenceSettings(**settings))


WORKED = {"trend": BEARISH, "bias": -0.4, "gamma": -0.8, "gamma_freshness": 0.5, "regime": NORMAL}


def test_the_worked_number():
    one = found(WORKED, heard=1.7, opposing=1.0)
    assert one.against[0] == pytest.approx(3.5 / 4.7)
    assert {name: (voice.heard[0], voice.opposing[0]) for name, voice in one.voices.items()} == {
        "trend": (1.0, 1.0), "bias": (0.5, 0.5), "gamma": (1.0, 1.0), "regime": (0.5, 0.0),
        "signals": (1.7, 1.0),
    }  # fmt: skip
    assert one.note[0] == ""


@pytest.mark.parametrize(
    ("row", "against"),
    [
        pytest.param({"trend": BEARISH}, 1, id="trend against"),
        pytest.param({"trend": BULLISH}, 0, id="trend with"),
        pytest.param({"trend": NEUTRAL}, 0, id="no trend"),
        pytest.param({"trend": BULLISH, "view": -1}, 1, id="trend against a put"),
        pytest.param({"bias": -0.2}, 1, id="bias exactly at its minimum"),
        pytest.param({"bias": -0.19}, 0, id="bias too small"),
        pytest.param({"bias": 0.9}, 0, id="bias with"),
        pytest.param({"gamma": -0.3, "gamma_freshness": 0.1}, 1, id="gamma at its minimum"),
        pytest.param({"gamma": -0.29, "gamma_freshness": 1}, 0, id="gamma too weak"),
        pytest.param({"gamma": 0.9, "gamma_freshness": 1}, 0, id="gamma with"),
        pytest.param({"regime": LOW_VOL}, 1, id="LOW_VOL against long premium"),
        pytest.param({"regime": HIGH_VOL}, 0, id="HIGH_VOL not against long premium"),
        pytest.param({"regime": HIGH_VOL, "side": -1}, 1, id="HIGH_VOL against short premium"),
        pytest.param({"regime": LOW_VOL, "side": -1}, 0, id="LOW_VOL not against short premium"),
        pytest.param({"regime": NORMAL, "side": -1}, 0, id="NORMAL against nobody"),
        pytest.param({"regime": LOW_VOL, "view": -1}, 1, id="whatever the view"),
    ],
)
def test_each_part_alone_opposes_or_not(row, against):
    assert found(row).against[0] == against


ALL_PARTS = ["trend", "bias", "gamma", "regime", "signals"]


@pytest.mark.parametrize(
    ("row", "note"),
    [
        pytest.param({}, "no data: trend, bias, gamma, regime, signals", id="nothing"),
        pytest.param({"gamma": -0.9, "gamma_freshness": 0.0},
                     "no data: trend, bias, gamma, regime, signals", id="only gamma too old"),
        pytest.param({"gamma": -0.9}, "no data: trend, bias, gamma, regime, signals",
                     id="only gamma of no known age"),
        pytest.param(WORKED | {"view": 0}, "the contract is not known", id="contract not known"),
    ],
)  # fmt: skip
def test_with_nothing_to_go_by_the_answer_is_not_known_and_says_why(row, note):
    one = found(row)
    assert isnan(one.against[0])
    assert one.note[0] == note


@pytest.mark.parametrize("part", ALL_PARTS)
def test_a_part_without_data_is_left_out_of_both_sums_and_named(part):
    gone = {part: nan} if part != "signals" else {}
    votes = {"heard": 1.7, "opposing": 1.0} if part != "signals" else {}
    one = found(WORKED | gone, **votes)
    voices = {name: voice for name, voice in one.voices.items() if name != part}
    heard = sum(voice.heard[0] for voice in voices.values())
    opposing = sum(voice.opposing[0] for voice in voices.values())
    assert one.against[0] == pytest.approx(opposing / heard)
    assert one.note[0] == f"no data: {part}"


def test_signals_of_any_weight_are_data():
    one = found(WORKED, heard=0.5, opposing=0.5)
    assert (one.against[0], one.note[0]) == (pytest.approx(3 / 3.5), "")


def test_signals_say_nothing_about_a_contract_that_is_not_known():
    one = found({"view": 0}, heard=1.0, opposing=1.0)
    assert isnan(one.against[0])
    assert (one.voices["signals"].heard[0], one.voices["signals"].opposing[0]) == (0, 0)


def test_a_part_of_weight_zero_has_no_say_but_is_not_called_missing():
    one = found({"trend": BEARISH, "bias": 0.9}, trend=0)
    assert (one.against[0], one.note[0]) == (0.0, "no data: gamma, regime, signals")


def test_weights_that_are_all_zero_leave_nothing_to_go_by():
    one = found(WORKED, {}, WORKED | {"view": 0}, trend=0, bias=0, gamma=0, regime=0)
    assert np.isnan(one.against).all()
    assert one.note.tolist() == ["nothing that has data has weight",
                                 f"no data: {', '.join(ALL_PARTS)}",
                                 "the contract is not known"]  # fmt: skip


def test_votes_of_other_positions_are_refused():
    votes = SignalVotes(heard=np.zeros(2), opposing=np.zeros(2))
    with pytest.raises(InputError, match="votes must be one per position, 1, were 2"):
        find_confluence(columns_of({}), votes, ConfluenceSettings())


UNIT = st.none() | st.floats(-1, 1)
CODE = st.none() | st.sampled_from([-1, 0, 1])
REGIME = st.none() | st.sampled_from([LOW_VOL, NORMAL, HIGH_VOL])


def a_row(**drawn):
    return {name: nan if value is None else value for name, value in drawn.items()}


ROWS = st.builds(
    a_row, view=st.sampled_from([-1, 1]), side=st.sampled_from([-1, 1]), trend=CODE, bias=UNIT,
    regime=REGIME, gamma=UNIT, gamma_freshness=st.none() | st.floats(0, 1),
)  # fmt: skip


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_the_answer_is_a_share_and_each_row_is_judged_alone(rows):
    together = found(*rows)
    for i, row in enumerate(rows):
        alone = found(row)
        np.testing.assert_equal(together.against[i], alone.against[0])
        assert together.note[i] == alone.note[0]
        assert isnan(alone.against[0]) or 0 <= alone.against[0] <= 1


@given(ROWS)
def test_what_turns_everything_around_turns_every_view(row):
    """Trend, bias and gamma reversed are against the opposite view as much as before."""
    flip = {name: -row[name] for name in ("view", "trend", "bias", "gamma")}
    np.testing.assert_equal(found(row | flip).against, found(row).against)


@given(ROWS)
def test_one_more_part_against_never_lowers_it(row):
    without = found(row | {"trend": nan}).against[0]
    against = found(row | {"trend": -row["view"]}).against[0]
    assert isnan(without) or against >= without
