"""`decide` over a million rows, beside a sum() of each column it reads and a loop over objects.

Only ratios of one run are worth comparing: all three are measured in turn, on the same machine, in
the same minute. The loop is what a program without columns would be: an object per position, per
rule and per answer, the same thresholds, the same answers; making its rows is not measured.
"""

# ruff: noqa: FBT003 the classes say what judge does; keywords would slow the loop down

import gc
import statistics
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, make_dataclass

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.grade import BAD_FLAGS, QuoteLimits
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome, Urgency
from exit_pipeline.core.model.instant import DAYS, MINUTES, SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.policies import parse_policy

# Plain integers, since operations on enums are slow.
MISSING, NONFINITE, CROSSED, LOCKED, NO_MARKET, WORTHLESS, STALE_FEED = map(int, [*QuoteFlag][:7])
STALE_QUOTE, EXPIRED_QUOTE, WIDE, NO_SIZE, FUTURE, EXPIRED_CONTRACT = map(int, [*QuoteFlag][7:])
BAD = int(BAD_FLAGS)
NORMAL, FAST, EMERGENCY = map(int, [*Urgency][1:])
HOLD, PARTIAL, FULL = map(int, Outcome)
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
    return Book.of(
        rows,
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


Row = make_dataclass("Row", [column.name for column in fields(Book)], slots=True)
"""One position with its quote, as a program with objects would hold it."""


Mark = make_dataclass(
    "Mark", ["flags", "grade", "mark", "mid", "gain", "pnl_percent", "priced"], slots=True
)
"""A graded quote."""

Verdict = make_dataclass("Verdict", ["fired", "evaluable", "quantity", "urgency"], slots=True)
"""A rule's answer for one position."""


@dataclass(slots=True)
class Answer:
    """What is decided for one position."""

    fired_mask: int = 0
    evaluable_mask: int = 0
    rule: int = NO_RULE
    quantity: int = 0
    urgency: int = 0
    outcome: int = HOLD
    gex_latched: bool = False


class ForceClose:
    """A person asked for it."""

    def __init__(self, settings: ExitRule) -> None:
        self.settings = settings

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        return Verdict(row.force_close, True, row.open_quantity, EMERGENCY)


class Expiry(ForceClose):
    """The last trading day."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        close, settings = row.last_trading_close, self.settings
        known = close != UNKNOWN
        left = close - row.decided_at
        due = known and left <= settings.minutes_before_close * MINUTES
        late = left <= settings.emergency_minutes_before_close * MINUTES
        return Verdict(due, known, row.open_quantity, EMERGENCY if late else FAST)


class ProfitTarget(ForceClose):
    """A share of the position at a profit."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        settings = self.settings
        if not mark.priced or mark.gain * 100 < row.entry_price * settings.percent:
            return Verdict(False, mark.priced, 0, NORMAL)
        share = max(int(row.quantity * settings.close_share_percent / 100), 1)
        rest = share - row.profit_exited
        return Verdict(rest > 0, True, min(rest, row.open_quantity), NORMAL)


class StopLoss(ForceClose):
    """All of it at a loss."""

    def judge(self, row: Row, mark: Mark) -> Verdict:
        beyond = mark.priced and self._is_beyond(row, mark.mid)
        if beyond and mark.grade:
            beyond = row.previous_mid != UNKNOWN and self._is_beyond(row, row.previous_mid)
        return Verdict(beyond, mark.priced, row.open_quantity, FAST)

    def _is_beyond(self, row: Row, price: int) -> bool:
        gain = (price - row.entry_price) * row.side
        return gain * 100 <= -row.entry_price * self.settings.percent


class GexFlip(ForceClose):
    """The gamma signal has turned against the position."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings = self.settings
        view = row.side * row.right
        agreement = row.gex_direction * view
        fired = (row.gex_latched and agreement <= 0) or (
            agreement < 0
            and row.gex_previous == view
            and row.decided_at - row.gex_at < settings.age_minutes_max * MINUTES
            and row.gex_at > row.entry_time
            and row.gex_strength >= settings.strength_min
        )
        evaluable = fired or agreement > 0 or (agreement < 0 and row.gex_previous != 0)
        return Verdict(fired, evaluable, row.open_quantity, NORMAL)


class TimeExit(ForceClose):
    """The end of the session."""

    def judge(self, row: Row, mark: Mark) -> Verdict:  # noqa: ARG002 needs no quote
        settings = self.settings
        known = row.session_close != UNKNOWN
        left = row.session_close - row.decided_at
        due = known and left <= settings.minutes_before_close * MINUTES
        applies = row.intraday or settings.applies_to == "all"
        return Verdict(due and applies, known, row.open_quantity, FAST)


RULES = (ForceClose, Expiry, ProfitTarget, StopLoss, GexFlip, TimeExit)


def flags_of(row: Row, limits: QuoteLimits) -> int:  # noqa: C901 calls would slow the loop down
    """The flags of a quote."""
    bid, ask, now = row.bid, row.ask, row.decided_at
    flags = NONFINITE if row.nonfinite else 0
    if now >= row.last_trading_close != UNKNOWN:
        flags |= EXPIRED_CONTRACT
    if UNKNOWN in (bid, ask) or ask == 0:
        return flags | MISSING
    spread, age = ask - bid, now - row.quoted_at
    if bid < 0 or ask < 0:
        flags |= NONFINITE
    if spread <= 0:
        flags |= CROSSED if spread else LOCKED
    if bid == 0:
        worthless = ask <= limits.worthless_ask_dollars * 10_000
        flags |= WORTHLESS if worthless else NO_MARKET
    elif spread > limits.wide_dollars * 10_000 and (
        spread * 200 > (bid + ask) * limits.wide_percent
    ):
        flags |= WIDE
    if now - row.feed_at > row.feed_age_limit:
        flags |= STALE_FEED
    if age > limits.age_seconds_max * SECONDS:
        usable = age <= limits.usable_age_seconds_max * SECONDS
        flags |= STALE_QUOTE if usable else EXPIRED_QUOTE
    elif age < -limits.future_seconds_max * SECONDS:
        flags |= FUTURE
    if row.bid_size == 0 or row.ask_size == 0:
        flags |= NO_SIZE
    return flags


def grade(row: Row, limits: QuoteLimits) -> Mark:
    """The quote's grade and the position's gain."""
    flags = flags_of(row, limits)
    if flags & BAD:
        return Mark(flags, 2, UNKNOWN, 0, 0, float("nan"), False)
    mid = (row.bid + row.ask) // 2
    price = mid if not flags else row.bid if row.side > 0 else row.ask
    gain = (price - row.entry_price) * row.side
    priced = not (flags & WORTHLESS and row.side > 0)
    return Mark(flags, 1 if flags else 0, price, mid, gain, gain / row.entry_price * 100, priced)


def decide_row(row: Row, rules: Sequence[ForceClose], limits: QuoteLimits) -> tuple[Answer, Mark]:
    """The decision over one position, and its graded quote."""
    mark, answer = grade(row, limits), Answer()
    if mark.flags & EXPIRED_CONTRACT or row.open_quantity <= 0:
        return answer, mark
    for bit, rule in enumerate(rules):
        verdict = rule.judge(row, mark)
        if verdict.evaluable:
            answer.evaluable_mask |= 1 << bit
        if not verdict.fired:
            continue
        answer.fired_mask |= 1 << bit
        outcome = FULL if verdict.quantity == row.open_quantity else PARTIAL
        if outcome > answer.outcome:
            answer.rule, answer.outcome = bit, outcome
            answer.quantity, answer.urgency = verdict.quantity, verdict.urgency
        if rule.settings.latches:
            answer.gex_latched = True
    return answer, mark


def rows_of(book: Book) -> list[Row]:
    """The book as objects; making them is no part of what is measured."""
    columns = [getattr(book, column.name).tolist() for column in fields(Book)]
    return [Row(*values) for values in zip(*columns, strict=True)]


def check(answers: Sequence[tuple[Answer, Mark]], decisions: Decisions) -> None:
    """The loop and the columns must say the same of each row."""
    for kind, place in ((Answer, 0), (Mark, 1)):
        for name in {field.name for field in fields(kind)} & {c.name for c in fields(Decisions)}:
            told = np.array([getattr(answer[place], name) for answer in answers])
            np.testing.assert_array_equal(getattr(decisions, name), told, err_msg=name)


def seconds(work: Callable[[], object], runs: int) -> float:
    """The median of several runs, with the garbage collector on as in any program."""
    return statistics.median(timeit.repeat(work, gc.enable, number=1, repeat=runs))


def measure(book: Book, policies: Sequence[Policy], sample: int) -> tuple[float, float, float]:
    """Seconds of decide, of the sums, and of the loop, scaled from its sample."""
    columns = [getattr(book, c.name) for c in fields(Book) if c.name not in READ_BY_NO_RULE]
    part = book.take(slice(sample))
    rows, limits = rows_of(part), policies[0].quotes
    rules = [kind(settings) for kind, settings in zip(RULES, policies[0].rules, strict=True)]
    check([decide_row(row, rules, limits) for row in rows], decide(part, policies))
    deciding = seconds(lambda: decide(book, policies), runs=9)
    summing = seconds(lambda: [column.sum() for column in columns], runs=9)
    looping = seconds(lambda: [decide_row(row, rules, limits) for row in rows], runs=3)
    return deciding, summing, looping * len(book) / sample


def main(rows: int = 1_000_000, sample: int = 20_000) -> None:
    """Print the ratios."""
    book, policies = random_book(rows), [parse_policy()]
    deciding, summing, looping = measure(book, policies, sample)
    read = len(fields(Book)) - len(READ_BY_NO_RULE)
    print(f"decide: {rows:,} rows, {len(policies[0].rules)} rules")
    print(f"  one sum() over each of the {read} columns it reads     1.0")
    print(f"  decide                                          {deciding / summing:7.1f}  (aim: 4)")
    print(f"  a Python loop over rule objects ({sample:,} rows)  {looping / summing:7.0f}")
    print(f"  the loop takes {looping / deciding:,.0f} times as long as decide (aim: 100)")


if __name__ == "__main__":
    main()
