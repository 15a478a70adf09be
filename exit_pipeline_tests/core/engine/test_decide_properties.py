"""What must hold of every decision, over random rows on the edges of the rules."""

from dataclasses import fields
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.core.engine.decide import decide, decide_graded
from exit_pipeline.core.engine.explain import RuleState
from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import book_of, decided
from exit_pipeline_tests.core.engine.naive import decide_row
from exit_pipeline_tests.core.engine.naive_optional import OPTIONAL
from exit_pipeline_tests.core.engine.rows import rows

FIRED = {RuleState.DECIDED, RuleState.OVERRULED}
BOOKS = st.lists(rows(), min_size=1, max_size=10)
SOME = settings(max_examples=60, deadline=None)
POLICIES = (
    "default",
    "stop_loss.percent=28, profit_target.percent=45, profit_target.close_share_percent=33.33",
    "time_exit.applies_to=all, expiry.minutes_before_close=60, gex_flip.strength_min=0",
    "gex_flip=off, profit_target.close_share_percent=100, quotes.wide_percent=5",
    "quotes.age_seconds_max=1000, quotes.wide_dollars=0, quotes.worthless_ask_dollars=0.1",
    "force_close=off, expiry=off, time_exit=off",
    ", ".join(f"{name}=on" for name in OPTIONAL),
    "vix_spike.change_percent=20, vix_spike.ratio=1, delta_limit.abs_min=0.05,"
    "regime_change.to=any, "
    "short_strike_itm.dollars=15, remaining_reward.annualised_percent=10, theta_share.percent=4.99,"
    "underlying_touch.above=765, underlying_touch.below=735, underlying_touch.at_strike=all,"
    "trailing_stop.basis=entry, trailing_stop.activation_percent=0,"
    "break_even_stop.stop_percent=10, "
    "event_ahead.ex_dividends=true, event_ahead.hours_before=24, clock_time.at=14:30",
    "trailing_stop.distance_percent=10, trailing_stop.activation_percent=12.5, break_even_stop=on",
    "vix_spike.level=none, delta_limit.abs_max=none, short_strike_itm.percent=0,"
    "short_strike_itm.dollars=15, remaining_reward.captured_percent=none, days_in_trade.days=0,"
    "remaining_reward.annualised_percent=10, underlying_touch.at_strike=never,"
    "assignment_risk.ex_dividend_days=0, assignment_risk.expiration_days=0,"
    "days_to_expiration.days=0, regime_change.to=normal",
)


def columns(decisions):
    return {column.name: getattr(decisions, column.name) for column in fields(Decisions)}


def assert_same(one, other):
    for name, column in columns(one).items():
        np.testing.assert_array_equal(column, columns(other)[name], err_msg=name)


@pytest.mark.parametrize("policy", POLICIES)
@SOME
@given(table=BOOKS)
def test_the_columns_say_what_plain_fractions_say(policy, table):
    for row, got in zip(table, decided(book_of(table), policy), strict=True):
        wanted = decide_row(row, parse_policy(policy))
        for name in ("outcome", "reason", "quantity", "urgency", "fired", "evaluable", "grade",
                     "latched"):  # fmt: skip
            assert getattr(got, name) == getattr(wanted, name), name
        assert {flag.name for flag in got.flags} == wanted.flags
        if wanted.mark is None:
            assert got.mark is None
            assert np.isnan(got.pnl_percent)
        else:
            assert Fraction(got.mark) * 10_000 == wanted.mark
            assert got.pnl_percent == pytest.approx(float(wanted.pnl_percent), rel=1e-12, abs=1e-9)


@SOME
@given(table=BOOKS)
def test_an_exit_closes_something_and_never_more_than_is_held(table):
    book = book_of(table)
    decisions = decide(book, [parse_policy()])
    leaves = decisions.outcome != Outcome.HOLD
    assert ((decisions.quantity > 0) == leaves).all()
    assert (decisions.quantity <= book.open_quantity).all()
    full = decisions.outcome == Outcome.FULL
    assert ((decisions.quantity == book.open_quantity) & leaves == full).all()


@SOME
@given(table=BOOKS)
def test_the_deciding_rule_fired_and_what_fired_was_evaluable(table):
    decisions = decide(book_of(table), [parse_policy()])
    leaves = decisions.outcome != Outcome.HOLD
    fired = decisions.fired_mask.astype(np.int64)
    assert ((decisions.rule == NO_RULE) == ~leaves).all()
    assert ((fired >> decisions.rule.clip(min=0)) & 1 == 1)[leaves].all()
    assert ((fired != 0) == leaves).all()
    assert (fired & ~decisions.evaluable_mask.astype(np.int64) == 0).all()


