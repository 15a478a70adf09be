"""Random paths on which much happens: flips, gaps, poor quotes, new days, expirations."""

import numpy as np

from exit_pipeline.core.model.book import MOST_RULES, Book
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.paths import Paths

START = 1_770_000_000 * SECONDS
NAN = float("nan")


def random_paths(positions: int, seed: int, longest: int = 40, gaps: float = 0.05) -> Paths:
    """Paths of 1 to `longest` rows, five minutes apart, eight of which are a session.

    Args:
        positions: How many paths.
        seed: Of everything.
        longest: Most rows of a path.
        gaps: Share of rows without a bid, likewise without a session, and of paths with a flip that
            is due before their first row.
    """
    rng = np.random.default_rng(seed)
    parts = [_path(rng, int(rng.integers(1, longest + 1)), gaps) for _ in range(positions)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    book = Book.of(len(columns["side"]), **columns)
    lengths = [len(part["side"]) for part in parts]
    return Paths.of(book, np.repeat(np.arange(positions), lengths))


def _path(rng, rows, gaps):
    tick = rng.integers(0, 8) + np.arange(rows)
    now = START + tick // 8 * DAYS + tick % 8 * 5 * MINUTES
    close = START + tick // 8 * DAYS + 40 * MINUTES
    close[rng.random(rows) < gaps] = UNKNOWN
    quantity = int(rng.integers(1, 13))
    exited = int(rng.integers(0, quantity + 1)) if rng.random() < 0.2 else 0
    profited = int(rng.integers(0, exited + 1))
    side, right = rng.choice([-1, 1]), rng.choice([-1, 0, 1], p=[0.45, 0.1, 0.45])
    ends = START + int(rng.integers(0, rows + 20)) * 5 * MINUTES
    hits = np.zeros((rows, MOST_RULES), np.uint8)
    hits[0] = rng.integers(0, 3, MOST_RULES) * (rng.random() < 0.5)
    entry = int(rng.integers(1, 400)) * 100
    return {
        "decided_at": now,
        "session_close": close,
        "clock_minutes": 800 + tick % 8 * 5,
        "last_trading_close": _last_closes(rng, rows, ends, gaps),
        "days_to_expiration": np.full(rows, 30),
        "days_in_trade": tick // 8,
        "side": np.full(rows, side, np.int8),
        "right": np.full(rows, right, np.int8),
        "quantity": np.full(rows, quantity),
        # What was really held later is noise to what might have been.
        "open_quantity": np.append(quantity - exited, rng.integers(0, 20, rows - 1)),
        "profit_exited": np.append(profited, rng.integers(0, 20, rows - 1)),
        "entry_price": np.full(rows, entry),
        "entry_time": np.full(rows, START - int(rng.integers(0, 3)) * DAYS),
        "high_water": _noise(rng, rows, entry),
        "previous_mid": _noise(rng, rows, entry),
        "intraday": np.full(rows, rng.random() < 0.1),
        "force_close": rng.random(rows) < 0.003,
        "hits": hits,
        "gex_latched": np.append(rng.random() < gaps, rng.random(rows - 1) < 0.5),
        **_quotes(rng, rows, now, entry, gaps),
        **_gamma(rng, rows, now),
        **_context(rng, rows, now, entry),
    }


def _last_closes(rng, rows, ends, gaps):
    """Mostly far away; else so near that it is reached, and then sometimes corrected."""
    closes = np.full(rows, ends if rng.random() < 0.2 else START + 30 * DAYS)
    closes[rng.random(rows) < gaps] = START + 30 * DAYS
    return closes


def _noise(rng, rows, entry):
    """A recorded state: only that of the first row counts."""
    noise = (entry * rng.uniform(0.5, 1.8, rows)).astype(np.int64)
    noise[rng.random(rows) < 0.4] = UNKNOWN
    return noise


def _quotes(rng, rows, now, entry, gaps):
    walk = np.exp(np.cumsum(rng.normal(0, 0.08, rows)))
    mid = np.maximum((entry * walk).astype(np.int64) // 50 * 50, 0)
    spread = rng.choice([1, 2, 5, 12, 40], rows, p=[0.4, 0.3, 0.1, 0.1, 0.1]) * 100
    bid = np.maximum(mid - spread // 2, 0)
    ask = bid + spread
    bid[rng.random(rows) < 0.06] = 0
    bid[rng.random(rows) < gaps] = UNKNOWN
    ask[rng.random(rows) < 0.05] = UNKNOWN
    age = rng.choice([1, 200, 1_000, -20], rows, p=[0.85, 0.1, 0.04, 0.01]) * SECONDS
    stale = rng.choice([1, 300], rows, p=[0.97, 0.03]) * SECONDS
    return {
        "bid": bid,
        "ask": ask,
        "bid_size": rng.choice([-1, 0, 5], rows, p=[0.1, 0.05, 0.85]),
        "ask_size": rng.choice([-1, 0, 5], rows, p=[0.1, 0.05, 0.85]),
        "nonfinite": rng.random(rows) < 0.02,
        "quoted_at": now - age,
        "feed_at": now - stale,
        "feed_age_limit": np.full(rows, 30 * SECONDS),
    }


def _gamma(rng, rows, now):
    """Signals come in runs, of which few are strong enough."""
    direction = rng.choice([-1, 0, 1], rows).astype(np.int8)
    direction = direction[np.maximum.accumulate(np.arange(rows) * (rng.random(rows) < 0.3))]
    return {
        "gex_direction": direction,
        "gex_strength": rng.choice([NAN, 0.1, 0.3, 0.9], rows, p=[0.3, 0.5, 0.1, 0.1]),
        "gex_at": now - rng.integers(0, 300, rows) * MINUTES,
        "gex_previous": rng.choice([-1, 0, 1], rows).astype(np.int8),
        "gex_entry": rng.choice([-1, 0, 1], rows).astype(np.int8),
    }


def _context(rng, rows, now, entry):
    def some(values):
        return rng.choice(values, rows)

    underlying = 1_000_000 + np.cumsum(rng.integers(-9_000, 9_000, rows))
    regime = some([0, 1, 2, 3]).astype(np.int8)
    return {
        "strike": np.full(rows, 1_000_000),
        "underlying_price": underlying,
        "iv": some([NAN, 0.2, 0.3]),
        "entry_iv": np.full(rows, 0.3),
        "delta": rng.uniform(-1, 1, rows),
        "theta": -entry / 10_000 * rng.uniform(0, 0.06, rows),
        "vix": some([NAN, 15.0, 29.0]),
        "vix_at": now,
        "vix_change": some([NAN, 0.0, 19.0]),
        "vix_ratio": some([NAN, 0.9, 1.1]),
        "regime": regime,
        "entry_regime": np.full(rows, 2, np.int8),
        "gamma_sign": some([-1, 0, 1]).astype(np.int8),
        "confluence": some([NAN, 0.1, 0.6]),
        "day_pnl": some([NAN, 0.0, -900.0]),
        "drawdown": some([NAN, 0.0, 1_900.0]),
    }
