"""One implied volatility for each expiration and strike of a chain."""

from dataclasses import dataclass

import numpy as np

from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.implied_vol import implied_vol
from exit_pipeline.core.model.book import BoolColumn, FloatColumn
from exit_pipeline.core.model.chain import OptionChain


@dataclass(frozen=True, slots=True, kw_only=True)
class Smile:
    """Implied volatility by expiration and strike, in the shape of the chain's grid.

    Attributes:
        vol: Of a year, 0.2 is 20 %; NaN throughout an expiration of which no quote could be used.
        is_solved: The volatility comes from the strike's own quote, not from its neighbours.
    """

    vol: FloatColumn
    is_solved: BoolColumn


def usable_quotes(chain: OptionChain) -> BoolColumn:
    """Quotes whose mid says something: a bid, no less asked, and a spread no wider than the mid.

    A spread above its mid (an ask above three times the bid) leaves the price open by more than
    itself. Example: 0.05 to 0.15 is used, 0.05 to 0.20 and 0 to 0.05 are not.
    """
    known = np.isfinite(chain.bid) & np.isfinite(chain.ask) & (chain.bid > 0)
    # A relative 1e-9, so that 0.05 and 0.15 count as three times each other.
    within = (chain.ask >= chain.bid) & (chain.ask <= 3 * chain.bid * (1 + 1e-9))
    return np.asarray(known & within, dtype=np.bool_)


def smile(chain: OptionChain, grid: ChainGrid, rate: float = 0.0, dividend: float = 0.0) -> Smile:
    """Solve the side out of the money of each expiration and strike, and fill the rest.

    A call and a put of one expiration and strike have one volatility, by put-call parity, and it is
    known from the one out of the money: of a price deep in the money, rounded to cents, nothing of
    it is left, and solving each contract from its own price makes zeros of gamma that don't exist.
    A strike without a usable quote takes the volatility between its solved neighbours, straight
    in ln K, and beyond the last solved strike that strike's own (flat ends).

    Args:
        chain: Contracts that still exist, with a spot above 0.
        grid: Its grid.
        rate: Continuous riskless rate of a year.
        dividend: Continuous dividend yield of a year.

    Example: solved 0.22 at 90 and 0.18 at 110; 100 takes 0.1990, 120 takes 0.18.
    """
    years = chain.years
    forward = chain.spot * np.exp((rate - dividend) * years)
    is_out = np.where(chain.strike >= forward, 1, -1) == chain.right
    rows = np.flatnonzero(usable_quotes(chain) & is_out)
    own = np.full(len(chain), np.nan)
    own[rows] = implied_vol(
        (chain.bid[rows] + chain.ask[rows]) / 2,
        chain.right[rows],
        forward[rows],
        chain.strike[rows],
        years[rows],
        np.exp(-rate * years[rows]),
    )
    solved = np.isfinite(own)
    # Two listed contracts may share expiration, strike and right; theirs is the mean.
    count = grid.sum_by_cell(solved.astype(np.float64))
    total = grid.sum_by_cell(np.where(solved, own, 0.0))
    vol = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return Smile(vol=_filled(vol, np.log(grid.strikes)), is_solved=count > 0)


def _filled(vol: FloatColumn, ln_strikes: FloatColumn) -> FloatColumn:
    filled = vol.copy()
    for row, known in zip(filled, np.isfinite(vol), strict=True):
        if known.any():
            between = np.interp(ln_strikes, ln_strikes[known], row[known])
            np.copyto(row, between, where=~known)
    return filled
