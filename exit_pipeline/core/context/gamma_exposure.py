"""Gamma, vanna and charm exposure of a chain, by strike and by expiration."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.gamma_profile import PERCENT
from exit_pipeline.core.context.gamma_settings import Figures, GammaSettings, Walls
from exit_pipeline.core.model.book import FloatColumn, IntColumn
from exit_pipeline.core.model.chain import OptionChain
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.instant import MINUTES

ZERO_DTE: Final = 12 * 60 * MINUTES
"""A contract that is settled within 12 hours counts as of the last day ("0DTE").

During a session, 09:30 to 16:15 in New York, that is what is settled the same day: the next
settlement, at the open of the day after, is at least 17 hours away.
"""

_DAYS_OF_A_YEAR: Final = 365

_BLOCK: Final = 8_192
"""Contracts at a time: memory of this size is used again, that of a whole chain asked for anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaExposure:
    """Dollar gamma of all open contracts under the usual assumption about who holds them.

    Dealers are taken to be long every call and short every put, so calls count positive and puts
    negative: investors sell calls and buy puts, and dealers hedge all of it (the assumption of
    SqueezeMetrics' "Gamma exposure", 2016; Baltussen, Da, Lammers and Martens, "Hedging demand and
    market intraday momentum", Journal of Financial Economics 142, 2021, equation 13, test it).

    Gamma amounts are dollars of the underlying that a delta-hedger trades per 1 % move:
    ``gamma * open interest * 100 * S^2 * 0.01``. Example: gamma 0.01, 1,000 contracts, S 100 are
    0.01 * 1,000 * 100 * 10,000 * 0.01 = 100,000 dollars.

    Attributes:
        figures: Whose gamma it is.
        strikes: Dollars, rising.
        calls_by_strike: At least 0.
        puts_by_strike: At most 0.
        expirations: Instants of settlement, microseconds since the epoch, rising.
        calls_by_expiration: At least 0.
        puts_by_expiration: At most 0.
        calls: Sum over calls, at least 0.
        puts: Sum over puts, at most 0.
        zero_dte_share: Part of the gross gamma in contracts settled within ``ZERO_DTE``, 0 to 1;
            None where there is no gamma.
        vanna: Dollars of delta that a rise of implied volatility by one point (0.01) adds:
            ``vanna * open interest * 100 * S * 0.01``, with the same signs.
        charm: Dollars of delta that one calendar day adds: ``charm / 365 * open interest * 100 *
            S``, with the same signs.
        call_wall: Strike with the most gamma of calls (``Walls.SIDE``), or with the largest
            positive net gamma (``Walls.NET``), the lowest of equals; None where there is none.
        put_wall: The same of puts, or with the largest negative net gamma.
        walls: Which of the two definitions.
    """

    figures: Figures
    strikes: FloatColumn
    calls_by_strike: FloatColumn
    puts_by_strike: FloatColumn
    expirations: IntColumn
    calls_by_expiration: FloatColumn
    puts_by_expiration: FloatColumn
    calls: float
    puts: float
    zero_dte_share: float | None
    vanna: float
    charm: float
    call_wall: float | None
    put_wall: float | None
    walls: Walls

    @property
    def net(self) -> float:
        """Calls less puts."""
        return self.calls + self.puts

    @property
    def gross(self) -> float:
        """Calls and puts by their size."""
        return self.calls - self.puts

    @property
    def net_by_strike(self) -> FloatColumn:
        """Calls less puts of each strike."""
        return self.calls_by_strike + self.puts_by_strike

    @property
    def net_by_expiration(self) -> FloatColumn:
        """Calls less puts of each expiration."""
        return self.calls_by_expiration + self.puts_by_expiration


def gamma_exposure(
    chain: OptionChain, grid: ChainGrid, vol: FloatColumn, settings: GammaSettings
) -> GammaExposure:
    """Sum up a chain whose rows all exist and have a known open interest and volatility.

    Args:
        chain: The contracts.
        grid: Their grid.
        vol: Volatility of each, of a year.
        settings: Whose gamma, rates and the definition of walls.
    """
    gamma, vanna, charm = _sensitivities(chain, vol, settings)
    if settings.figures is Figures.FEED:
        gamma = chain.feed_gamma
    shares = chain.open_interest * SHARES_PER_CONTRACT
    amounts = gamma * shares * chain.spot**2 * PERCENT
    calls, puts = np.where(chain.right > 0, amounts, 0.0), np.where(chain.right < 0, -amounts, 0.0)
    tables = grid.sum_by_cell(calls), grid.sum_by_cell(puts)
    by_strike, by_expiration = ([one.sum(axis=axis) for one in tables] for axis in (0, 1))
    call_wall, put_wall = _walls(grid.strikes, by_strike[0], by_strike[1], settings.walls)
    delta_dollars = chain.right * shares * chain.spot
    return GammaExposure(
        figures=settings.figures,
        strikes=grid.strikes,
        calls_by_strike=by_strike[0],
        puts_by_strike=by_strike[1],
        expirations=grid.expirations,
        calls_by_expiration=by_expiration[0],
        puts_by_expiration=by_expiration[1],
        calls=float(calls.sum()),
        puts=float(puts.sum()),
        zero_dte_share=_zero_dte_share(chain.at, grid, by_expiration[0] - by_expiration[1]),
        vanna=float((vanna * delta_dollars).sum()) * PERCENT,
        charm=float((charm * delta_dollars).sum()) / _DAYS_OF_A_YEAR,
        call_wall=call_wall,
        put_wall=put_wall,
        walls=settings.walls,
    )


def _sensitivities(
    chain: OptionChain, vol: FloatColumn, settings: GammaSettings
) -> tuple[FloatColumn, FloatColumn, FloatColumn]:
    """Gamma, vanna and charm of each contract, in blocks whose columns stay in the cache."""
    found = np.empty((3, len(chain)))
    years = chain.years
    for start in range(0, len(chain), _BLOCK):
        rows = slice(start, start + _BLOCK)
        options = EuropeanOptions(
            right=chain.right[rows],
            spot=chain.spot,
            strike=chain.strike[rows],
            years=years[rows],
            vol=vol[rows],
            rate=settings.rate,
            dividend=settings.dividend,
        )
        found[:, rows] = options.gamma(), options.vanna(), options.charm()
    return found[0], found[1], found[2]


def _zero_dte_share(at: int, grid: ChainGrid, gross: FloatColumn) -> float | None:
    total = gross.sum()
    near = gross[grid.expirations - at <= ZERO_DTE].sum()
    return float(near / total) if total > 0 else None


def _walls(
    strikes: FloatColumn, calls: FloatColumn, puts: FloatColumn, walls: Walls
) -> tuple[float | None, float | None]:
    high, low = (calls, puts) if walls is Walls.SIDE else (calls + puts, calls + puts)
    top, bottom = int(high.argmax()), int(low.argmin())
    return (
        float(strikes[top]) if high[top] > 0 else None,
        float(strikes[bottom]) if low[bottom] < 0 else None,
    )
