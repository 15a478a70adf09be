"""What exits bring, beside sums contract by contract."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.price import UNKNOWN, to_dollars
from exit_pipeline.core.replay.exits import NO_ROW, Exits
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.lots import FEE, Lots
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.result import Result, drawdown, running_total
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.core.replay.random_paths import random_paths

TEXTS = ("", "profit_target.percent=10, profit_target.further_rungs=20:25, stop_loss.percent=50")


def by_contract(paths, exits, path, fee):
    """Net dollars of each contract of a path in the order in which they leave; None if unknown."""
    book, found = paths.book, []

    def worth(row):
        price = to_dollars(int(book.bid[row] if book.side[row] > 0 else book.ask[row]))
        return (price - to_dollars(int(book.entry_price[row]))) * int(book.side[row]) * 100

    for row, quantity in zip(exits.row.tolist(), exits.quantity.tolist(), strict=True):
        if paths.starts[path] <= row < paths.ends[path]:
            found += [worth(row) - fee] * quantity
    left = int(exits.held[path]) - len(found)
    last = int(exits.worth[path])
    return found, [None if last == NO_ROW else worth(last)] * left


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("fee", [FEE, Decimal(0), Decimal("0.3333")])
def test_the_result_is_the_sum_over_contracts(text, fee):
    paths = random_paths(80, seed=5)
    (exits,) = follow_policies(paths, [parse_policy(text)])
    result = Result.of(paths, exits, fee)
    for path in range(len(paths)):
        gone, kept = by_contract(paths, exits, path, fee)
        assert result.held[path] == len(gone) + len(kept)
        assert result.left[path] == len(kept)
        assert to_dollars(result.realised[path]) == sum(gone)
        if None in kept:
            assert not result.valued[path]
            assert result.pnl[path] == result.open_gain[path] == UNKNOWN
        else:
            assert to_dollars(result.open_gain[path]) == sum(kept)
            assert to_dollars(result.pnl[path]) == sum(gone) + sum(kept)
    totals = result.totals(result.valued)
    assert totals.pnl == result.pnl[result.valued].sum()
    assert totals.positions == (result.held[result.valued] > 0).sum()
    assert totals.expectancy == pytest.approx(totals.pnl / totals.positions / 10_000)


def exits_of(*exits, held, worth):
    row, quantity = zip(*exits, strict=True) if exits else ((), ())
    return Exits(
        reasons=("STOP_LOSS",),
        row=np.array(row, np.intp),
        quantity=np.array(quantity, np.int64),
        reason=np.zeros(len(row), np.intp),
        held=np.array(held),
        worth=np.array(worth, np.intp),
    )


def test_contracts_of_which_no_price_is_ever_told_are_worth_nobody_knows_what():
    paths = Paths.of(a_book({"bid": None}, {"bid": None}, {}), np.array([1, 1, 2]))
    result = Result.of(paths, exits_of(held=[3, 2], worth=[NO_ROW, 2]))
    assert result.valued.tolist() == [False, True]
    assert result.open_gain.tolist() == [UNKNOWN, 2 * -10_000]
    totals = result.totals(result.valued)
    assert (totals.positions, totals.open_positions, totals.pnl) == (1, 1, -20_000)


def test_a_long_that_becomes_worthless_is_worth_nothing_at_the_end_and_costs_no_fee():
    paths = Paths.of(a_book({"mark": "1.50"}, {"bid": "0.00", "ask": "0.05"}), np.zeros(2))
    (exits,) = follow_policies(paths, [parse_policy("stop_loss.percent=60, time_exit=off")])
    assert Lots.of(paths, exits).gain.tolist() == [-200 * 10_000]


def test_a_position_of_which_nothing_was_held_counts_nowhere():
    paths = Paths.of(a_book({}, {}), np.array([1, 2]))
    result = Result.of(paths, exits_of((1, 1), held=[0, 1], worth=[0, 1]))
    totals = result.totals(result.valued)
    assert (totals.positions, totals.exits, totals.contracts) == (1, 1, 1)
    assert np.isnan(result.days_held[0])


def test_of_no_position_nothing_is_known_on_average():
    paths = Paths.of(a_book({}).take(slice(0)), np.zeros(0))
    totals = Result.of(paths, exits_of(held=[], worth=[])).totals(np.zeros(0, np.bool_))
    assert (totals.positions, totals.pnl, totals.drawdown) == (0, 0, 0)
    assert np.isnan(totals.expectancy)
    assert np.isnan(totals.days_held)


def test_days_held_are_not_known_where_the_entry_is_not():
    book = a_book({"entry_time": None}, {"entry_time": "2026-03-16 10:00"})
    paths = Paths.of(book, np.array([1, 2]))
    result = Result.of(paths, exits_of((0, 5), (1, 1), held=[5, 1], worth=[0, 1]))
    assert np.isnan(result.days_held[0])
    assert result.days_held[1] == 2
    assert result.totals(result.valued).days_held == 2


def test_what_does_not_count_is_in_no_total():
    paths = Paths.of(a_book({"mark": "1.00"}, {"mark": "3.00"}), np.array([1, 2]))
    result = Result.of(paths, exits_of((0, 1), (1, 1), held=[1, 1], worth=[0, 1]), Decimal(0))
    totals = result.totals(np.array([False, True]))
    assert (totals.pnl, totals.exits, totals.winners) == (99 * 10_000, 1, 1)
    assert totals.drawdown == 0


@pytest.mark.parametrize(("close", "is_over"), [("10:05", True), ("10:06", False), (None, False)])
def test_a_contract_that_ended_before_it_was_left_is_told_apart(close, is_over):
    rows = ({"decided_at": "10:00"}, {"decided_at": "10:05"})
    paths = Paths.of(a_book(*rows, last_trading_close=close), np.zeros(2))
    for exits in (exits_of(held=[2], worth=[0]), exits_of((0, 1), held=[2], worth=[0])):
        result = Result.of(paths, exits)
        assert result.expired.tolist() == [is_over]
        assert result.totals(result.valued).expired_positions == is_over
    assert not Result.of(paths, exits_of((0, 2), held=[2], worth=[0])).expired.any()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9))))
def test_the_drawdown_is_the_deepest_fall_from_a_peak(steps):
    total = highest = deepest = 0
    for instant in sorted({at for at, _ in steps}):
        total += sum(amount for at, amount in steps if at == instant)
        highest = max(highest, total)
        deepest = max(deepest, highest - total)
    at, amounts = (np.array([step[place] for step in steps], np.int64) for place in (0, 1))
    assert drawdown(at, amounts) == deepest


def test_amounts_of_an_instant_are_one_step_of_the_running_total():
    at, total = running_total(np.array([935, 930, 935]), np.array([-30, 100, 10]))
    assert (at.tolist(), total.tolist()) == ([930, 935], [100, 80])
    assert [len(one) for one in running_total(np.zeros(0, np.int64), np.zeros(0, np.int64))] == [
        0,
        0,
    ]
