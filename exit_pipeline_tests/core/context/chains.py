"""Chains for tests: quoted at a known volatility, in whole cents or exactly."""

import numpy as np

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.model.chain import YEAR, OptionChain
from exit_pipeline.core.model.instant import DAYS, SECONDS

NOW = 1_770_000_000 * SECONDS
HALF_A_YEAR = NOW + YEAR // 2


def chain_of(rows, spot=100.0, **columns):
    """A chain of (strike, right, open interest) rows, quoted at 0.2 and half a year to go."""
    strike, right, interest = (np.array(one, dtype=float) for one in zip(*rows, strict=True))
    given = {"at": NOW, "expires_at": np.full(len(rows), HALF_A_YEAR), "vol": 0.2} | columns
    expires_at = np.asarray(given["expires_at"], dtype=np.int64)
    vol = np.broadcast_to(np.asarray(given["vol"], dtype=float), strike.shape)
    options = EuropeanOptions(
        right=right, spot=spot, strike=strike, years=(expires_at - given["at"]) / YEAR, vol=vol
    )
    price = options.price()
    own = {
        "bid": price, "ask": price, "open_interest": interest,
        "feed_iv": vol.copy(), "feed_gamma": options.gamma(),
    }  # fmt: skip
    own |= {name: np.asarray(column) for name, column in columns.items() if name in own}
    return OptionChain(
        underlying="XYZ", at=given["at"], spot=spot, source="a test", strike=strike,
        right=right.astype(np.int8), expires_at=expires_at, **own,
    )  # fmt: skip


def index_chain(tick=0.05, spot=5_000.0, seed=0, outward=False):
    """20,000 contracts of an index with a skewed smile, and the volatility of each.

    25 expirations of 400 strikes. More is open out of the money than in it, so net gamma has one
    zero, 3 % below the spot. Quotes are the value rounded to a tick (0: exact), or, `outward`, the
    ticks below and above it.
    """
    random = np.random.default_rng(seed)
    days = np.concatenate([[1, 2, 3, 4, 7], np.arange(9, 60, 5), np.arange(70, 520, 50)])[:25]
    strikes = spot + 5.0 * np.arange(-240, 160)
    day, strike, right = (
        axis.ravel() for axis in np.meshgrid(days, strikes, [1, -1], indexing="ij")
    )
    years = day / 365
    moneyness = np.log(strike / spot)
    vol = 0.16 - 0.35 * moneyness / (0.3 + np.sqrt(years)) + 0.4 * moneyness**2 + 0.02 * years
    vol = np.maximum(vol, 0.1)
    interest = np.exp(-np.abs(moneyness - 0.02 * right) / (0.04 + 0.1 * np.sqrt(years)))
    interest *= np.where(right * moneyness > 0, 1.0, 0.6) * np.where(right > 0, 1.0, 0.6)
    interest = np.floor(3_000 * random.lognormal(0, 1, len(day)) * interest)
    options = EuropeanOptions(right=right, spot=spot, strike=strike, years=years, vol=vol)
    bid = ask = price = options.price()
    if tick and outward:
        bid, ask = np.floor(price / tick) * tick, np.ceil(price / tick) * tick
    elif tick:
        bid = ask = np.round(price / tick) * tick
    chain = OptionChain(
        underlying="SPX", at=NOW, spot=spot, source="a test", strike=strike,
        right=right.astype(np.int8), expires_at=NOW + day.astype(np.int64) * DAYS, bid=bid, ask=ask,
        open_interest=interest, feed_iv=vol, feed_gamma=np.round(options.gamma(), 4),
    )  # fmt: skip
    return chain, vol