@SOME
@given(table=BOOKS, randomness=st.randoms(use_true_random=False))
def test_decisions_do_not_depend_on_the_order_of_rows(table, randomness):
    order = list(range(len(table)))
    randomness.shuffle(order)
    straight = decide(book_of(table), [parse_policy()])
    shuffled = decide(book_of([table[row] for row in order]), [parse_policy()])
    for name, column in columns(straight).items():
        np.testing.assert_array_equal(column[order], columns(shuffled)[name], err_msg=name)


@SOME
@given(table=BOOKS, block=st.integers(1, 30))
def test_blocks_of_any_size_decide_the_same(table, block):
    book, policies = book_of(table), [parse_policy()]
    assert_same(decide(book, policies), decide(book, policies, block))


@pytest.mark.parametrize("text", POLICIES)
@SOME
@given(table=BOOKS)
def test_quotes_that_are_graded_before_decide_the_same(text, table):
    book, policy = book_of(table), parse_policy(text)
    marks = grade_quotes(book, policy.quotes)
    before = marks.flags.copy(), marks.grade.copy(), marks.mark.copy(), marks.pnl_percent.copy()
    assert_same(decide(book, [policy]), decide_graded(book, policy, marks))
    for was, now in zip(
        before, (marks.flags, marks.grade, marks.mark, marks.pnl_percent), strict=True
    ):
        np.testing.assert_array_equal(was, now)


@SOME
@given(table=BOOKS)
def test_deciding_twice_decides_the_same_and_leaves_the_book_alone(table):
    book, untouched = book_of(table), book_of(table)
    policies = [parse_policy()]
    assert_same(decide(book, policies), decide(book, policies))
    for name in table[0]:
        np.testing.assert_array_equal(getattr(book, name), getattr(untouched, name), err_msg=name)


@SOME
@given(table=BOOKS, choice=st.data())
def test_policies_mixed_in_one_book_decide_as_each_does_alone(table, choice):
    policies = [parse_policy(text) for text in POLICIES]
    index = choice.draw(st.lists(st.integers(0, len(policies) - 1), min_size=len(table),
                                 max_size=len(table)))  # fmt: skip
    mixed = book_of([row | {"policy": policy} for row, policy in zip(table, index, strict=True)])
    together = decide(mixed, policies, block=7)
    for row, policy in enumerate(index):
        alone = decide(book_of([table[row]]), [policies[policy]])
        for name, column in columns(alone).items():
            np.testing.assert_array_equal(column[0], columns(together)[name][row], err_msg=name)


@pytest.mark.parametrize("rule", ["stop_loss", "profit_target"])
@SOME
@given(table=BOOKS, percents=st.tuples(st.integers(1, 20_000), st.integers(1, 20_000)))
def test_a_wider_stop_never_stops_more_and_a_higher_target_never_takes_more(rule, table, percents):
    book, near, far = book_of(table), min(percents) / 100, max(percents) / 100
    fired = [
        {row for row, one in enumerate(decided(book, f"{rule}.percent={percent}"))
         if rule.upper() in one.fired}
        for percent in (near, far)
    ]  # fmt: skip
    assert fired[1] <= fired[0]


@SOME
@given(table=BOOKS)
def test_without_a_usable_quote_neither_profit_nor_stop_is_judged(table):
    for one in decided(book_of([row | {"bid": UNKNOWN} for row in table])):
        assert one.grade == "BAD"
        assert not one.evaluable & {"PROFIT_TARGET", "STOP_LOSS"}


@pytest.mark.parametrize("policy", POLICIES)
@SOME
@given(table=BOOKS)
def test_every_decision_can_be_told_in_sentences(policy, table):
    for one in decided(book_of(table), policy):
        assert one.sentences
        assert all(said.endswith(".") and "nan" not in said for said in one.sentences)
        assert all("nan" not in line.text for line in one.lines.values())


@pytest.mark.parametrize("policy", POLICIES)
@SOME
@given(table=BOOKS)
def test_a_rule_has_come_all_the_way_exactly_where_it_has_fired(policy, table):
    # Of what can't be sent at all, no rule is said to be judged.
    sendable = [one for one in decided(book_of(table), policy) if one.evaluable]
    for reason, line in ((reason, line) for one in sendable for reason, line in one.lines.items()):
        assert np.isnan(line.progress) or 0 <= line.progress <= 1
        assert not line.distance < 0
        done = line.progress == 1 and line.distance == 0
        assert done is (line.state in FIRED) or line.text.startswith("waits for a second"), reason
