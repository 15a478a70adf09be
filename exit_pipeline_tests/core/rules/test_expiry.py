"""EXPIRY."""

import pytest

from exit_pipeline_tests.builders import decide_one

FULL_DAY = {"session_close": "16:00", "last_trading_close": "16:00"}
SHORT_DAY = {"session_close": "13:00", "last_trading_close": "13:00"}


@pytest.mark.parametrize(
    ("day", "at", "outcome", "urgency"),
    [
        pytest.param(FULL_DAY, "14:29:59", "HOLD", "PATIENT", id="just before 14:30"),
        pytest.param(FULL_DAY, "14:30", "FULL", "FAST", id="14:30"),
        pytest.param(FULL_DAY, "14:59:59", "FULL", "FAST", id="just before 15:00"),
        pytest.param(FULL_DAY, "15:00", "FULL", "EMERGENCY", id="15:00"),
        pytest.param(FULL_DAY, "15:55", "FULL", "EMERGENCY", id="the last tick"),
        pytest.param(SHORT_DAY, "11:25", "HOLD", "PATIENT", id="11:25 on a short day"),
        pytest.param(SHORT_DAY, "11:30", "FULL", "FAST", id="11:30 on a short day"),
        pytest.param(SHORT_DAY, "11:55", "FULL", "FAST", id="11:55 on a short day"),
        pytest.param(SHORT_DAY, "12:00", "FULL", "EMERGENCY", id="12:00 on a short day"),
    ],
)
def test_a_contract_is_left_on_its_last_trading_day(day, at, outcome, urgency):
    one = decide_one(decided_at=at, **day)
    assert (one.outcome, one.urgency) == (outcome, urgency)
    assert one.reason == ("EXPIRY" if outcome == "FULL" else None)


def test_each_row_has_its_own_urgency_and_the_rest_of_the_book_is_left_alone():
    assert decide_one(decided_at="15:00").outcome == "HOLD"


def test_the_day_before_nothing_is_due():
    assert decide_one(decided_at="15:55", last_trading_close="2026-03-19 16:00").outcome == "HOLD"


def test_it_fires_without_a_quote_and_before_a_profit():
    without = decide_one(decided_at="14:30", bid=None, ask=None, **FULL_DAY)
    assert without.reason == "EXPIRY"
    with_profit = decide_one(decided_at="14:30", mark="5.00", quantity=10, **FULL_DAY)
    assert (with_profit.reason, with_profit.quantity) == ("EXPIRY", 10)


@pytest.mark.parametrize("at", ["16:00", "16:00:01"])
def test_an_expired_contract_holds_and_says_so(at):
    one = decide_one(decided_at=at, force_close=True, intraday=True, mark="9.00", **FULL_DAY)
    assert (one.outcome, one.quantity, one.fired, one.evaluable) == ("HOLD", 0, set(), set())
    assert (one.flags.name, one.grade, one.mark) == ("EXPIRED_CONTRACT", "BAD", None)
    assert one.sentences[0] == (
        "Nothing can be sent: the contract no longer trades and awaits settlement."
    )


def test_an_unknown_last_trading_day_is_not_judged_and_ends_nothing():
    one = decide_one(last_trading_close=None, mark="3.00")
    assert "EXPIRY" not in one.evaluable | one.fired
    assert one.lines["EXPIRY"].text == "the contract is not known"
    assert (one.grade, one.reason) == ("GOOD", "PROFIT_TARGET")


def test_the_minutes_are_settings():
    policy = "expiry.minutes_before_close=30, expiry.emergency_minutes_before_close=10"
    assert decide_one(policy, decided_at="15:29", **FULL_DAY).outcome == "HOLD"
    assert decide_one(policy, decided_at="15:30", **FULL_DAY).urgency == "FAST"
    assert decide_one(policy, decided_at="15:50", **FULL_DAY).urgency == "EMERGENCY"


def test_the_trace_counts_the_minutes():
    line = decide_one(decided_at="13:00", **FULL_DAY).lines["EXPIRY"]
    assert (line.observed, line.threshold, line.distance, line.progress) == (180, 90, 90, 0.5)
    assert line.text == "the contract stops trading in 3.0 hours, the exit is due at 90 minutes"
