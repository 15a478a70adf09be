"""UNDERLYING_TOUCH."""

import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline_tests.builders import decide_one

ON = "underlying_touch=on"
PRICES = (
    "underlying_touch.above=760, underlying_touch.below=740.50, underlying_touch.at_strike=never"
)


@pytest.mark.parametrize(
    ("price", "outcome"),
    [
        pytest.param("759.9999", "HOLD", id="a hair below the upper one"),
        pytest.param("760.00", "FULL", id="exactly the upper one"),
        pytest.param("740.5001", "HOLD", id="a hair above the lower one"),
        pytest.param("740.50", "FULL", id="exactly the lower one"),
        pytest.param("1.00", "FULL", id="far below"),
    ],
)
def test_a_position_leaves_when_the_underlying_reaches_a_price(price, outcome):
    one = decide_one(PRICES, underlying_price=price, bid=None)
    assert one.outcome == outcome
    assert one.reason == ("UNDERLYING_TOUCH" if outcome == "FULL" else None)


@pytest.mark.parametrize(
    ("policy", "columns", "outcome"),
    [
        pytest.param(ON, {"side": -1, "underlying_price": "750.00"}, "FULL", id="short call, at"),
        pytest.param(ON, {"side": -1, "underlying_price": "749.99"}, "HOLD", id="call, below"),
        pytest.param(ON, {"side": -1, "right": -1, "underlying_price": "750.00"}, "FULL",
                     id="short put, at"),
        pytest.param(ON, {"side": -1, "right": -1, "underlying_price": "750.01"}, "HOLD",
                     id="short put, above"),
        pytest.param(ON, {"underlying_price": "760.00"}, "HOLD", id="a long is not tested"),
        pytest.param("underlying_touch.at_strike=all", {"underlying_price": "760.00"}, "FULL",
                     id="a long where asked for"),
    ],
)  # fmt: skip
def test_a_strike_is_reached_from_its_own_side(policy, columns, outcome):
    assert decide_one(policy, **columns).outcome == outcome


@pytest.mark.parametrize(
    ("policy", "columns", "note"),
    [
        pytest.param(PRICES, {"underlying_price": None},
                     "the underlying's price is not known or too old", id="no price"),
        pytest.param(PRICES, {"feed_at": "09:00", "underlying_price": "800.00"},
                     "the underlying's price is not known or too old", id="an old price"),
        pytest.param(ON, {"feed_at": "09:00", "underlying_price": "800.00", "side": -1},
                     "the underlying's price is not known or too old", id="an old one at a strike"),
        pytest.param(ON, {"strike": None, "side": -1}, "the contract is not known", id="no strike"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_judged(policy, columns, note):
    one = decide_one(policy, **columns)
    assert "UNDERLYING_TOUCH" not in one.evaluable | one.fired
    assert one.lines["UNDERLYING_TOUCH"].text == note


@pytest.mark.parametrize(
    ("policy", "columns", "text"),
    [
        pytest.param(PRICES, {"underlying_price": "756.20"}, "the underlying is at 756.20 dollars "
                     "against an upper limit of 760.00 dollars", id="upper"),
        pytest.param(PRICES, {"underlying_price": "741.00"}, "the underlying is at 741.00 dollars "
                     "against a lower limit of 740.50 dollars", id="lower"),
        pytest.param(ON, {"underlying_price": "741.00", "side": -1}, "the underlying is at 741.00 "
                     "dollars against the call's strike of 750.00 dollars", id="call"),
        pytest.param(ON, {"underlying_price": "760.00", "side": -1, "right": -1}, "the underlying "
                     "is at 760.00 dollars against the put's strike of 750.00 dollars", id="put"),
        pytest.param(ON, {}, "only strikes of short positions count", id="long"),
    ],
)  # fmt: skip
def test_the_trace_tells_the_price_that_is_nearest(policy, columns, text):
    line = decide_one(policy, **columns).lines["UNDERLYING_TOUCH"]
    assert line.text == text
    assert not line.progress >= 1


def test_prices_that_leave_nothing_between_them_are_refused():
    with pytest.raises(InputError, match=r"expected more than underlying_touch\.below"):
        decide_one("underlying_touch.above=750, underlying_touch.below=760")
