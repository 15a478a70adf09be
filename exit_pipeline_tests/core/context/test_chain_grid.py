"""Expirations and strikes of a chain."""

import numpy as np

from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.model.instant import DAYS
from exit_pipeline_tests.core.context.chains import NOW, chain_of

LATE, SOON = NOW + 9 * DAYS, NOW + 2 * DAYS
CHAIN = chain_of(
    [(110, 1, 1), (90, -1, 2), (110, -1, 4), (90, -1, 8)], expires_at=[LATE, SOON, LATE, LATE]
)
GRID = ChainGrid.of(CHAIN)


def test_expirations_and_strikes_rise_whatever_the_order_of_the_rows():
    assert GRID.expirations.tolist() == [SOON, LATE]
    assert GRID.strikes.tolist() == [90, 110]


def test_a_call_and_its_put_share_a_cell():
    assert GRID.cell.tolist() == [3, 0, 3, 2]


def test_amounts_are_summed_by_cell():
    table = GRID.sum_by_cell(CHAIN.open_interest)
    assert table.tolist() == [[2, 0], [8, 5]]
    assert table.sum(axis=0).tolist() == [10, 5]
    assert table.sum(axis=1).tolist() == [2, 13]


def test_the_grid_of_some_contracts_is_that_of_their_own_chain():
    rows = np.array([True, False, True, False])
    part, own = GRID.take(rows), ChainGrid.of(CHAIN.take(rows))
    for name in ("expirations", "strikes", "row", "column"):
        assert getattr(part, name).tolist() == getattr(own, name).tolist()


def test_a_chain_without_rows_has_an_empty_grid():
    grid = ChainGrid.of(CHAIN.take(np.zeros(4, dtype=bool)))
    assert grid.sum_by_cell(np.empty(0)).shape == (0, 0)
