"""FORCE_CLOSE."""

import pytest

from exit_pipeline_tests.builders import decide_one


@pytest.mark.parametrize(
    "quote",
    [
        pytest.param({"mark": "2.00"}, id="a good quote"),
        pytest.param({"bid": None, "ask": None}, id="no quote"),
        pytest.param({"bid": "0.00", "ask": "6.00"}, id="no market"),
        pytest.param({"quoted_at": "2026-03-15 10:00"}, id="an old quote"),
    ],
)
def test_a_request_closes_in_full_whatever_the_quote_says(quote):
    one = decide_one(force_close=True, quantity=10, profit_exited=2, **quote)
    assert (one.outcome, one.reason, one.quantity) == ("FULL", "FORCE_CLOSE", 8)
    assert one.urgency == "EMERGENCY"


def test_it_comes_before_every_other_rule():
    one = decide_one(
        force_close=True, mark="1.00", decided_at="15:30", last_trading_close="16:00", intraday=True
    )
    assert one.reason == "FORCE_CLOSE"
    assert one.fired == {"FORCE_CLOSE", "EXPIRY", "STOP_LOSS", "TIME_EXIT"}
    assert one.sentences[1] == "Also due: EXPIRY, STOP_LOSS, TIME_EXIT."


def test_without_a_request_it_is_judged_and_says_so():
    one = decide_one()
    assert one.outcome == "HOLD"
    assert "FORCE_CLOSE" in one.evaluable
    assert one.lines["FORCE_CLOSE"].text == "nobody asked for it"


def test_a_request_is_told_in_the_trace():
    line = decide_one(force_close=True).lines["FORCE_CLOSE"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (1, 1, 0, 1)
    assert line.text == "a person asked for the position to be closed"
