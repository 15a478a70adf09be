"""`decide` over a million rows, beside a sum() of each column it reads and a loop over objects.

Only ratios of one run are worth comparing: all three are measured in turn, on the same machine, in
the same minute.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.policy import Policy, parse_policy
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import NO_RULE, Decisions
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


@dataclass(slots=True)
class Row:
    """One position with its quote, as a program with objects would hold it."""

    policy: int
    decided_at: int
    session_close: int
    last_trading_close: int
    side: int
    right: int
    quantity: int
    open_quantity: int
    profit_exited: int
    entry_price: int
    entry_time: int
    intraday: bool
    force_close: bool
    bid: int
    ask: int
    bid_size: int
    ask_size: int
    nonfinite: bool
    quoted_at: int
    feed_at: int
    feed_age_limit: int
    previous_mid: int
    gex_direction: int
    gex_strength: float
    gex_at: int
    gex_previous: int
    gex_latched: bool
    underlying_price: int
    vix: float
    vix_at: int


@dataclass(slots=True)
class Mark:
    """A graded quote."""

    good: bool
    priced: bool
    alive: bool
    mid: int
    gain: int
    pnl_percent: float


Answer = tuple[bool, bool, int]
"""Fired, evaluable and how many contracts."""


class ForceClose:
    """A person asked for it."""

    def judge(self, row: Row, mark: Mark) -> Answer:  # noqa: ARG002 needs no quote
        return row.force_close, True, row.open_quantity


class Expiry:
    """The last trading day."""

    def __init__(self, minutes: int) -> None:
        self.before = minutes * MINUTES

    def judge(self, row: Row, mark: Mark) -> Answer:  # noqa: ARG002 needs no quote
        close = row.last_trading_close
        known = close != UNKNOWN
        return known and close - row.decided_at <= self.before, known, row.open_quantity


class ProfitTarget:
    """A share of the position at a profit."""

    def __init__(self, percent: float, share: float) -> None:
        self.percent, self.share = round(percent * 100), round(share * 100)

    def judge(self, row: Row, mark: Mark) -> Answer:
        if not mark.priced or mark.gain * 10_000 < row.entry_price * self.percent:
            return False, mark.priced, 0
        rest = max(row.quantity * self.share // 10_000, 1) - row.profit_exited
        return rest > 0, True, min(rest, row.open_quantity)


class StopLoss:
    """All of it at a loss."""

    def __init__(self, percent: float) -> None:
        self.percent = -round(percent * 100)

    def judge(self, row: Row, mark: Mark) -> Answer:
        if not mark.priced:
            return False, False, 0
        beyond = self._is_beyond(row, mark.mid)
        if beyond and not mark.good:
            beyond = row.previous_mid != UNKNOWN and self._is_beyond(row, row.previous_mid)
        return beyond, True, row.open_quantity

    def _is_beyond(self, row: Row, price: int) -> bool:
        return (price - row.entry_price) * row.side * 10_000 <= row.entry_price * self.percent


class GexFlip:
    """The gamma signal has turned against the position."""

    def __init__(self, minutes: int, strength: float) -> None:
        self.age_max, self.strength_min = minutes * MINUTES, strength

    def judge(self, row: Row, mark: Mark) -> Answer:  # noqa: ARG002 needs no quote
        view = row.side * row.right
        agreement = row.gex_direction * view
        if agreement > 0:
            return False, True, 0
        fired = row.gex_latched or (
            agreement < 0
            and row.gex_previous == view
            and row.decided_at - row.gex_at < self.age_max
            and row.gex_at > row.entry_time
            and row.gex_strength >= self.strength_min
        )
        return fired, fired or (agreement < 0 and row.gex_previous != 0), row.open_quantity


class TimeExit:
    """The end of the session."""

    def __init__(self, minutes: int) -> None:
        self.before = minutes * MINUTES

    def judge(self, row: Row, mark: Mark) -> Answer:  # noqa: ARG002 needs no quote
        due = row.intraday and row.session_close - row.decided_at <= self.before
        return due, True, row.open_quantity


RULES = (
    ForceClose(),
    Expiry(90),
    ProfitTarget(50, 50),
    StopLoss(30),
    GexFlip(240, 0.3),
    TimeExit(30),
)


def grade(row: Row) -> Mark:
    """The quote's grade and the position's gain, as the default policy has them."""
    bid, ask, now = row.bid, row.ask, row.decided_at
    alive = now < row.last_trading_close
    age = now - row.quoted_at
    bad = (
        not alive
        or bid == UNKNOWN
        or ask == UNKNOWN
        or ask == 0
        or bid < 0
        or row.nonfinite
        or bid > ask
        or (bid == 0 and ask > 1_500)
        or now - row.feed_at > row.feed_age_limit
        or age > 900 * SECONDS
        or age < -5 * SECONDS
    )
    if bad:
        return Mark(False, False, alive, 0, 0, float("nan"))
    spread = ask - bid
    good = (
        spread > 0
        and bid > 0
        and age <= 120 * SECONDS
        and row.bid_size != 0
        and row.ask_size != 0
        and not (spread > 1_000 and spread * 200 > (bid + ask) * 25)
    )
    mid = (bid + ask) // 2
    price = mid if good else bid if row.side > 0 else ask
    gain = (price - row.entry_price) * row.side
    return Mark(good, bid > 0 or row.side < 0, alive, mid, gain, gain / row.entry_price * 100)


def decide_row(row: Row) -> tuple[int, int, int, int, float]:
    """Fired mask, evaluable mask, deciding rule, quantity and P&L of one position."""
    mark = grade(row)
    fired_mask = evaluable_mask = quantity = 0
    decider, full = NO_RULE, False
    if not mark.alive or row.open_quantity <= 0:
        return fired_mask, evaluable_mask, decider, quantity, mark.pnl_percent
    for bit, rule in enumerate(RULES):
        fired, evaluable, asked = rule.judge(row, mark)
        if evaluable:
            evaluable_mask |= 1 << bit
        if fired:
            fired_mask |= 1 << bit
            closes_all = asked == row.open_quantity
            if decider == NO_RULE or (closes_all and not full):
                decider, quantity, full = bit, asked, closes_all
    return fired_mask, evaluable_mask, decider, quantity, mark.pnl_percent


def rows_of(book: Book) -> list[Row]:
    """The book as objects; making them is no part of what is measured."""
    columns = [getattr(book, column.name).tolist() for column in fields(Book)]
    return [Row(*values) for values in zip(*columns, strict=True)]


def check(rows: Sequence[Row], decisions: Decisions) -> None:
    """The loop and the columns must say the same of each row."""
    answers = [np.array(column) for column in zip(*map(decide_row, rows), strict=True)]
    for name, answer in zip(
        ("fired_mask", "evaluable_mask", "rule", "quantity", "pnl_percent"), answers, strict=True
    ):
        np.testing.assert_array_equal(getattr(decisions, name), answer, err_msg=name)


def seconds(work: Callable[[], object], runs: int) -> float:
    """The median of several runs."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return sorted(took)[len(took) // 2]


