"""TIME_EXIT."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one


@pytest.mark.parametrize(
    ("at", "close", "outcome"),
    [
        pytest.param("15:29:59", "16:00", "HOLD", id="just before on a full day"),
        pytest.param("15:30", "16:00", "FULL", id="15:30 on a full day"),
        pytest.param("15:55", "16:00", "FULL", id="the last tick"),
        pytest.param("12:25", "13:00", "HOLD", id="before on a short day"),
        pytest.param("12:30", "13:00", "FULL", id="12:30 on a short day"),
    ],
)
def test_an_intraday_position_leaves_thirty_minutes_before_the_close(at, close, outcome):
    one = decide_one(intraday=True, decided_at=at, session_close=close)
    assert one.outcome == outcome
    assert one.urgency == ("FAST" if outcome == "FULL" else "PATIENT")


def test_a_leap_is_not_sold_because_the_day_ends():
    one = decide_one(decided_at="15:55", last_trading_close="2028-01-21 16:00")
    assert one.outcome == "HOLD"
    assert one.lines["TIME_EXIT"].text == "the timeframe is not intraday"


def test_a_policy_may_apply_it_to_all():
    one = decide_one("time_exit.applies_to=all", decided_at="15:30")
    assert one.reason == "TIME_EXIT"


def test_it_fires_without_a_quote():
    one = decide_one(intraday=True, decided_at="15:30", bid=None, ask=None, quoted_at=None)
    assert (one.reason, one.grade) == ("TIME_EXIT", "BAD")


def test_ten_lots_at_sixty_percent_leave_in_full_at_the_time_exit():
    one = decide_one(intraday=True, decided_at="15:30", mark="3.20", quantity=10)
    assert (one.outcome, one.reason, one.quantity) == ("FULL", "TIME_EXIT", 10)
    assert {"PROFIT_TARGET", "TIME_EXIT"} <= one.fired


def test_a_session_that_is_not_known_is_not_judged():
    one = decide_one(intraday=True, session_close=None)
    assert "TIME_EXIT" not in one.evaluable | one.fired
    assert one.lines["TIME_EXIT"].text == "the session is not known"


def test_the_trace_counts_the_minutes():
    line = decide_one(intraday=True, decided_at="15:00").lines["TIME_EXIT"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (60, 30, 30, 0.5)
    assert line.text == "the session closes in 60 minutes, the exit is due at 30 minutes"
    assert np.isnan(decide_one(decided_at="15:00").lines["TIME_EXIT"].distance)
