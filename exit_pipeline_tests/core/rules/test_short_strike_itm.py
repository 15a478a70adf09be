"""SHORT_STRIKE_ITM."""

import pytest

from exit_pipeline_tests.builders import decide_one

ON = "short_strike_itm=on"
DOLLARS = "short_strike_itm.percent=none, short_strike_itm.dollars=12.50"
CALL, PUT = {"side": -1, "right": 1}, {"side": -1, "right": -1}


@pytest.mark.parametrize(
    ("policy", "columns", "outcome"),
    [
        pytest.param(ON, CALL | {"underlying_price": "764.9999"}, "HOLD", id="call, a hair before"),
        pytest.param(ON, CALL | {"underlying_price": "765.00"}, "FULL", id="call, exactly 2 %"),
        pytest.param(ON, PUT | {"underlying_price": "735.0001"}, "HOLD", id="put, a hair before"),
        pytest.param(ON, PUT | {"underlying_price": "735.00"}, "FULL", id="put, exactly 2 %"),
        pytest.param(ON, CALL | {"underlying_price": "700.00"}, "HOLD", id="out of the money"),
        pytest.param(ON, {"underlying_price": "900.00"}, "HOLD", id="a long may be in the money"),
        pytest.param(DOLLARS, CALL | {"underlying_price": "762.4999"}, "HOLD", id="in dollars"),
        pytest.param(DOLLARS, CALL | {"underlying_price": "762.50"}, "FULL", id="dollars, exactly"),
        pytest.param("short_strike_itm.percent=0", PUT | {"underlying_price": "750.00"}, "FULL",
                     id="at the money, where 0 is asked for"),
    ],
)  # fmt: skip
def test_a_short_leaves_once_it_is_deep_enough_in_the_money(policy, columns, outcome):
    one = decide_one(policy, bid=None, **columns)
    assert one.outcome == outcome
    assert one.reason == ("SHORT_STRIKE_ITM" if outcome == "FULL" else None)
    assert "SHORT_STRIKE_ITM" in one.evaluable


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"underlying_price": None}, id="no price of the underlying"),
        pytest.param({"feed_at": "09:00", "underlying_price": "900.00"}, id="an old one"),
        pytest.param({"strike": None}, id="no strike"),
        pytest.param({"right": 0}, id="no contract"),
    ],
)
@pytest.mark.parametrize("policy", [ON, DOLLARS])
def test_what_is_not_known_is_not_judged(policy, columns):
    one = decide_one(policy, **(CALL | columns))
    assert "SHORT_STRIKE_ITM" not in one.evaluable | one.fired
    assert one.lines["SHORT_STRIKE_ITM"].text == (
        "the contract or its underlying's price is not known"
    )


def test_without_any_threshold_nothing_can_be_judged():
    one = decide_one("short_strike_itm.percent=none", **CALL)
    assert one.lines["SHORT_STRIKE_ITM"].text == "no threshold of it is set"
    assert "SHORT_STRIKE_ITM" not in one.evaluable


def test_the_trace_tells_the_depth():
    line = decide_one(ON, **CALL, underlying_price="757.50").lines["SHORT_STRIKE_ITM"]
    assert (line.observed, line.threshold) == (pytest.approx(1), 2)
    assert (line.distance, line.progress) == (pytest.approx(1), pytest.approx(0.5))
    assert line.text == "in the money by +1.0 % of the strike against +2.0 %"
    line = decide_one(DOLLARS, **CALL, underlying_price="755.00").lines["SHORT_STRIKE_ITM"]
    assert line.text == "in the money by 5.00 dollars against 12.50 dollars"
    assert decide_one(ON).lines["SHORT_STRIKE_ITM"].text == "only short positions count"
