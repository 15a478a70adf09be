"""PROFIT_TARGET."""

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, decide_one

# Every even number of cents up to 20 dollars, so that half of it is a whole number of cents.
EVEN_CENTS = [f"{cents / 100:.2f}" for cents in range(2, 2_002, 2)]


@pytest.mark.parametrize(
    ("entry", "mark", "outcome"),
    [
        pytest.param("2.00", "2.9999", "HOLD", id="a hair below"),
        pytest.param("2.00", "3.00", "FULL", id="exactly +50 %"),
        pytest.param("2.00", "3.0001", "FULL", id="a hair above"),
        pytest.param("0.10", "0.15", "FULL", id="exactly +50 % of ten cents"),
        pytest.param("0.10", "0.1499", "HOLD", id="below on ten cents"),
        pytest.param("1.3333", "2.0000", "FULL", id="+50.0037 %"),
        pytest.param("1.3334", "2.0000", "HOLD", id="+49.9925 %"),
    ],
)
def test_a_long_takes_its_profit_from_exactly_fifty_percent_on(entry, mark, outcome):
    one = decide_one(entry_price=entry, mark=mark)
    assert (one.outcome, one.reason) == (outcome, "PROFIT_TARGET" if outcome == "FULL" else None)


@pytest.mark.parametrize("side", [pytest.param(1, id="long"), pytest.param(-1, id="short")])
def test_every_even_cent_entry_exits_at_exactly_fifty_percent_and_not_a_hair_before(side):
    def fired(away):
        marks = [f"{float(entry) * (1 + side * 0.5) - side * away:.4f}" for entry in EVEN_CENTS]
        book = a_book(*(
            {"entry_price": entry, "bid": mark, "ask": mark, "side": side}
            for entry, mark in zip(EVEN_CENTS, marks, strict=True)
        ))  # fmt: skip
        return (decide(book, [parse_policy()]).fired_mask & 1 << 2) != 0

    assert len(EVEN_CENTS) == 1_000
    assert fired(away=0).all()
    assert not fired(away=0.0001).any()


@pytest.mark.parametrize(
    ("mark", "outcome"),
    [
        pytest.param("1.00", "FULL", id="bought back at half"),
        pytest.param("1.0001", "HOLD", id="a hair above half"),
    ],
)
def test_a_short_sold_at_two_dollars_takes_its_profit_at_one(mark, outcome):
    assert decide_one(side=-1, mark=mark).outcome == outcome


@pytest.mark.parametrize(
    ("quantity", "profit_exited", "outcome", "leaving"),
    [
        pytest.param(1, 0, "FULL", 1, id="one lot leaves in full"),
        pytest.param(2, 0, "PARTIAL", 1, id="half of two"),
        pytest.param(3, 0, "PARTIAL", 1, id="half of three, rounded down"),
        pytest.param(10, 0, "PARTIAL", 5, id="half of ten"),
        pytest.param(10, 3, "PARTIAL", 2, id="what a partial fill left of the half"),
        pytest.param(10, 5, "HOLD", 0, id="the half is already out"),
        pytest.param(10, 6, "HOLD", 0, id="more than the half is out"),
        pytest.param(2, 1, "HOLD", 0, id="the last of two stays"),
    ],
)
def test_half_of_the_position_leaves_once(quantity, profit_exited, outcome, leaving):
    one = decide_one(mark="3.20", quantity=quantity, profit_exited=profit_exited)
    assert (one.outcome, one.quantity) == (outcome, leaving)


def test_ten_lots_at_sixty_percent_for_five_ticks_sell_five_once():
    exited, sold = 0, []
    for _ in range(5):
        one = decide_one(mark="3.20", quantity=10, profit_exited=exited)
        sold.append(one.quantity)
        exited += one.quantity
    assert sold == [5, 0, 0, 0, 0]


def test_never_more_than_is_held_leaves_where_other_exits_came_before():
    one = decide_one(mark="3.20", quantity=10, open_quantity=4)
    assert (one.outcome, one.quantity) == ("FULL", 4)


@pytest.mark.parametrize(
    ("share", "quantity", "leaving"),
    [
        pytest.param("100", 10, 10, id="all"),
        pytest.param("25", 10, 2, id="a quarter, rounded down"),
        pytest.param("33.33", 3, 1, id="less than one is one"),
        pytest.param("1", 10, 1, id="at least one"),
    ],
)
def test_the_share_is_a_setting(share, quantity, leaving):
    policy = f"profit_target.close_share_percent={share}"
    assert decide_one(policy, mark="3.20", quantity=quantity).quantity == leaving


@pytest.mark.parametrize(
    ("side", "bid", "ask", "outcome"),
    [
        pytest.param(1, "2.99", "5.00", "HOLD", id="long below the target at the bid"),
        pytest.param(1, "3.00", "5.00", "FULL", id="long at the target at the bid"),
        pytest.param(-1, "0.20", "1.01", "HOLD", id="short above the target at the ask"),
        pytest.param(-1, "0.20", "1.00", "FULL", id="short at the target at the ask"),
    ],
)
def test_on_a_wide_quote_the_profit_is_judged_at_the_side_that_closing_would_hit(
    side, bid, ask, outcome
):
    one = decide_one(side=side, bid=bid, ask=ask)
    assert one.grade == "DEGRADED"
    assert one.outcome == outcome


def test_the_trace_tells_profit_target_and_what_is_missing():
    line = decide_one(mark="2.50").lines["PROFIT_TARGET"]
    assert (line.observed, line.threshold, line.distance, line.unit) == (25.0, 50.0, 25.0, "%")
    assert line.progress == 0.5
    assert line.text == "P&L +25.0 % against a target of +50.0 %"


def test_a_share_already_closed_is_told_and_is_never_the_nearest_rule():
    one = decide_one(mark="3.20", quantity=10, profit_exited=5)
    line = one.lines["PROFIT_TARGET"]
    assert line.text == "its share is already closed"
    assert line.progress == 0
    assert np.isnan(line.distance)
    assert "PROFIT_TARGET" not in one.sentences[0]


def test_without_a_price_the_trace_says_so():
    line = decide_one(bid=None).lines["PROFIT_TARGET"]
    assert line.text == "the quote gives no price to judge"
    assert np.isnan(line.observed)
    assert np.isnan(line.progress)
