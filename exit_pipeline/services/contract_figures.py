"""Implied volatility and greeks of each position's own contract, from its quote."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.context.implied_vol import implied_vol
from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.chain import YEAR
from exit_pipeline.core.model.contract import OptionContract, OptionRight
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import MarketSnapshot, Quote
from exit_pipeline.ports import Calendar
from exit_pipeline.services.settlement import settles_at

_AGE_LIMIT: Final = timedelta(minutes=15)
"""An older quote, or one that lies further from its underlying's price in time, tells nothing."""

_DAYS: Final = 365
_POINTS: Final = 100
_FIGURES: Final = ("iv", "delta", "gamma", "theta", "vega")


def contract_figures(
    positions: Sequence[Position], market: MarketSnapshot, at: datetime, calendar: Calendar
) -> dict[str, FloatColumn]:
    """Columns ``iv``, ``delta``, ``gamma``, ``theta`` and ``vega`` of a book, in its units.

    The volatility is the one at which the mid is the value of a European option without rates and
    dividends; theta is per calendar day and vega per point of volatility. All are NaN where the
    contract, a two-sided quote no wider than its mid, a price of the underlying of about the same
    time or the settlement is not known, and where no volatility gives the mid, as below the
    intrinsic value.

    Args:
        positions: The rows.
        market: Quotes and prices.
        at: The tick's moment.
        calendar: Tells when contracts are settled.

    Example: a call with strike 100 at 2.80 with the spot at 100 and 30 days to go has a volatility
    of 0.2448, a delta of 0.514, a gamma of 0.0568, a theta of -0.0466 and a vega of 0.1143.
    """
    found = {name: np.full(len(positions), np.nan) for name in _FIGURES}
    settled: dict[tuple[str, date], int] = {}
    rows, inputs = [], []
    for row, position in enumerate(positions):
        known = _inputs(position.contract, position.underlying, market, at)
        if known is not None and position.contract is not None:
            rows.append(row)
            inputs.append((*known, _years(position.contract, at, calendar, settled)))
    if not rows:
        return found
    right, mid, spot, strike, years = np.array(inputs, np.float64).T
    vol = implied_vol(mid, right, spot, strike, years)
    options = EuropeanOptions(right=right, spot=spot, strike=strike, years=years, vol=vol)
    figures = (
        vol,
        options.delta(),
        options.gamma(),
        options.theta() / _DAYS,
        options.vega() / _POINTS,
    )
    for name, column in zip(_FIGURES, figures, strict=True):
        found[name][rows] = np.where(np.isfinite(column), column, np.nan)
    return found


def _inputs(
    contract: OptionContract | None, underlying: str, market: MarketSnapshot, at: datetime
) -> tuple[int, float, float, float] | None:
    """Right, mid, spot and strike; None where one of them is not known."""
    quote = market.quotes.get(contract.symbol) if contract else None
    price = market.underlyings.get(underlying)
    if contract is None or contract.is_adjusted or quote is None or price is None:
        return None
    mid = _mid(quote)
    times = (quote.quoted_at, price.quoted_at)
    is_of_now = at - min(times) <= _AGE_LIMIT and max(times) - min(times) <= _AGE_LIMIT
    if mid is None or not is_of_now or price.last <= 0:
        return None
    right = 1 if contract.right is OptionRight.CALL else -1
    return right, mid, float(price.last), float(contract.strike)


def _mid(quote: Quote) -> float | None:
    """The mid of a quote that leaves it open by no more than itself."""
    bid, ask = quote.bid, quote.ask
    if bid is None or ask is None or quote.nonfinite or not quote.is_standard:
        return None
    return float((bid + ask) / 2) if 0 < bid <= ask <= 3 * bid else None


def _years(
    contract: OptionContract,
    at: datetime,
    calendar: Calendar,
    settled: dict[tuple[str, date], int],
) -> float:
    # A book holds many contracts of few expirations, and asking a calendar is slow.
    key = (contract.root, contract.expiration)
    if key not in settled:
        settled[key] = settles_at(contract, calendar)
    end = settled[key]
    return float("nan") if end == UNKNOWN else (end - to_micros(at)) / YEAR
