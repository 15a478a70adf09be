"""What a program without columns would be: an object per position, per rule and per answer."""

# ruff: noqa: FBT003 the classes say what judge does; keywords would slow the loop down

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields, make_dataclass

from exit_pipeline.core.engine.grade import BAD_FLAGS, QuoteLimits
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import NO_RULE, Outcome, Urgency
from exit_pipeline.core.model.instant import SECONDS
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.quote import QuoteFlag
from exit_pipeline.core.model.rule import ExitRule

# Plain integers, since operations on enums are slow.
MISSING, NONFINITE, CROSSED, LOCKED, NO_MARKET, WORTHLESS, STALE_FEED = map(int, [*QuoteFlag][:7])
STALE_QUOTE, EXPIRED_QUOTE, WIDE, NO_SIZE, FUTURE, EXPIRED_CONTRACT = map(int, [*QuoteFlag][7:])
BAD = int(BAD_FLAGS)
NORMAL, FAST, EMERGENCY = map(int, [*Urgency][1:])
HOLD, PARTIAL, FULL = map(int, Outcome)


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


class ObjectRule(ABC):
    """A rule that judges one row."""

    def __init__(self, settings: ExitRule) -> None:
        self.settings = settings

    @abstractmethod
    def judge(self, row: Row, mark: Mark) -> Verdict:
        """Its answer."""


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


def decide_row(row: Row, rules: Sequence[ObjectRule], limits: QuoteLimits) -> tuple[Answer, Mark]:
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
