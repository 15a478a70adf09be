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
    name = chain.underlying
    listed = coverage.rows - coverage.gone
    if not coverage.rows:
        return f"the chain of {name} has no contracts"
    if chain.at == UNKNOWN:
        return f"the time of the chain of {name} is not known"
    if not (np.isfinite(chain.spot) and chain.spot > 0):
        return f"the spot of {name} is {chain.spot:g}, where a price above 0 was expected"
    if not listed:
        return f"all {coverage.rows} contracts of {name} have expired or name no contract"
    if not _enough(listed - coverage.without_interest, listed, settings):
        return (
            f"open interest is known of {listed - coverage.without_interest} of {listed} contracts "
            f"of {name}, where {settings.coverage_percent_min:g} % are needed"
        )
    if not coverage.open:
        return f"no contract of {name} is open"
    return _why_outside(chain)


def why_too_few(
    chain: OptionChain, has_figures: BoolColumn, settings: GammaSettings
) -> str | None:
    """Why the volatilities of open contracts are not enough; None if they are."""
    total = float(chain.open_interest.sum())
    known = float(chain.open_interest[has_figures].sum())
    if known > 0 and _enough(known, total, settings):
        return None
    return (
        f"a volatility is known of {100 * known / total:.0f} % of the open interest of "
        f"{chain.underlying}, where {settings.coverage_percent_min:g} % are needed"
    )


def _enough(part: float, whole: float, settings: GammaSettings) -> bool:
    return 100 * part >= settings.coverage_percent_min * whole


def _why_outside(chain: OptionChain) -> str | None:
    strikes = chain.strike[chain.is_listed]
    low, high = float(strikes.min()), float(strikes.max())
    if low <= chain.spot <= high:
        return None
    return (
        f"the spot of {chain.underlying}, {chain.spot:g}, lies outside the strikes of its chain, "
        f"{low:g} to {high:g}"
    )
