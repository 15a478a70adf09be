"""`decide` over a million rows, beside a sum() of each column it reads and a Python loop."""

import time
from collections.abc import Callable
from dataclasses import fields

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import parse_policy
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN

READ_BY_NO_RULE = {"policy", "underlying_price", "vix", "vix_at"}


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
    close = now + rng.integers(0, 390, rows) * MINUTES
    return Book(
        policy=np.zeros(rows, np.int8),
        decided_at=now,
        session_close=close,
        last_trading_close=close + rng.integers(0, 60, rows) * DAYS,
        side=np.where(rng.random(rows) < 0.8, 1, -1).astype(np.int8),
        right=np.where(rng.random(rows) < 0.5, 1, -1).astype(np.int8),
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
        gex_latched=np.zeros(rows, np.bool_),
        underlying_price=np.full(rows, 1_000_000),
        vix=np.full(rows, 17.0),
        vix_at=now,
    )


def seconds(work: Callable[[], object], runs: int = 7) -> float:
    """The median of several runs."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return sorted(took)[len(took) // 2]


def plain_python(book: Book) -> int:
    """A hand-written loop over rule objects with Python numbers, without masks or a trace."""
    names = [column.name for column in fields(Book)]
    rows = zip(*(getattr(book, name).tolist() for name in names), strict=True)
    rules = (_expiry, _profit, _stop, _flip, _time)
    exits = 0
    for values in rows:
        row = dict(zip(names, values, strict=True))
        if _usable(row):
            exits += sum(rule(row) for rule in rules) > 0
    return exits


def _usable(row: dict) -> bool:
    bid, ask = row["bid"], row["ask"]
    return not (
        UNKNOWN in (bid, ask)
        or row["nonfinite"]
        or bid >= ask
        or bid == 0
        or row["decided_at"] - row["quoted_at"] > 120 * SECONDS
        or row["decided_at"] - row["feed_at"] > row["feed_age_limit"]
        or ((ask - bid) * 200 > 25 * (bid + ask) and ask - bid > 1_000)
    )


def _gain(row: dict) -> int:
    return row["side"] * ((row["bid"] + row["ask"]) // 2 - row["entry_price"])


def _expiry(row: dict) -> bool:
    return 0 < row["last_trading_close"] - row["decided_at"] <= 90 * MINUTES


def _profit(row: dict) -> bool:
    rest = max(row["quantity"] // 2, 1) - row["profit_exited"]
    return rest > 0 and _gain(row) * 100 >= 50 * row["entry_price"]


def _stop(row: dict) -> bool:
    return _gain(row) * 100 <= -30 * row["entry_price"]


def _flip(row: dict) -> bool:
    view = row["side"] * row["right"]
    return row["gex_latched"] or (
        row["gex_direction"] == -view
        and row["gex_previous"] == view
        and row["decided_at"] - row["gex_at"] < 240 * MINUTES
        and row["gex_at"] > row["entry_time"]
        and row["gex_strength"] >= 0.3
    )


def _time(row: dict) -> bool:
    return row["intraday"] and row["session_close"] - row["decided_at"] <= 30 * MINUTES


def main(rows: int = 1_000_000, sample: int = 20_000) -> None:
    book, policies = random_book(rows), [parse_policy()]
    columns = [getattr(book, c.name) for c in fields(Book) if c.name not in READ_BY_NO_RULE]
    decisions = decide(book, policies)
    deciding = seconds(lambda: decide(book, policies))
    summing = seconds(lambda: [column.sum() for column in columns])
    looping = seconds(lambda: plain_python(book.take(slice(sample))), runs=3) * rows / sample
    exits = int((decisions.outcome > 0).sum())
    print(f"decide: {rows:,} rows, {len(policies[0].rules)} rules, {exits:,} exits")
    print(f"  one sum() over each of the {len(columns)} columns it reads   1.0")
    print(f"  decide                                          {deciding / summing:6.1f}")
    print(f"  a Python loop over rule functions ({sample:,} rows) {looping / summing:8.0f}")
    print(f"  the loop takes {looping / deciding:,.0f} times as long as decide")


if __name__ == "__main__":
    main()
