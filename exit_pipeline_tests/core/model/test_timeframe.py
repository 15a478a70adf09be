"""Timeframes in the spellings of many programs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.timeframe import normalise_timeframe


@pytest.mark.parametrize(
    ("spellings", "normal"),
    [
        pytest.param(["15", "15m", "15 min", " 15MIN ", "15M", "015"], "15m", id="15 minutes"),
        pytest.param(["60", "1h", "1H", "1 hour", "H", "60m"], "60m", id="an hour"),
        pytest.param(["240", "4h", "4 hours"], "240m", id="four hours"),
        pytest.param(["D", "1d", "1D", "daily", "1 day"], "1d", id="a day"),
        pytest.param(["W", "1w", "weekly"], "1w", id="a week"),
        pytest.param(["1m", "1", "m"], "1m", id="a minute is no month"),
        pytest.param(["M", "1M", "1mo"], "1M", id="a month"),
        pytest.param(["3M", "3 months"], "3M", id="a quarter"),
        pytest.param(["swing", " Swing "], "swing", id="another word"),
        pytest.param(["30S", "30s"], "30s", id="seconds stay a word"),
        pytest.param(["9" * 5000], "9" * 5000, id="digits beyond all sense stay a word"),
        pytest.param([None, "", "  "], None, id="not told"),
    ],
)
def test_equal_timeframes_have_one_spelling(spellings, normal):
    assert {normalise_timeframe(spelling) for spelling in spellings} == {normal}


@given(st.text(max_size=12))
def test_normalising_twice_changes_nothing_more(text):
    once = normalise_timeframe(text)
    assert normalise_timeframe(once) == once