def measure(book: Book, policies: Sequence[Policy], sample: int) -> tuple[float, float, float]:
    """Seconds of decide, of the sums, and of the loop scaled from its sample to the whole book."""
    columns = [getattr(book, c.name) for c in fields(Book) if c.name not in READ_BY_NO_RULE]
    part = book.take(slice(sample))
    rows = rows_of(part)
    check(rows, decide(part, policies))
    deciding = seconds(lambda: decide(book, policies), runs=9)
    summing = seconds(lambda: [column.sum() for column in columns], runs=9)
    looping = seconds(lambda: [decide_row(row) for row in rows], runs=3)
    return deciding, summing, looping * len(book) / sample


def main(rows: int = 1_000_000, sample: int = 20_000) -> None:
    """Print the ratios."""
    book, policies = random_book(rows), [parse_policy()]
    deciding, summing, looping = measure(book, policies, sample)
    exits = int((decide(book, policies).outcome > 0).sum())
    read = len(fields(Book)) - len(READ_BY_NO_RULE)
    print(f"decide: {rows:,} rows, {len(policies[0].rules)} rules, {exits:,} exits")
    print(f"  one sum() over each of the {read} columns it reads     1.0")
    print(f"  decide                                          {deciding / summing:7.1f}  (aim: 4)")
    print(f"  a Python loop over rule objects ({sample:,} rows)  {looping / summing:7.0f}")
    print(f"  the loop takes {looping / deciding:,.0f} times as long as decide (aim: 100)")


if __name__ == "__main__":
    main()
