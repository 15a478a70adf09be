"""The gamma context of a chain of 20,000 contracts, in units of one plain pass of gamma over it.

The pass is what a reader of a textbook writes with NumPy: gamma of each contract times its open
interest, summed. A profile costs such a pass at each of 60 prices. No package on PyPI was found
(November 2026) that computes one, so the peers are libraries whose gamma is called in a loop: the
fastest that takes columns, and the best known, contract by contract. All are given volatilities.
"""

import gc
import importlib
import timeit
from collections.abc import Callable
from types import ModuleType

import numpy as np

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.chain_grid import ChainGrid
from exit_pipeline.core.context.gamma_context import gamma_context
from exit_pipeline.core.context.gamma_profile import GammaProfile
from exit_pipeline.core.context.gamma_settings import GammaSettings
from exit_pipeline.core.context.implied_vol import implied_vol
from exit_pipeline.core.context.smile import smile
from exit_pipeline.core.context.zero_gamma import ZeroGamma, zero_gamma
from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.chain import OptionChain
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS

SPOT = 5_000.0
LEVELS = np.linspace(0.8, 1.2, 60) * SPOT
NOW = 1_770_000_000 * SECONDS


def index_chain(seed: int = 1) -> OptionChain:
    """25 expirations of 400 strikes, both rights, quoted in steps of 0.05; the first ends today."""
    random = np.random.default_rng(seed)
    left = np.array([0.25, 1, 2, 3, 4, 7, *range(9, 60, 5), *range(90, 800, 100)])
    strikes = SPOT + 5.0 * np.arange(-240, 160)
    days, strike, right = (a.ravel() for a in np.meshgrid(left, strikes, [1, -1], indexing="ij"))
    years, moneyness = days / 365, np.log(strike / SPOT)
    vol = np.maximum(0.16 - 0.35 * moneyness / (0.3 + np.sqrt(years)) + 0.4 * moneyness**2, 0.1)
    away = np.abs(moneyness - 0.02 * right) / (0.04 + 0.1 * np.sqrt(years))
    interest = random.lognormal(0, 1, len(days)) * np.exp(-away) * np.where(right > 0, 1, 0.6)
    interest *= np.where(right * moneyness > 0, 1, 0.6)
    options = EuropeanOptions(right=right, spot=SPOT, strike=strike, years=years, vol=vol)
    value = options.price()
    return OptionChain(
        underlying="SPX",
        at=NOW,
        spot=SPOT,
        source="made up",
        strike=strike,
        right=right.astype(np.int8),
        expires_at=NOW + (days * (DAYS // MINUTES)).astype(np.int64) * MINUTES,
        bid=np.floor(value / 0.05) * 0.05,
        ask=np.ceil(value / 0.05) * 0.05,
        open_interest=np.ceil(3_000 * interest),
        feed_iv=vol,
        feed_gamma=options.gamma().round(4),
    )


class Prepared:
    """A chain with the volatilities that all ways of computing its profile are given."""

    def __init__(self, chain: OptionChain) -> None:
        self.chain = chain
        grid = ChainGrid.of(chain)
        self.vol = smile(chain, grid).vol.ravel()[grid.cell]
        self.years = chain.years
        self.signed = chain.right * chain.open_interest
        first = np.unique(grid.cell, return_index=True)[1]
        self.rows, self.net = first, grid.sum_by_cell(self.signed).ravel()[grid.cell[first]]

    def plain_pass(self, price: float = SPOT) -> float:
        """Net dollar gamma at one price as it is written in textbooks."""
        deviation = self.vol * np.sqrt(self.years)
        d1 = np.log(price / self.chain.strike) / deviation + deviation / 2
        gamma = np.exp(-d1 * d1 / 2) / (price * deviation * np.sqrt(2 * np.pi))
        return float((gamma * self.signed).sum() * price**2)

    def direct(self) -> list[float]:
        """The profile by a plain pass at each level."""
        return [self.plain_pass(price) for price in LEVELS]

    def ours(self) -> ZeroGamma:
        """The profile at the 60 levels, the spot and 20 near strikes, and all zeros refined."""
        rows = self.rows
        profile = GammaProfile.of(
            self.chain.strike[rows], self.years[rows], self.vol[rows], self.net
        )
        return zero_gamma(profile, SPOT, GammaSettings())

    def fast_vollib(self, library: ModuleType) -> list[float]:
        """The profile by one call of fast-vollib's gamma over all contracts at each level."""
        strike, years, vol = self.chain.strike, self.years, self.vol
        found = []
        for price in LEVELS:
            gamma = library.gamma("c", price, strike, years, 0.0, vol, return_as="numpy")
            found.append(float((gamma * self.signed).sum() * price**2))
        return found

    def vollib(self, library: ModuleType, sample: int) -> list[float]:
        """The profile by vollib's gamma, contract by contract, over a sample of them."""
        part = slice(None, None, len(self.vol) // sample)
        columns = (self.chain.strike[part], self.years[part], self.vol[part], self.signed[part])
        rows = list(zip(*(column.tolist() for column in columns), strict=True))
        return [
            sum(library.gamma("c", p, k, t, 0.0, v) * count for k, t, v, count in rows) * p**2
            for p in LEVELS.tolist()
        ]


def seconds(work: Callable[[], object], runs: int) -> float:
    """The least of several runs: what a few milliseconds get beyond that is other programs'."""
    return min(timeit.repeat(work, gc.enable, number=1, repeat=runs))


def installed(name: str) -> ModuleType | None:
    """A library that only a comparison needs."""
    try:
        return importlib.import_module(name)
    except ImportError:
        print(f"  {name} is not installed, so the comparison with it is left out")
        return None


def round_trip(count: int = 1_000_000, seed: int = 9) -> tuple[float, int]:
    """The worst error of implied volatilities, and how many were not found.

    Volatilities from 1 % to 300 %, a minute to three years to go, up to 8 deviations out of the
    money, priced to the last digit.
    """
    random = np.random.default_rng(seed)
    vol = np.exp(random.uniform(np.log(0.01), np.log(3), count))
    years = np.exp(random.uniform(np.log(1 / 525_600), np.log(3), count))
    spot = np.exp(random.uniform(0, 9, count))
    strike = spot * np.exp(random.uniform(-8, 8, count) * vol * np.sqrt(years))
    right = np.where(strike >= spot, 1, -1)
    options = EuropeanOptions(right=right, spot=spot, strike=strike, years=years, vol=vol)
    found: FloatColumn = implied_vol(options.price(), right, spot, strike, years)
    return float(np.nanmax(np.abs(found - vol))), int(np.isnan(found).sum())


def compare_peers(one: Prepared, refined: float, runs: int, sample: int) -> None:
    """Print what a profile costs with others' gamma, which must come to the same."""
    expected = np.array(one.direct())
    library = installed("fast_vollib.greeks")
    if library:
        np.testing.assert_allclose(one.fast_vollib(library), expected, rtol=1e-6)
        theirs = seconds(lambda: one.fast_vollib(library), runs)
        print(f"    fast-vollib's gamma at 60 levels        {theirs / refined:8.1f}  (aim: 30)")
    library = installed("vollib.black_scholes.greeks.analytical")
    if library:
        looped = seconds(lambda: one.vollib(library, sample), 1) * len(one.vol) / sample
        print(f"    vollib's, contract by contract ({sample:,})    {looped / refined:8,.0f}")


def main(runs: int = 60, sample: int = 1_000) -> None:
    """Print the ratios.

    The million comes first, so that all the rest is measured in a process that has had megabytes in
    its hands, as one that has read a chain: from then on the allocator keeps what is freed.
    """
    worst, failures = round_trip()
    chain = index_chain()
    one = Prepared(chain)
    np.testing.assert_allclose(
        np.interp(LEVELS, one.ours().prices, one.ours().net), one.direct(), rtol=1e-9
    )
    plain = seconds(one.plain_pass, runs)
    context = seconds(lambda: gamma_context(chain), runs)
    fed = seconds(lambda: gamma_context(chain, GammaSettings(figures="feed")), runs)
    direct, refined = seconds(one.direct, runs), seconds(one.ours, runs)
    print(f"gamma context: {len(chain):,} contracts")
    print("  one plain pass of gamma over them             1.00")
    print(f"  the whole context, volatilities solved    {context / plain:8.1f}  (aim: 45)")
    print(f"  the whole context with the feed's         {fed / plain:8.1f}")
    print("  a profile at 60 levels, plain                 1.00")
    zeros = len(one.ours().crossings)
    print(f"  ours, its zeros ({zeros}) refined               {refined / direct:8.2f}  (aim: 0.4)")
    print("  the same                                      1.00")
    compare_peers(one, refined, runs // 12, sample)
    print(f"  a million implied volatilities: {failures} not found, worst error {worst:.1e}")


if __name__ == "__main__":
    main()
