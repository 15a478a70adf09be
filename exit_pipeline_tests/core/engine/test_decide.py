"""Choosing among the rules that fired; what the rules themselves do is told in their own tests."""

from dataclasses import fields

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import BLOCK, decide
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome, Urgency
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, decide_one, decided

LAST_HALF_HOUR = {"decided_at": "15:30", "intraday": True}
EXPIRES_TODAY = {"decided_at": "15:30", "last_trading_close": "16:00"}
FLIP = {"gex_direction": -1, "gex_previous": 1, "gex_strength": 0.9, "gex_at": "15:20"}


@pytest.mark.parametrize(
    ("columns", "reason", "outcome", "quantity", "urgency"),
    [
        pytest.param({}, None, "HOLD", 0, "PATIENT", id="nothing is due"),
        pytest.param({"mark": "3.20"}, "PROFIT_TARGET", "PARTIAL", 5, "NORMAL", id="half a profit"),
        pytest.param({"mark": "3.20"} | LAST_HALF_HOUR, "TIME_EXIT", "FULL", 10, "FAST",
                     id="half a profit gives way to the time exit"),
        pytest.param({"mark": "3.20", "decided_at": "15:30"} | FLIP, "GEX_FLIP", "FULL", 10,
                     "NORMAL", id="half a profit gives way to a flip"),
        pytest.param({"mark": "3.20"} | LAST_HALF_HOUR | FLIP, "GEX_FLIP", "FULL", 10, "NORMAL",
                     id="of two that close all, the first in order decides"),
        pytest.param({"mark": "3.20"} | EXPIRES_TODAY, "EXPIRY", "FULL", 10, "EMERGENCY",
                     id="expiry before the profit"),
        pytest.param({"mark": "3.20", "open_quantity": 5} | LAST_HALF_HOUR, "PROFIT_TARGET", "FULL",
                     5, "NORMAL", id="a profit that closes all that is left decides itself"),
        pytest.param({"mark": "1.00"} | LAST_HALF_HOUR, "STOP_LOSS", "FULL", 10, "FAST",
                     id="the stop before the time exit"),
        pytest.param({"mark": "1.00", "force_close": True} | EXPIRES_TODAY, "FORCE_CLOSE", "FULL",
                     10, "EMERGENCY", id="a person's request before all"),
    ],
)  # fmt: skip
def test_the_highest_full_exit_wins_and_else_the_highest_partial(
    columns, reason, outcome, quantity, urgency
):
    one = decide_one(quantity=10, **columns)
    assert (one.reason, one.outcome) == (reason, outcome)
    assert (one.quantity, one.urgency) == (quantity, urgency)


def test_every_rule_is_evaluated_and_told_in_the_masks():
    one = decide_one(mark="3.20", quantity=10, **LAST_HALF_HOUR | FLIP)
    assert one.fired == {"PROFIT_TARGET", "GEX_FLIP", "TIME_EXIT"}
    assert one.evaluable == one.fired | {"FORCE_CLOSE", "EXPIRY", "STOP_LOSS"}


def test_bit_i_of_the_masks_is_rule_i_of_the_rows_own_policy():
    book = a_book({"mark": "3.00"}, {"mark": "3.00", "policy": 1})
    policies = [parse_policy(), parse_policy("force_close=off, expiry=off")]
    decisions = decide(book, policies)
    assert decisions.fired_mask.tolist() == [0b000100, 0b0001]
    assert decisions.rule.tolist() == [2, 0]
    assert decisions.evaluable_mask.tolist() == [0b101111, 0b1011]


def test_each_position_follows_its_own_policy():
    rows = [{"policy": index, "mark": "1.50"} for index in (0, 1, 0, 2)]
    got = decided(a_book(*rows), "default", "stop_loss.percent=25", "stop_loss=off")
    assert [one.reason for one in got] == [None, "STOP_LOSS", None, None]


