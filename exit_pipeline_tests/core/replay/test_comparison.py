"""Two ways out of the same positions, beside one contract at a time."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.comparison import Change, Comparison
from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.lots import Lots
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.result import Result
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.core.replay.random_paths import random_paths
from exit_pipeline_tests.core.replay.test_result import exits_of

TIMES = [f"10:{minute:02}" for minute in range(6)]
PATHS = Paths.of(a_book(*({"decided_at": time} for time in TIMES * 3)), np.arange(18) // 6)


@st.composite
def ways_out(draw, held):
    """Exits on three paths of six rows, of at most what is held there."""
    exits = []
    for path, contracts in enumerate(held):
        left = contracts
        for row in range(6 * path, 6 * path + 6):
            quantity = draw(st.integers(0, left))
            left -= quantity
            exits += [(row, quantity)] if quantity else []
    return exits_of(*exits, held=held, worth=[5, NO_ROW, 17])


HELD = st.lists(st.integers(0, 6), min_size=3, max_size=3)


def rows_by_contract(lots):
    return [
        (int(path), int(row))
        for path, row, contracts in zip(lots.path, lots.row, lots.contracts, strict=True)
        for _ in range(contracts)
    ]


def change(was, now):
    if NO_ROW in (was, now):
        return {
            (True, True): Change.OPEN, (False, True): Change.DROPPED, (True, False): Change.ADDED
        }[was == NO_ROW, now == NO_ROW]  # fmt: skip
    return Change.KEPT if was == now else Change.EARLIER if now < was else Change.LATER


@given(held=HELD, data=st.data())
def test_the_pieces_are_those_of_one_contract_at_a_time(held, data):
    one, other = (Result.of(PATHS, data.draw(ways_out(held))) for _ in range(2))
    comparison = Comparison.of(one, other)
    pairs = zip(rows_by_contract(one.lots), rows_by_contract(other.lots), strict=True)
    wanted = Counter((path, change(was, now)) for (path, was), (_, now) in pairs)
    got = {
        (path, Change(kind)): contracts
        for (path, kind), contracts in np.ndenumerate(comparison.changes)
        if contracts
    }
    assert got == wanted
    assert comparison.by_reason().contracts.sum() == sum(held)


def test_an_exit_of_other_size_is_partly_kept():
    one = Result.of(PATHS, exits_of((3, 10), held=[10, 0, 0], worth=[5, 11, 17]))
    other = Result.of(PATHS, exits_of((1, 4), (3, 6), held=[10, 0, 0], worth=[5, 11, 17]))
    pieces = Comparison.of(one, other).pieces
    assert pieces.contracts.tolist() == [4, 6]
    assert pieces.change.tolist() == [Change.EARLIER, Change.KEPT]


def test_a_policy_beside_itself_changes_nothing():
    paths = random_paths(60, seed=2)
    (exits,) = follow_policies(paths, [parse_policy()])
    result = Result.of(paths, exits)
    comparison = Comparison.of(result, result)
    assert set(comparison.pieces.change.tolist()) <= {Change.KEPT, Change.OPEN}
    assert not comparison.differences().any()
    contracts = comparison.by_reason().contracts
    assert (contracts == np.diag(np.diag(contracts))).all()


@given(held=HELD, data=st.data())
def test_a_position_of_unknown_worth_counts_in_no_amount(held, data):
    one, other = (Result.of(PATHS, data.draw(ways_out(held))) for _ in range(2))
    comparison = Comparison.of(one, other)
    unknown = bool(one.left[1] or other.left[1])
    assert comparison.valued.tolist() == [True, not unknown, True]
    assert (comparison.difference[1] == UNKNOWN) == unknown
    was, now = comparison.totals()
    assert was.positions == now.positions == len(comparison.differences())
    assert now.pnl - was.pnl == comparison.differences().sum()
    assert comparison.by_reason().difference.sum() == comparison.differences().sum()


def test_other_contracts_can_not_be_compared():
    one, other = (
        Result.of(PATHS, exits_of(held=[held, 0, 0], worth=[5, 11, 17])) for held in (3, 4)
    )
    with pytest.raises(ValueError, match="on the same paths with the same contracts"):
        Comparison.of(one, other)


def test_lots_of_a_path_are_in_the_order_in_which_they_leave():
    exits = exits_of((5, 1), (6, 2), held=[3, 4, 5], worth=[5, 11, 17])
    lots = Lots.of(PATHS, exits)
    assert lots.path.tolist() == [0, 0, 1, 1, 2]
    assert lots.row.tolist() == [5, NO_ROW, 6, NO_ROW, NO_ROW]
    assert lots.contracts.tolist() == [1, 2, 2, 2, 5]
