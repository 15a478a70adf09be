"""Open positions."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.position import Position, PositionSide


def a_position(**columns):
    defaults = {
        "id": "one",
        "broker": "paper",
        "environment": "paper",
        "account": "demo",
        "contract": None,
        "underlying": "GOOG",
        "side": PositionSide.LONG,
        "quantity": 10,
        "entry_price": Decimal("2.00"),
        "entry_time": datetime(2026, 3, 16, 15, tzinfo=UTC),
    }
    return Position(**(defaults | columns))


@pytest.mark.parametrize(
    ("timeframe", "intraday"),
    [
        ("5m", True), ("15m", True), ("15 min", True), ("30Min", True), ("1h", True), ("4H", True),
        ("2 Hours", True), (" 15m ", True), ("45", True),
        ("1d", False), ("1D", False), ("1w", False), ("1wk", False), ("daily", False),
        ("1mo", False), ("2 months", False), ("", False), ("m", False), (None, False),
        pytest.param("1M", False, id="1M is a month"),
        pytest.param("15M", True, id="15M is minutes"),
        pytest.param("3M", False, id="3M is a quarter"),
    ],
)  # fmt: skip
def test_a_timeframe_of_minutes_or_hours_is_intraday(timeframe, intraday):
    assert a_position(timeframe=timeframe).is_intraday is intraday


def test_what_is_still_held_is_what_was_opened_less_what_was_exited():
    assert a_position(exited_quantity=4, reserved_quantity=3).open_quantity == 6


@pytest.mark.parametrize("missing", ["broker", "environment", "account"])
def test_a_position_is_adopted_once_broker_environment_and_account_are_known(missing):
    assert a_position().is_adopted
    assert not a_position(**{missing: None}).is_adopted


CALL, HIGHER_CALL = (parse_contract(f"GOOG260417C00{strike}000") for strike in (750, 760))
SHORT = {"id": "two", "side": PositionSide.SHORT, "contract": HIGHER_CALL}


@pytest.mark.parametrize(
    ("other", "is_leg"),
    [
        pytest.param({}, True, id="the other side of one expiration"),
        pytest.param({"side": PositionSide.LONG}, False, id="the same side"),
        pytest.param({"contract": parse_contract("GOOG260515C00760000")}, False, id="later"),
        pytest.param({"underlying": "SPY"}, False, id="another underlying"),
        pytest.param({"account": "other"}, False, id="another account"),
        pytest.param({"broker": "vendor"}, False, id="another broker"),
        pytest.param({"contract": None}, False, id="a contract that is not known"),
    ],
)
def test_a_leg_of_a_spread_has_another_side_on_its_expiration(other, is_leg):
    one, two = a_position(contract=CALL), a_position(**(SHORT | other))
    assert (one.opposite_legs([one, two]), two.opposite_legs([one, two])) == (
        ([two], [one]) if is_leg else ([], [])
    )


def test_contracts_that_are_not_known_make_no_spread():
    one, two = a_position(), a_position(**(SHORT | {"contract": None}))
    assert one.opposite_legs([two]) == []


def test_the_legs_opposite_are_named():
    others = [a_position(**(SHORT | {"id": name})) for name in ("two", "three")]
    one = a_position(contract=CALL)
    assert one.say_spread(others) == "one looks like a leg of a spread with two, three"
    assert one.say_spread([]) == "one looks like a leg of a spread"
