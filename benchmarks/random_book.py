"""A book of plausible rows."""

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN


def random_book(rows: int, seed: int = 1) -> Book:
    """A year's worth of plausible rows: most quotes are good, most positions hold."""
    rng = np.random.default_rng(seed)
    now = 1_770_000_000 * SECONDS + rng.integers(0, 240 * DAYS, rows)
    entry = rng.integers(50, 3_000, rows) * 100
    bid = np.maximum((entry * rng.normal(1.0, 0.15, rows)).astype(np.int64) // 100 * 100, 100)
    ask = bid + rng.integers(1, 6, rows) * 100
    bid[rng.random(rows) < 0.01] = UNKNOWN
    quantity = rng.integers(1, 20, rows)
    direction = rng.integers(-1, 2, rows).astype(np.int8)
    left = rng.integers(0, 390, rows)
    close = now + left * MINUTES
    days = rng.integers(21, 60, rows)
    days[rng.random(rows) < 0.02] = 0
    side = np.where(rng.random(rows) < 0.8, 1, -1).astype(np.int8)
    return Book.of(
        rows,
        decided_at=now,
        session_close=close,
        clock_minutes=16 * 60 - left,
        last_trading_close=close + days * DAYS,
        days_to_expiration=days,
        days_in_trade=rng.integers(0, 31, rows),
        side=side,
        quantity=quantity,
        open_quantity=quantity.copy(),
        profit_exited=np.zeros(rows, np.int64),
        entry_price=entry,
        entry_time=now - rng.integers(0, 30 * DAYS, rows),
        intraday=rng.random(rows) < 0.3,
        force_close=np.zeros(rows, np.bool_),
        bid=bid,
        ask=ask,
        bid_size=rng.integers(1, 100, rows),
        ask_size=rng.integers(1, 100, rows),
        nonfinite=np.zeros(rows, np.bool_),
        quoted_at=now - rng.integers(0, 100 * SECONDS, rows),
        feed_at=now - rng.integers(0, 20 * SECONDS, rows),
        feed_age_limit=np.full(rows, 30 * SECONDS),
        previous_mid=bid.copy(),
        gex_direction=direction,
        gex_strength=rng.random(rows),
        gex_at=now - rng.integers(0, 600, rows) * MINUTES,
        # Signals come in runs: one in ten follows a signal of another direction.
        gex_previous=np.where(rng.random(rows) < 0.9, direction, -direction).astype(np.int8),
        gex_entry=np.where(rng.random(rows) < 0.9, direction, -direction).astype(np.int8),
        gex_latched=np.zeros(rows, np.bool_),
        high_water=_best(rng, side, entry, np.where(bid == UNKNOWN, entry, bid)),
        **_contract(rng, rows),
        **_greeks(rng, rows, entry),
        **_context(rng, rows, now),
    )


def _best(
    rng: np.random.Generator,
    side: NDArray[np.int8],
    entry: NDArray[np.int64],
    bid: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Some percent beyond the better of entry and bid."""
    beyond = np.abs(rng.normal(0, 0.08, len(side)))
    best = np.where(side > 0, np.maximum(bid, entry), np.minimum(bid, entry))
    return (best * (1 + side * beyond)).astype(np.int64)


def _contract(rng: np.random.Generator, rows: int) -> dict[str, NDArray[np.int64 | np.int8]]:
    """Mostly out of the money, where what is sold begins."""
    right = np.where(rng.random(rows) < 0.5, 1, -1).astype(np.int8)
    underlying = rng.integers(50, 1_000, rows) * 10_000
    away = np.abs(rng.normal(0.06, 0.03, rows))
    away[rng.random(rows) < 0.03] *= -1
    strike = (underlying * (1 + right * away)).astype(np.int64) // 5_000 * 5_000
    return {"right": right, "underlying_price": underlying, "strike": strike}


def _greeks(
    rng: np.random.Generator, rows: int, entry: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    entry_iv = rng.uniform(0.1, 0.8, rows)
    return {
        "iv": entry_iv * rng.lognormal(0, 0.15, rows),
        "entry_iv": entry_iv,
        "delta": rng.choice([-1, 1], rows) * np.minimum(rng.beta(2, 4, rows), 1),
        "theta": -entry / 10_000 * rng.uniform(0.002, 0.04, rows),
    }


def _context(
    rng: np.random.Generator, rows: int, now: NDArray[np.int64]
) -> dict[str, NDArray[np.number]]:
    """Stress on a few days in a hundred."""
    entry_regime = rng.choice([1, 2, 3], rows, p=[0.3, 0.6, 0.1]).astype(np.int8)
    regime = np.where(rng.random(rows) < 0.97, entry_regime, 3).astype(np.int8)
    return {
        "vix": rng.lognormal(2.8, 0.25, rows),
        "vix_at": now,
        "vix_change": rng.normal(0, 7, rows),
        "vix_ratio": rng.normal(0.88, 0.07, rows),
        "regime": regime,
        "entry_regime": entry_regime,
        "confluence": rng.beta(2, 5, rows),
        "next_earnings": now + rng.integers(1, 90 * DAYS, rows),
        "next_ex_dividend": now + rng.integers(1, 90 * DAYS, rows),
        "dividend": rng.integers(10, 200, rows) * 100,
        "day_pnl": rng.normal(0, 400, rows),
        "drawdown": rng.exponential(400, rows),
    }
