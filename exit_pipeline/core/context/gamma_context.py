"""All that gamma exposure tells of one underlying at one instant, in one call."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.gamma_exposure import GammaExposure, gamma_exposure
from exit_pipeline.core.context.gamma_profile import GammaProfile
from exit_pipeline.core.context.gamma_settings import Figures, GammaSettings
from exit_pipeline.core.context.gex_signal import GammaSignal, gex_signal, unknown
from exit_pipeline.core.context.smile import smile
from exit_pipeline.core.context.usable_contracts import (
    Coverage,
    has_interest,
    why_too_few,
    why_unusable,
)
from exit_pipeline.core.context.zero_gamma import ZeroGamma, zero_gamma
from exit_pipeline.core.model.book import BoolColumn, FloatColumn
from exit_pipeline.core.model.chain import OptionChain

DEFAULTS: Final = GammaSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaContext:
    """Gamma exposure of an underlying, or why it is not known.

    Attributes:
        underlying: Its ticker.
        at: The instant of the chain, microseconds since the epoch.
        spot: Its price then, dollars.
        source: Who gave the chain.
        settings: How it was computed: whose volatility, which walls, which rates and range.
        coverage: How much of the chain went into it.
        exposure: Sums at the spot; None if not evaluable.
        zero: The profile over prices and its zeros; None if not evaluable.
        signal: The direction drawn from both.
        reason: Why it is not evaluable; None if it is.
    """

    underlying: str
    at: int
    spot: float
    source: str
    settings: GammaSettings
    coverage: Coverage
    exposure: GammaExposure | None
    zero: ZeroGamma | None
    signal: GammaSignal
    reason: str | None = None


def gamma_context(chain: OptionChain, settings: GammaSettings = DEFAULTS) -> GammaContext:
    """Compute the gamma context of a chain.

    Contracts that expired, that name no strike, right or expiration, or of which no open interest
    is known are left out and counted. Whatever else is wrong with the input is answered with a
    reason instead of figures.

    Args:
        chain: The chain of one underlying.
        settings: How to compute it.

    Example: 1,000 calls open at 110 and 1,000 puts at 90, spot 100, half a year to go, quoted at a
    volatility of 0.2: calls 235,167, puts -202,258 dollars per 1 % move, zero gamma at 98.5087,
    and CALL with strength 0.0752.
    """
    coverage = Coverage.of(chain)
    reason = why_unusable(chain, coverage, settings)
    if reason:
        return _not_evaluable(chain, settings, coverage, reason)
    listed = chain.take(chain.is_listed) if coverage.gone else chain
    grid = ChainGrid.of(listed)
    vol = _volatility(listed, grid, settings)
    is_open = has_interest(listed) & (listed.open_interest > 0)
    known = np.isfinite(vol) & (vol > 0)
    coverage = replace(coverage, without_vol=int((is_open & ~known).sum()))
    reason = why_too_few(listed, is_open, known, settings)
    if reason:
        return _not_evaluable(chain, settings, coverage, reason)
    used = is_open & known
    exposure, zero = _evaluated(listed.take(used), grid.take(used), vol[used], settings)
    return _told(chain, settings, coverage, exposure, zero, gex_signal(exposure, zero))


def _volatility(chain: OptionChain, grid: ChainGrid, settings: GammaSettings) -> FloatColumn:
    """Of each contract: the smile's, or the source's own where it comes with a gamma."""
    if settings.figures is Figures.FEED:
        # Sources write 0 for a volatility that they did not compute, and then for gamma as well.
        has_gamma: BoolColumn = np.isfinite(chain.feed_gamma) & (chain.feed_gamma >= 0)
        return np.where(has_gamma & (chain.feed_iv > 0), chain.feed_iv, np.nan)
    return smile(chain, grid, settings.rate, settings.dividend).vol.ravel()[grid.cell]


def _evaluated(
    chain: OptionChain, grid: ChainGrid, vol: FloatColumn, settings: GammaSettings
) -> tuple[GammaExposure, ZeroGamma]:
    profile = _profile(chain, grid, vol, settings)
    return (
        gamma_exposure(chain, grid, vol, settings),
        zero_gamma(profile, chain.spot, settings),
    )


def _profile(
    chain: OptionChain, grid: ChainGrid, vol: FloatColumn, settings: GammaSettings
) -> GammaProfile:
    interest = chain.right * chain.open_interest
    strike, years = chain.strike, chain.years
    if settings.figures is Figures.SOLVED:
        # A strike's call and put have one volatility, so their difference stands for both.
        first = np.full(len(grid.expirations) * len(grid.strikes), -1)
        first[grid.cell] = np.arange(len(chain))
        by_cell = grid.sum_by_cell(interest).ravel()
        rows, interest = first[by_cell != 0], by_cell[by_cell != 0]
        strike, years, vol = strike[rows], years[rows], vol[rows]
    return GammaProfile.of(
        strike, years, vol, interest, rate=settings.rate, dividend=settings.dividend
    )


def _not_evaluable(
    chain: OptionChain, settings: GammaSettings, coverage: Coverage, reason: str
) -> GammaContext:
    return _told(chain, settings, coverage, None, None, unknown(reason))


def _told(
    chain: OptionChain,
    settings: GammaSettings,
    coverage: Coverage,
    exposure: GammaExposure | None,
    zero: ZeroGamma | None,
    signal: GammaSignal,
) -> GammaContext:
    return GammaContext(
        underlying=chain.underlying,
        at=chain.at,
        spot=chain.spot,
        source=chain.source,
        settings=settings,
        coverage=coverage,
        exposure=exposure,
        zero=zero,
        signal=signal,
        reason=None if exposure else signal.reason,
    )
