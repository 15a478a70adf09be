"""DAILY_LOSS."""

import numpy as np
import pytest

from exit_pipeline_tests.builders import decide_one

ON = "daily_loss=on"


@pytest.mark.parametrize(
    ("pnl", "outcome"),
    [
        pytest.param(-999.99, "HOLD", id="a cent before"),
        pytest.param(-1_000.0, "FULL", id="exactly"),
        pytest.param(-25_000.0, "FULL", id="far beyond"),
        pytest.param(1_000.0, "HOLD", id="a gain"),
    ],
)
def test_an_account_that_lost_its_limit_today_leaves(pnl, outcome):
    one = decide_one(ON, day_pnl=pnl, quantity=10)
    assert (one.outcome, one.quantity) == (outcome, 10 if outcome == "FULL" else 0)
    assert one.reason == ("DAILY_LOSS" if outcome == "FULL" else None)


def test_winners_leave_too_in_full_and_without_a_quote():
    one = decide_one(ON, day_pnl=-1_500.0, mark="3.20", quantity=10)
    assert (one.reason, one.quantity, one.urgency) == ("DAILY_LOSS", 10, "FAST")
    assert decide_one(ON, day_pnl=-1_500.0, bid=None).reason == "DAILY_LOSS"


def test_a_profit_that_is_not_known_is_not_judged():
    one = decide_one(ON, day_pnl=np.nan)
    assert "DAILY_LOSS" not in one.evaluable
    assert one.lines["DAILY_LOSS"].text == "the account's profit is not known"


@pytest.mark.parametrize("limit", ["0.1", "0.3", "0.7", "1.1", "1000.1", "123456.78"])
def test_a_limit_of_any_cents_is_met_exactly(limit):
    assert decide_one(f"daily_loss.limit_dollars={limit}", day_pnl=-float(limit)).reason
    assert not decide_one(f"daily_loss.limit_dollars={limit}", day_pnl=0.001 - float(limit)).reason


def test_the_trace_tells_the_loss_and_what_is_missing():
    line = decide_one(ON, day_pnl=-750.0).lines["DAILY_LOSS"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (750, 1_000, 250, 0.75)
    assert line.text == (
        "the account has lost 750.00 dollars today against a limit of 1,000.00 dollars"
    )
    assert decide_one(ON, day_pnl=200.0).lines["DAILY_LOSS"].progress == 0
