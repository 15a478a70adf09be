"""ASSIGNMENT_RISK."""

import pytest

from exit_pipeline_tests.builders import decide_one

# What the entry was worth is not what these tests ask about.
ON = "assignment_risk=on, profit_target=off, stop_loss=off"
# A short call of 750 under an underlying at 755: 5.00 in the money; a short put, likewise, at 745.
CALL = {"side": -1, "right": 1, "underlying_price": "755.00", "entry_price": "9.00"}
PUT = {"side": -1, "right": -1, "underlying_price": "745.00", "entry_price": "9.00"}
# Wednesday at 10:00; the contract trades without its dividend from Friday's open on.
EVE = {"next_ex_dividend": "2026-03-20 09:30", "dividend": "0.35"}
LAST_DAYS = {"days_to_expiration": 7}


def offered(ask):
    return {"bid": f"{float(ask) - 0.02:.4f}", "ask": ask}


@pytest.mark.parametrize(
    ("columns", "outcome"),
    [
        pytest.param(CALL | EVE | offered("5.3499"), "FULL", id="less time value than dividend"),
        pytest.param(CALL | EVE | offered("5.35"), "HOLD", id="exactly as much"),
        pytest.param(CALL | EVE | offered("4.99"), "FULL", id="offered below its value"),
        pytest.param(PUT | EVE | offered("5.20"), "HOLD", id="a put gains by waiting"),
        pytest.param(CALL | EVE | offered("5.20") | {"side": 1}, "HOLD", id="a long decides"),
        pytest.param(CALL | EVE | offered("0.20") | {"underlying_price": "750.00"}, "HOLD",
                     id="at the money"),
        pytest.param(CALL | EVE | offered("5.20") | {"next_ex_dividend": "2026-03-22 10:00"},
                     "FULL", id="exactly four days before"),
        pytest.param(CALL | EVE | offered("5.20") | {"next_ex_dividend": "2026-03-22 10:00:01"},
                     "HOLD", id="a second earlier"),
        pytest.param(CALL | EVE | offered("5.20") | {"next_ex_dividend": "10:00"}, "HOLD",
                     id="the dividend has gone"),
    ],
)  # fmt: skip
def test_a_short_call_leaves_where_its_dividend_is_worth_more_than_its_time(columns, outcome):
    one = decide_one(ON, **columns)
    assert one.outcome == outcome
    assert one.reason == ("ASSIGNMENT_RISK" if outcome == "FULL" else None)
    assert one.urgency == ("FAST" if outcome == "FULL" else "PATIENT")


@pytest.mark.parametrize("contract", [pytest.param(CALL, id="call"), pytest.param(PUT, id="put")])
@pytest.mark.parametrize(
    ("ask", "days", "outcome"),
    [
        pytest.param("5.0499", 7, "FULL", id="little time value in the last week"),
        pytest.param("5.05", 7, "HOLD", id="five cents of it"),
        pytest.param("5.0499", 8, "HOLD", id="a day earlier"),
    ],
)
def test_a_short_in_the_money_leaves_before_its_expiration_without_time_value(
    contract, ask, days, outcome
):
    one = decide_one(ON, **contract, **offered(ask), days_to_expiration=days)
    assert one.outcome == outcome


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        pytest.param({"underlying_price": None}, "the contract or its underlying's price is not "
                     "known", id="no price of the underlying"),
        pytest.param({"feed_at": "09:00"}, "the contract or its underlying's price is not known",
                     id="an old price of the underlying"),
        pytest.param({"bid": None}, "the quote gives no price to judge", id="no quote"),
        pytest.param({"dividend": None}, "the dividend is not known", id="no dividend"),
        pytest.param({"next_ex_dividend": None}, "the next ex-dividend day is not known",
                     id="no ex-dividend day"),
        pytest.param({"days_to_expiration": None}, "the expiration is not known",
                     id="no expiration"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_judged(columns, note):
    known = CALL | EVE | offered("6.00")
    if columns.get("days_to_expiration", 0) is None:
        columns = {"days_to_expiration": -(2**63)}
    one = decide_one(ON, **(known | columns))
    assert "ASSIGNMENT_RISK" not in one.evaluable | one.fired
    assert one.lines["ASSIGNMENT_RISK"].text == note


@pytest.mark.parametrize(
    ("columns", "note"),
    [
        pytest.param({"side": 1}, "a long position is never assigned", id="long"),
        pytest.param({"underlying_price": "700.00"}, "the contract is out of the money",
                     id="out of the money"),
        pytest.param({}, "neither the ex-dividend day nor the expiration is near", id="no date"),
    ],
)  # fmt: skip
def test_what_can_not_be_assigned_is_judged_and_says_so(columns, note):
    far = CALL | offered("5.20") | {"next_ex_dividend": "2026-05-20 09:30"}
    one = decide_one(ON, **(far | columns))
    assert "ASSIGNMENT_RISK" in one.evaluable
    assert one.lines["ASSIGNMENT_RISK"].text == note


def test_a_short_out_of_the_money_needs_no_quote_to_be_safe():
    one = decide_one(ON, **CALL | {"underlying_price": "700.00", "bid": None})
    assert "ASSIGNMENT_RISK" in one.evaluable - one.fired


def test_without_dividends_in_the_policy_their_days_need_not_be_known():
    one = decide_one("assignment_risk.ex_dividend_days=0", **CALL, **offered("5.20"))
    assert "ASSIGNMENT_RISK" in one.evaluable - one.fired


def test_the_trace_tells_the_time_value_and_the_dividend():
    line = decide_one(ON, **CALL | EVE | offered("5.70")).lines["ASSIGNMENT_RISK"]
    assert (line.observed, line.threshold) == (pytest.approx(0.70), 0.35)
    assert (line.distance, line.progress) == (pytest.approx(0.35), pytest.approx(0.5))
    assert line.text == "time value 0.70 dollars against a dividend of 0.35 dollars"
