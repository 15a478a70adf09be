"""EVENT_AHEAD."""

import pytest

from exit_pipeline_tests.builders import decide_one

ON = "event_ahead=on"
BOTH = "event_ahead.ex_dividends=true"


@pytest.mark.parametrize(
    ("policy", "earnings", "outcome"),
    [
        pytest.param(ON, "2026-03-21 10:00:01", "HOLD", id="a second before 72 hours"),
        pytest.param(ON, "2026-03-21 10:00", "FULL", id="exactly 72 hours"),
        pytest.param(ON, "10:00:01", "FULL", id="in a second"),
        pytest.param("event_ahead.hours_before=6.5", "16:30", "FULL", id="hours of its own"),
        pytest.param("event_ahead.hours_before=6", "16:30", "HOLD", id="fewer of them"),
    ],
)
def test_a_position_leaves_before_earnings(policy, earnings, outcome):
    one = decide_one(policy, next_earnings=earnings, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("EVENT_AHEAD" if outcome == "FULL" else None)


def test_a_report_before_mondays_open_is_left_on_friday():
    friday, monday = "2026-03-20 09:35", "2026-03-23 07:00"
    assert decide_one(ON, decided_at=friday, next_earnings=monday, session_close="2026-03-20 16:00",
                      ).reason == "EVENT_AHEAD"  # fmt: skip


@pytest.mark.parametrize(
    "earnings",
    [
        pytest.param(None, id="no date"),
        pytest.param("10:00", id="a date that is now"),
        pytest.param("2026-01-20 16:05", id="a date that has passed"),
    ],
)
def test_earnings_that_are_not_ahead_tell_nothing(earnings):
    one = decide_one(ON, next_earnings=earnings)
    assert "EVENT_AHEAD" not in one.evaluable | one.fired
    assert one.lines["EVENT_AHEAD"].text == "the next earnings are not known"


@pytest.mark.parametrize(
    ("policy", "columns", "fired", "evaluable"),
    [
        pytest.param(ON, {"next_earnings": "2026-05-20 16:05", "next_ex_dividend": "16:00"}, False,
                     True, id="dividends are not asked for"),
        pytest.param(BOTH, {"next_earnings": "2026-05-20 16:05", "next_ex_dividend": "16:00"}, True,
                     True, id="a dividend is near"),
        pytest.param(BOTH, {"next_ex_dividend": "16:00"}, True, True, id="one of both is enough"),
        pytest.param(BOTH, {"next_earnings": "2026-05-20 16:05"}, False, False,
                     id="one of both is not known"),
    ],
)  # fmt: skip
def test_dividends_count_where_asked_for(policy, columns, fired, evaluable):
    one = decide_one(policy, **columns)
    assert ("EVENT_AHEAD" in one.fired) is fired
    assert ("EVENT_AHEAD" in one.evaluable) is evaluable


def test_the_trace_counts_the_time_until_the_nearest_event():
    columns = {"next_earnings": "2026-03-24 10:00", "next_ex_dividend": "2026-04-20 09:30"}
    line = decide_one(BOTH, **columns).lines["EVENT_AHEAD"]
    assert (line.observed, line.threshold) == (6 * 1_440, 3 * 1_440)
    assert (line.distance, line.progress) == (3 * 1_440, 0.5)
    assert line.text == "the next earnings come in 6 days, the exit is due at 3 days"
