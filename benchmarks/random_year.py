"""A year of plausible recorded rows: one position after another, each a walk of its quotes."""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.random_book import random_book
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.paths import Paths

TICKS: Final = 19_656
"""Of 252 sessions with 78 each."""

_OF_A_POSITION: Final = (
    "side", "right", "strike", "quantity", "entry_price", "entry_iv", "entry_regime", "intraday",
)  # fmt: skip
_SLOW: Final = (
    "delta", "iv", "vix", "vix_change", "vix_ratio", "regime", "confluence", "underlying_price",
    "gex_direction", "gex_strength", "gex_previous", "gex_entry", "dividend",
)  # fmt: skip
"""Context of a day: it is the same in all rows of a position's session."""


def random_year(ticks: int = TICKS, positions: int = 50, life: int = 390, seed: int = 1) -> Paths:
    """So many positions at every tick, each for about `life` ticks, five sessions by default.

    The quotes of a position walk by about 1 % a tick. What is slow in the world is the same for a
    session, and nearly nobody is in stress; so positions are held for long.
    """
    rng = np.random.default_rng(seed)
    lives = rng.integers(life // 2, life * 3 // 2, positions * (ticks // (life // 2) + 1))
    tick, path = _slots(lives, ticks, positions)
    starts = np.flatnonzero(np.append(True, path[1:] != path[:-1]))
    rows = random_book(len(path), seed)
    now = 1_770_000_000 * SECONDS + tick // 78 * DAYS + tick % 78 * 5 * MINUTES
    close = now - tick % 78 * 5 * MINUTES + 390 * MINUTES
    first = np.repeat(starts, np.diff(np.append(starts, len(path))))
    changes = np.append(True, tick[1:] // 78 != tick[:-1] // 78)
    changes[starts] = True
    morning = np.maximum.accumulate(np.where(changes, np.arange(len(path)), 0))
    columns = {name: getattr(rows, name)[first] for name in _OF_A_POSITION}
    columns |= {name: getattr(rows, name)[morning] for name in _SLOW}
    quotes = _quotes(rng, columns["entry_price"], first, starts)
    book = replace(
        rows,
        **columns,
        **quotes,
        decided_at=now,
        session_close=close,
        clock_minutes=570 + tick % 78 * 5,
        last_trading_close=close + 40 * DAYS,
        days_to_expiration=np.full(len(path), 40),
        days_in_trade=(now - now[first]) // DAYS,
        entry_time=now[first] - MINUTES,
        open_quantity=columns["quantity"],
        quoted_at=now - SECONDS,
        feed_at=now - SECONDS,
        gex_at=now - 30 * MINUTES,
        vix_at=now,
        next_earnings=close + 30 * DAYS,
        next_ex_dividend=close + 30 * DAYS,
        theta=-quotes["ask"] / 10_000 * 0.01,
        day_pnl=np.zeros(len(path)),
        drawdown=np.zeros(len(path)),
        high_water=np.full(len(path), UNKNOWN),
    )
    return Paths(book=book, starts=starts)


def _slots(
    lives: NDArray[np.int64], ticks: int, positions: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tick and the position of each row: one position after another in each of some slots."""
    tick = np.tile(np.arange(ticks), positions)
    ends = np.cumsum(lives)
    slot = np.repeat(np.arange(positions), ticks)
    # Positions follow each other in one long line, which the slots cut into years.
    path = np.searchsorted(ends, np.arange(len(tick)), side="right") * positions + slot
    return tick, path


def _quotes(
    rng: np.random.Generator,
    entry: NDArray[np.int64],
    first: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> dict[str, NDArray[np.int64]]:
    steps = rng.normal(0, 0.01, len(entry))
    steps[starts] = 0
    walk = np.cumsum(steps)
    mid = np.maximum(entry * np.exp(walk - walk[first]), 200).astype(np.int64) // 100 * 100
    spread = rng.integers(1, 6, len(entry)) * 100
    bid = mid - spread // 2 // 100 * 100
    previous = np.append(UNKNOWN, mid[:-1])
    return {
        "bid": np.where(rng.random(len(entry)) < 0.01, UNKNOWN, bid),
        "ask": bid + spread,
        "previous_mid": previous,
    }
