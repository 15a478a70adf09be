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


def test_amounts_are_summed_by_cell_strike_and_expiration():
    interest = CHAIN.open_interest
    assert GRID.sum_by_cell(interest).tolist() == [[2, 0], [8, 5]]
    assert GRID.sum_by_strike(interest).tolist() == [10, 5]
    assert GRID.sum_by_expiration(interest).tolist() == [2, 13]


def test_a_chain_without_rows_has_an_empty_grid():
    grid = ChainGrid.of(CHAIN.take(np.zeros(4, dtype=bool)))
    assert grid.sum_by_cell(np.empty(0)).shape == (0, 0)
