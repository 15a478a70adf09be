"""STOP_LOSS."""

import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, decide_one

# Every tenth of a dollar up to 100: 30 % of it is a whole number of cents.
ENTRIES = [f"{tenths / 10:.2f}" for tenths in range(1, 1_001)]


@pytest.mark.parametrize(
    ("entry", "mark", "outcome"),
    [
        pytest.param("2.00", "1.4001", "HOLD", id="a hair above"),
        pytest.param("2.00", "1.40", "FULL", id="exactly -30 %"),
        pytest.param("2.00", "1.3999", "FULL", id="a hair below"),
        pytest.param("1.90", "1.33", "FULL", id="exactly -30 % where a float says -29.99"),
        pytest.param("1.90", "1.3301", "HOLD", id="a hair above on 1.90"),
        pytest.param("0.10", "0.07", "FULL", id="exactly -30 % of ten cents"),
    ],
)
def test_a_long_stops_from_exactly_thirty_percent_on(entry, mark, outcome):
    one = decide_one(entry_price=entry, mark=mark)
    assert (one.outcome, one.reason) == (outcome, "STOP_LOSS" if outcome == "FULL" else None)


@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_every_exact_thirty_percent_price_stops_and_none_a_hair_before(side):
    def fired(away):
        entries = [int(float(entry) * 10_000 + 0.5) for entry in ENTRIES]
        mids = [str(to_dollars(e - side * (e * 3 // 10 - away))) for e in entries]
        book = a_book(*(
            {"entry_price": entry, "mark": mid, "side": side}
            for entry, mid in zip(ENTRIES, mids, strict=True)
        ))  # fmt: skip
        return (decide(book, [parse_policy()]).fired_mask & 1 << 3) != 0

    assert fired(away=0).all()
    assert not fired(away=1).any()


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [
        pytest.param("2.60", "FULL", id="exactly -30 % of the credit"),
        pytest.param("2.5999", "HOLD", id="a hair below"),
        pytest.param("9.00", "FULL", id="more than all of the credit is lost"),
    ],
)
def test_a_short_sold_at_two_dollars_stops_at_two_sixty(mark, outcome):
    assert decide_one(side=-1, mark=mark).outcome == outcome


def test_all_that_is_held_leaves_fast():
    one = decide_one(mark="1.00", quantity=10, profit_exited=5)
    assert (one.outcome, one.quantity, one.urgency) == ("FULL", 5, "FAST")


@pytest.mark.parametrize(
    ("side", "bid", "ask", "previous", "outcome"),
    [
        pytest.param(1, "0.80", "2.00", "1.40", "FULL", id="long, confirmed exactly"),
        pytest.param(1, "0.80", "2.00", "1.4001", "HOLD", id="long, the tick before was above"),
        pytest.param(1, "0.80", "2.00", None, "HOLD", id="long, no tick before"),
        pytest.param(1, "0.80", "2.0002", "1.00", "HOLD", id="long, the mid is above the stop"),
        pytest.param(-1, "2.00", "3.20", "2.60", "FULL", id="short, confirmed exactly"),
        pytest.param(-1, "2.00", "3.20", "2.5999", "HOLD", id="short, the tick before was below"),
        pytest.param(-1, "2.00", "3.20", None, "HOLD", id="short, no tick before"),
    ],
)
def test_on_a_wide_quote_the_stop_waits_for_a_second_tick(side, bid, ask, previous, outcome):
    one = decide_one(side=side, bid=bid, ask=ask, previous_mid=previous)
    assert one.grade == "DEGRADED"
    assert one.outcome == outcome


def test_a_good_quote_needs_no_second_tick():
    assert decide_one(mark="1.40", previous_mid="2.50").reason == "STOP_LOSS"


def test_an_unknown_last_trading_day_makes_a_good_quote_no_worse():
    assert decide_one(mark="1.40", last_trading_close=None).reason == "STOP_LOSS"


def test_the_trace_tells_that_a_stop_waits_for_confirmation():
    one = decide_one(bid="0.80", ask="2.00", previous_mid="1.80")
    line = one.lines["STOP_LOSS"]
    assert line.text == "waits for a second tick to confirm it"
    assert (line.observed, line.distance, line.progress) == (pytest.approx(-30.0), 0.0, 1.0)
    assert one.sentences[0] == (
        "Nothing is due. Nearest is STOP_LOSS: waits for a second tick to confirm it."
    )


@pytest.mark.parametrize("entry", ["0.70", "1.10", "1.90", "2.90", "5.70"])
def test_a_stop_met_exactly_waits_in_the_trace_too(entry):
    # In floats, -30 % of some of these is -29.999999999999996.
    mid = float(entry) * 0.7
    line = decide_one(entry_price=entry, bid=f"{mid / 2:.4f}", ask=f"{mid * 1.5:.4f}").lines
    assert line["STOP_LOSS"].text == "waits for a second tick to confirm it"


def test_the_trace_tells_the_loss_and_what_is_missing():
    line = decide_one(mark="1.70").lines["STOP_LOSS"]
    assert (line.observed, line.threshold) == (pytest.approx(-15), -30)
    assert (line.distance, line.progress) == (pytest.approx(15), pytest.approx(0.5))
    assert line.text == "P&L -15.0 % against a stop of -30.0 %"


def test_a_percentage_of_the_policy_moves_the_stop():
    assert decide_one("stop_loss.percent=25", mark="1.50").reason == "STOP_LOSS"
    assert decide_one("stop_loss.percent=25", mark="1.5001").reason is None
