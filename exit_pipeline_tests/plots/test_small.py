"""Pictures that are small enough to be shown at once."""

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.plots.small import MOST_CHARACTERS, as_markdown, small_gamma, small_vix

PRICES = st.floats(0.5, 99_999)


def words(svg: str) -> list[str]:
    tree = ElementTree.fromstring(svg)  # noqa: S314 our own text
    return [
        text for one in tree.iter("{http://www.w3.org/2000/svg}text") for text in one.itertext()
    ]


def test_levels_stand_above_their_names_from_the_nearest_on() -> None:
    svg = small_vix({"VIX9D": 23.35, "VIX": 22.71, "VIX3M": 21.4})
    assert svg is not None
    assert words(svg) == ["23.35", "VIX9D", "22.71", "VIX", "21.40", "VIX3M"]


@pytest.mark.parametrize("levels", [{}, {"VIX": 20.0}], ids=["none", "one"])
def test_one_level_is_no_term_structure(levels: dict[str, float]) -> None:
    assert small_vix(levels) is None


def test_marks_that_are_not_known_are_left_out() -> None:
    svg = small_gamma({"spot": 586.3, "zero": None, "put": 580.0, "call": 600.0})
    assert svg is not None
    assert "".join(words(svg)) == "put 580 spot 586 call 600"
    assert small_gamma({"spot": None, "put": 580.0, "call": 600.0}) is None
    assert small_gamma({"spot": 586.0}) is None


@given(PRICES, PRICES, PRICES, PRICES, st.integers(0, 99))
def test_every_picture_is_short_enough_to_be_shown_at_once(
    spot: float, zero: float, put: float, call: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    prices = np.sort(random.uniform(0.5 * spot, 1.5 * spot, 200))
    marks: dict[str, float | None] = {"spot": spot, "zero": zero, "put": put, "call": call}
    svg = small_gamma(marks, (prices, random.normal(0, 1e9, 200)))
    assert svg is not None
    assert len(as_markdown("gamma_ABCDEF", svg)) <= MOST_CHARACTERS
    vix = small_vix({"VIX9D": spot, "VIX": zero, "VIX3M": put})
    assert vix is not None
    assert len(as_markdown("vix_term", vix)) <= MOST_CHARACTERS
