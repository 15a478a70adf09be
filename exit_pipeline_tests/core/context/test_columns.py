"""Columns of context, and the texts about what is missing."""

from math import inf, nan

import numpy as np
import pytest

from exit_pipeline.core.context.columns import ContextColumns, say_missing
from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.core.context.rows import columns_of


@pytest.mark.parametrize(
    ("row", "text"),
    [
        pytest.param({"vix": 0}, "vix 0 must be within 0.01 and inf", id="a VIX of zero"),
        pytest.param({"vix": -3}, "vix -3 must be within 0.01 and inf", id="a negative VIX"),
        pytest.param({"bias": 1.1}, "bias 1.1 must be within -1 and 1", id="bias"),
        pytest.param({"gamma": -inf}, "gamma -inf must be within -1 and 1", id="infinite gamma"),
        pytest.param({"gamma_freshness": 1.5}, "gamma_freshness 1.5 must be within 0 and 1",
                     id="fresher than new"),
        pytest.param({"trend": 2}, "trend 2 must be within -1 and 1", id="trend"),
        pytest.param({"regime": 0}, "regime 0 must be within 1 and 3", id="regime"),
        pytest.param({"view": 3}, "view 3 must be within -1 and 1", id="view"),
        pytest.param({"side": -2}, "side -2 must be within -1 and 1", id="side"),
    ],
)  # fmt: skip
def test_a_value_out_of_its_range_is_refused(row, text):
    with pytest.raises(InputError) as error:
        columns_of({}, row)
    assert str(error.value) == text


def test_columns_have_one_length():
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(InputError, match=r"one length, had \[1, 2\]"):
        ContextColumns(view=one.astype(np.int8), side=one.astype(np.int8), vix=two, trend=one,
                       bias=one, regime=one, gamma=one, gamma_freshness=one)  # fmt: skip


@pytest.mark.parametrize(
    ("gamma", "fresh", "known"),
    [(0.5, 0.1, True), (0.0, 1.0, True), (0.5, 0.0, False), (0.5, nan, False), (nan, 1.0, False)],
)
def test_a_gamma_signal_is_known_while_it_is_fresh(gamma, fresh, known):
    columns = columns_of({"gamma": gamma, "gamma_freshness": fresh})
    assert columns.gamma_known.tolist() == [known]


def test_what_is_missing_is_named_row_by_row_in_the_order_of_the_parts():
    known = {"trend": np.array([True, False, False]), "bias": np.array([True, True, False])}
    assert say_missing(known).tolist() == ["", "no data: trend", "no data: trend, bias"]


def test_no_rows_have_no_texts():
    assert say_missing({"trend": np.zeros(0, bool)}).tolist() == []
