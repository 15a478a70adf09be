"""Chains as a source lists them, priced at a volatility of 0.2."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np

from exit_pipeline.core.context.black_scholes import EuropeanOptions
from exit_pipeline.core.model.chain import YEAR
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.instant import to_micros
from exit_pipeline.core.model.listed_chain import ListedChain
from exit_pipeline.services.settlement import settles_at
from exit_pipeline_tests.fakes import FakeCalendar

VOL = 0.2
EXPIRATIONS = (date(2026, 3, 20), date(2026, 4, 17), date(2026, 6, 19))
STRIKES = tuple(range(80, 122, 2))
Interest = Callable[[float, int], float]


def calls_above(strike: float, right: int) -> float:
    """Calls are held above 100, puts below: positive gamma above a zero near 100."""
    return 1_000.0 if (strike - 100) * right > 0 else 100.0


def puts_above(strike: float, right: int) -> float:
    """The reverse, so that gamma is negative above."""
    return calls_above(strike, -right)


def listed_chain(
    at: datetime,
    *,
    spot: float = 103.0,
    root: str = "ACME",
    expirations: Sequence[date] = EXPIRATIONS,
    strikes: Sequence[float] = STRIKES,
    interest: Interest = calls_above,
    source: str = "a test",
    **changed: Any,
) -> ListedChain:
    """Every strike of every expiration, quoted a cent around its value."""
    symbols = [
        f"{root}{day:%y%m%d}{letter}{round(strike * 1000):08d}"
        for day in expirations
        for strike in strikes
        for letter in "CP"
    ]
    contracts = [parse_contract(symbol) for symbol in symbols]
    right = np.array([1 if one.right.name == "CALL" else -1 for one in contracts], np.int8)
    strike = np.array([float(one.strike) for one in contracts])
    ends = np.array([settles_at(one, FakeCalendar()) for one in contracts])
    years = (ends - to_micros(at)) / YEAR
    value = EuropeanOptions(right=right, spot=spot, strike=strike, years=years, vol=VOL).price()
    chain = ListedChain(
        underlying=contracts[0].underlying if contracts else root,
        at=to_micros(at),
        spot=spot,
        source=source,
        symbols=symbols,
        bid=np.round(np.maximum(value - 0.01, 0.0), 2),
        ask=np.round(value + 0.01, 2),
        open_interest=np.array([interest(k, r) for k, r in zip(strike, right, strict=True)]),
        feed_iv=np.full(len(symbols), np.nan),
        feed_gamma=np.full(len(symbols), np.nan),
        quoted_at=np.full(len(symbols), to_micros(at)),
    )
    return replace(chain, **changed)