def test_a_policy_without_rules_holds():
    everything_off = ", ".join(f"{rule.name}=off" for rule in parse_policy().rules)
    one = decide_one(everything_off, mark="9.00", force_close=True)
    assert (one.outcome, one.sentences) == ("HOLD", ["Nothing could be judged."])


def test_nothing_leaves_where_nothing_is_held():
    one = decide_one(open_quantity=0, force_close=True, gex_latched=True)
    assert (one.outcome, one.quantity, one.fired, one.latched) == ("HOLD", 0, set(), False)
    assert one.sentences[0] == "Nothing can be sent: nothing is held any more."


@pytest.mark.parametrize("book", [a_book({}, {}, {}), a_book(mark="3.00")])
def test_an_empty_book_decides_nothing(book):
    nothing = decide(book.take(slice(0, 0)), [parse_policy()])
    assert len(nothing) == 0


@pytest.mark.parametrize("block", [1, 2, 3, 4, 5, 100, BLOCK])
def test_blocks_of_any_size_decide_the_same(block):
    book = a_book({"mark": "3.00"}, {"mark": "1.40"}, {"bid": None}, {"bid": "0"}, {})
    whole = decide(book, [parse_policy()])
    blocks = decide(book, [parse_policy()], block)
    for column in fields(Decisions):
        np.testing.assert_array_equal(getattr(blocks, column.name), getattr(whole, column.name))


def test_a_book_larger_than_a_block_is_decided_to_its_end():
    book = a_book({"mark": "3.00"}, {"mark": "1.40"}, {})
    rows = np.arange(2 * BLOCK + 7) % 3
    decisions = decide(book.take(rows), [parse_policy()])
    few = decide(book, [parse_policy()])
    np.testing.assert_array_equal(decisions.rule, few.rule[rows])
    np.testing.assert_array_equal(decisions.quantity, few.quantity[rows])


def test_a_fault_of_one_quote_leaves_the_others_decided():
    book = a_book({"bid": None, "ask": None, "quoted_at": None}, {"mark": "3.00"}, {"mark": "1.40"})
    assert [one.reason for one in decided(book)] == [None, "PROFIT_TARGET", "STOP_LOSS"]


def test_fresh_decisions_hold_and_share_no_memory_with_each_other():
    fresh = Decisions.empty(3, 6)
    assert (fresh.outcome == Outcome.HOLD).all()
    assert (fresh.rule == NO_RULE).all()
    assert (fresh.urgency == Urgency.PATIENT).all()
    columns = [getattr(fresh, column.name) for column in fields(fresh)]
    assert not any(
        np.shares_memory(one, other)
        for place, one in enumerate(columns)
        for other in columns[place + 1 :]
    )


@pytest.mark.parametrize(
    ("rules", "kind"),
    [(0, np.uint8), (6, np.uint8), (8, np.uint8), (9, np.uint16), (33, np.uint64), (63, np.uint64)],
)
def test_masks_are_as_wide_as_the_rules_need(rules, kind):
    assert Decisions.empty(1, rules).fired_mask.dtype == kind


def test_columns_of_a_book_must_have_one_length():
    book = a_book({}, {})
    with pytest.raises(ValueError, match="must have one length"):
        type(book)(**{c.name: getattr(book, c.name)[: 1 + (c.name == "bid")] for c in fields(book)})


def test_the_example_of_a_tick_comes_out_as_people_expect():
    # Two lots, +120 dollars on the first; the second runs on and stops.
    first = decide_one(mark="3.20", quantity=2, entry_price="2.00")
    second = decide_one(mark="1.20", quantity=2, profit_exited=1, entry_price="2.00")
    assert (first.outcome, first.quantity) == ("PARTIAL", 1)
    assert (second.outcome, second.quantity, second.reason) == ("FULL", 1, "STOP_LOSS")


def test_marks_and_percentages_are_told_beside_the_decision():
    decisions = decide(a_book({"mark": "3.00"}, {"bid": None}), [parse_policy()])
    assert decisions.mark.tolist() == [30_000, UNKNOWN]
    assert decisions.pnl_percent[0] == 50
    assert np.isnan(decisions.pnl_percent[1])
