"""Prices as integers of 1/10,000 dollar."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.price import UNKNOWN, to_dollars, to_units


@pytest.mark.parametrize(
    ("dollars", "units"),
    [
        ("1.9", 19_000), (0.1, 1_000), (Decimal("2.9999"), 29_999), (3, 30_000), ("0", 0),
        pytest.param("0.00005", 0, id="half to even, down"),
        pytest.param("0.00015", 2, id="half to even, up"),
        pytest.param("-1.25", -12_500, id="negative"),
        pytest.param("9999999999.9999", 99_999_999_999_999, id="the largest"),
        pytest.param(0.1 + 0.2, 3_000, id="a float by its shortest form"),
    ],
)  # fmt: skip
def test_dollars_become_units(dollars, units):
    assert to_units(dollars) == units


@pytest.mark.parametrize("value", ["x", "", "nan", "inf", "-inf", float("nan"), "sNaN", None])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError, match="is not a finite number of dollars"):
        to_units(value)


@pytest.mark.parametrize("value", ["1e10", "-1e10", "1e30", "1e999", 10**10, "9" * 60])
def test_what_is_too_large_to_keep_is_refused(value):
    with pytest.raises(InputError, match="is not below 10,000,000,000 dollars"):
        to_units(value)


@given(units=st.integers(-(10**14) + 1, 10**14 - 1))
def test_units_survive_the_way_to_dollars_and_back(units):
    assert to_units(to_dollars(units)) == units
    assert to_dollars(np.int64(units)) == to_dollars(units)


def test_what_is_not_known_is_none_and_never_zero():
    assert to_dollars(UNKNOWN) is None
    assert to_dollars(np.int64(UNKNOWN)) is None
    assert str(to_dollars(0)) == "0.0000"
    assert np.iinfo(np.int64).min == UNKNOWN
