"""Realised volatility."""

from datetime import date, timedelta
from itertools import pairwise
from math import exp, log, sqrt
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.context.realised_vol import RealisedVol, RealisedVolSettings, realised_vol
from exit_pipeline.core.model.daily import DailyCloses

START = date(2026, 1, 1)
THREE = RealisedVolSettings(days=3)


def judged(closes, settings=THREE, late=0):
    days = [START + timedelta(i) for i in range(len(closes))]
    session = START + timedelta(len(closes) + late)
    columns = DailyCloses.of(zip(days, closes, strict=True))
    return realised_vol(columns, session, session - timedelta(1), settings)


def test_the_worked_number_is_a_fraction_of_a_year():
    assert judged([100, 101, 100, 101]) == RealisedVol(
        value=pytest.approx(0.1824, abs=5e-5), note=""
    )


@given(st.lists(st.floats(1, 1000), min_size=4, max_size=40))
def test_it_is_the_sample_deviation_of_the_newest_returns(closes):
    newest = closes[-4:]
    returns = [log(b / a) for a, b in pairwise(newest)]
    assert judged(closes).value == pytest.approx(stdev(returns) * sqrt(252), abs=1e-9)


def test_a_steady_rise_has_none():
    assert judged([100 * exp(0.01 * i) for i in range(4)]).value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("closes", "late", "note"),
    [
        pytest.param([], 0, "0 of 4 daily closes are stored.", id="none"),
        pytest.param([1, 2, 3], 0, "3 of 4 daily closes are stored.", id="one too few"),
        pytest.param([1, 2, 3, 4], 1,
                     "The newest daily close is of 2026-01-04, expected of 2026-01-05.", id="old"),
    ],
)  # fmt: skip
def test_what_cannot_be_reckoned_is_not_known_and_says_why(closes, late, note):
    assert judged(closes, late=late) == RealisedVol(value=None, note=note)


def test_the_close_of_the_session_and_later_ones_change_nothing():
    closes = [100, 101, 100, 101]
    columns = DailyCloses.of((START + timedelta(i), c) for i, c in enumerate([*closes, 5, 500]))
    session = START + timedelta(4)
    assert realised_vol(columns, session, session - timedelta(1), THREE) == judged(closes)


def test_twenty_returns_are_the_default():
    settings = RealisedVolSettings()
    assert judged([100] * 20, settings).value is None
    assert judged([100] * 21, settings).value == 0.0
