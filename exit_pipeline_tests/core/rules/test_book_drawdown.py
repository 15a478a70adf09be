"""BOOK_DRAWDOWN."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

ON = "book_drawdown=on"


@pytest.mark.parametrize(
    ("drawdown", "outcome"),
    [
        pytest.param(0.0, "HOLD", id="at its best"),
        pytest.param(1_999.99, "HOLD", id="a cent before"),
        pytest.param(2_000.0, "FULL", id="exactly"),
        pytest.param(9_000.0, "FULL", id="far beyond"),
    ],
)
def test_an_account_too_far_below_its_best_leaves(drawdown, outcome):
    one = decide_one(ON, drawdown=drawdown, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("BOOK_DRAWDOWN" if outcome == "FULL" else None)
    assert one.urgency == ("FAST" if outcome == "FULL" else "PATIENT")


def test_a_drawdown_that_is_not_known_is_not_judged():
    one = decide_one(ON, drawdown=np.nan)
    assert "BOOK_DRAWDOWN" not in one.evaluable
    assert one.lines["BOOK_DRAWDOWN"].text == "the account's drawdown is not known"


def test_the_limit_is_a_setting_and_the_trace_tells_it():
    line = decide_one("book_drawdown.limit_dollars=500", drawdown=400.0).lines["BOOK_DRAWDOWN"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (400, 500, 100, 0.8)
    assert line.text == (
        "the account is 400.00 dollars below its best against a limit of 500.00 dollars"
    )
