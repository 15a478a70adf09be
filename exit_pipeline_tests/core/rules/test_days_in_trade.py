"""DAYS_IN_TRADE."""

import pytest

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline_tests.builders import decide_one


@pytest.mark.parametrize(
    ("policy", "days", "outcome"),
    [
        pytest.param("days_in_trade=on", 29, "HOLD", id="a day before"),
        pytest.param("days_in_trade=on", 30, "FULL", id="exactly 30"),
        pytest.param("days_in_trade=on", 400, "FULL", id="long after"),
        pytest.param("days_in_trade.days=1", 0, "HOLD", id="on the day of the entry"),
        pytest.param("days_in_trade.days=1", 1, "FULL", id="on the next day"),
        pytest.param("days_in_trade.days=0", 0, "FULL", id="at once"),
    ],
)
def test_what_was_held_for_long_enough_leaves(policy, days, outcome):
    one = decide_one(policy, days_in_trade=days, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("DAYS_IN_TRADE" if outcome == "FULL" else None)


@pytest.mark.parametrize("days", [0, 30])
def test_an_entry_that_is_not_known_is_not_judged(days):
    one = decide_one(f"days_in_trade.days={days}", days_in_trade=UNKNOWN)
    assert "DAYS_IN_TRADE" not in one.evaluable | one.fired
    assert one.lines["DAYS_IN_TRADE"].text == "the entry's date is not known"


def test_the_trace_counts_the_days():
    line = decide_one("days_in_trade=on", days_in_trade=12).lines["DAYS_IN_TRADE"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (12, 30, 18, 0.4)
    assert line.text == "held for 12 days, the exit is due after 30 days"
