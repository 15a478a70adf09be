"""Which contracts of a chain can be summed up, and whether they are enough."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.model.book import BoolColumn
from exit_pipeline.core.model.chain import OptionChain
from exit_pipeline.core.model.price import UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a chain went into its figures; counts are contracts listed, not open interest.

    Attributes:
        rows: Contracts given.
        gone: Of these, expired, or without a strike, a right or an expiration.
        without_interest: Of the others, without a known open interest.
        open: Of those with one, with an open interest above zero.
        without_vol: Of these, without a volatility (or gamma, where the source's is used).
    """

    rows: int
    gone: int = 0
    without_interest: int = 0
    open: int = 0
    without_vol: int = 0

    @classmethod
    def of(cls, chain: OptionChain) -> Self:
        """Count all but the volatilities."""
        listed, known = chain.is_listed, has_interest(chain)
        return cls(
            rows=len(chain),
            gone=int((~listed).sum()),
            without_interest=int((listed & ~known).sum()),
            open=int((listed & known & (chain.open_interest > 0)).sum()),
        )


def has_interest(chain: OptionChain) -> BoolColumn:
    """Rows whose open interest is known; a negative or infinite one is not."""
    return np.isfinite(chain.open_interest) & (chain.open_interest >= 0)


def why_unusable(chain: OptionChain, coverage: Coverage, settings: GammaSettings) -> str | None:
    """Why nothing can be told of a chain before any volatility is known; None if it can."""
    return (
        _why_no_instant(chain)
        or _why_no_contract(chain, coverage)
        or _why_no_interest(chain, coverage, settings)
        or _why_outside(chain)
    )


def why_too_few(
    chain: OptionChain, is_open: BoolColumn, has_figures: BoolColumn, settings: GammaSettings
) -> str | None:
    """Why the volatilities of open contracts are not enough; None if they are.

    Contracts are weighed by open interest over the root of their time, to which gamma at the money
    is proportional: an expiration of today has little open interest and much of the gamma, and on a
    real day there are minutes when none of its quotes out of the money has two sides.

    Example: 900 contracts open with a year to go are priced and 100 with 1/100 year are not: 900 of
    900 + 1,000 are known, which is 47 %.
    """
    weight = chain.open_interest[is_open] / np.sqrt(chain.years[is_open])
    total, known = float(weight.sum()), float(weight[has_figures[is_open]].sum())
    if _enough(known, total, settings.vol_percent_min):
        return None
    return (
        f"a volatility is known of {100 * known / total:.0f} % of the open interest of "
        f"{chain.underlying}, weighed by nearness, where {settings.vol_percent_min:g} % are needed"
    )


def _why_no_instant(chain: OptionChain) -> str | None:
    if chain.at == UNKNOWN:
        return f"the time of the chain of {chain.underlying} is not known"
    if not (np.isfinite(chain.spot) and chain.spot > 0):
        return (
            f"the spot of {chain.underlying} is {chain.spot:g}, where a price above 0 was expected"
        )
    return None


def _why_no_contract(chain: OptionChain, coverage: Coverage) -> str | None:
    if not coverage.rows:
        return f"the chain of {chain.underlying} has no contracts"
    if coverage.gone == coverage.rows:
        return f"all {coverage.rows} contracts of {chain.underlying} have expired or name none"
    return None


def _why_no_interest(chain: OptionChain, coverage: Coverage, settings: GammaSettings) -> str | None:
    listed = coverage.rows - coverage.gone
    known = listed - coverage.without_interest
    if not _enough(known, listed, settings.interest_percent_min):
        return (
            f"open interest is known of {known} of {listed} contracts of {chain.underlying}, "
            f"where {settings.interest_percent_min:g} % are needed"
        )
    return None if coverage.open else f"no contract of {chain.underlying} is open"


def _why_outside(chain: OptionChain) -> str | None:
    strikes = chain.strike[chain.is_listed]
    low, high = float(strikes.min()), float(strikes.max())
    if low <= chain.spot <= high:
        return None
    return (
        f"the spot of {chain.underlying}, {chain.spot:g}, lies outside the strikes of its chain, "
        f"{low:g} to {high:g}"
    )


def _enough(part: float, whole: float, percent: float) -> bool:
    return 100 * part >= percent * whole
