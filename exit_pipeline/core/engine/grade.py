"""Grade quotes before any rule sees them."""

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.book import Book, BoolColumn, FlagColumn, IntColumn
from exit_pipeline.core.model.instant import SECONDS
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN
from exit_pipeline.core.model.quote import QuoteFlag, QuoteGrade

BAD_FLAGS = (
    QuoteFlag.MISSING
    | QuoteFlag.NONFINITE
    | QuoteFlag.CROSSED
    | QuoteFlag.NO_MARKET
    | QuoteFlag.STALE_FEED
    | QuoteFlag.EXPIRED_QUOTE
    | QuoteFlag.FUTURE
    | QuoteFlag.EXPIRED_CONTRACT
)
"""Any of these makes a quote BAD; any other flag makes it DEGRADED."""


class QuoteLimits(BaseModel):
    """When a quote is doubtful, and when it is no quote at all.

    The defaults are judgement, not measurement; each is a setting of the policy.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    age_seconds_max: float = Field(
        default=120, gt=0, description="An older quote is DEGRADED: illiquid, not broken."
    )
    usable_age_seconds_max: float = Field(
        default=900, gt=0, description="An older quote is BAD: it decides nothing."
    )
    future_seconds_max: float = Field(
        default=5, ge=0, description="A quote stamped later than this after the decision is BAD."
    )
    wide_percent: float = Field(
        default=25, gt=0, description="A spread above this share of the mid, % ..."
    )
    wide_dollars: float = Field(default=0.10, ge=0, description="... and above this, is WIDE.")
    worthless_ask_dollars: float = Field(
        default=0.15,
        ge=0,
        description="Without a bid: worthless up to this ask (three ticks of 0.05), above it no "
        "market.",
    )


def grade_quotes(book: Book, limits: QuoteLimits) -> Marks:
    """Flag and grade the quotes of a book, and derive the prices that rules judge.

    Most quotes are good, so a first pass only finds those with nothing wrong; the rest, usually
    few, are then flagged one ground at a time.

    Example: bid 0.10 and ask 0.20 quoted a second ago are GOOD with a mark of 0.15; bid 0 and ask
    6.00 are NO_MARKET and BAD, so neither a profit nor a stop can come of them.
    """
    good = _nothing_wrong(book, limits)
    mid = (book.bid + book.ask) >> 1
    flags = np.zeros(len(book), np.int16)
    grade = np.zeros(len(book), np.int8)
    alive = np.ones(len(book), np.bool_)
    mark, priced = mid, good
    doubtful = np.flatnonzero(~good)
    if len(doubtful):
        mark, priced = mid.copy(), good.copy()
        part = book.take(doubtful)
        flags[doubtful] = found = _flags(part, limits)
        bad = (found & BAD_FLAGS) != 0
        long = part.side > 0
        grade[doubtful] = np.where(bad, QuoteGrade.BAD, QuoteGrade.DEGRADED)
        mark[doubtful] = np.where(bad, UNKNOWN, np.where(long, part.bid, part.ask))
        worthless_long = ((found & QuoteFlag.WORTHLESS) != 0) & long
        priced[doubtful] = ~(bad | worthless_long)
        alive[doubtful] = (found & QuoteFlag.EXPIRED_CONTRACT) == 0
    gain: IntColumn = (mark - book.entry_price) * book.side
    pnl_percent = gain / book.entry_price
    pnl_percent *= 100
    pnl_percent[doubtful[mark[doubtful] == UNKNOWN]] = np.nan
    return Marks(
        flags=flags,
        grade=grade,
        mark=mark,
        mid=mid,
        gain=gain,
        pnl_percent=pnl_percent,
        priced=priced,
        good=good,
        alive=alive,
    )


def _nothing_wrong(book: Book, limits: QuoteLimits) -> BoolColumn:
    """Where no flag can apply. UNKNOWN is the least integer, so it fails every bound from below."""
    bid, ask = book.bid, book.ask
    age_max = round(limits.age_seconds_max * SECONDS)
    future_max = round(limits.future_seconds_max * SECONDS)
    fine: BoolColumn = (bid > 0) & (ask > bid)
    # The age of a quote without a time overflows to the past of all pasts, and fails as well.
    age = book.decided_at - book.quoted_at
    fine &= age <= age_max
    fine &= age >= -future_max
    fine &= book.feed_at >= book.decided_at - book.feed_age_limit
    fine &= book.decided_at < book.last_trading_close
    fine &= book.bid_size != 0
    fine &= book.ask_size != 0
    fine &= ~book.nonfinite
    far_apart = np.flatnonzero(ask - bid > round(limits.wide_dollars * UNITS_PER_DOLLAR))
    if len(far_apart):
        fine[far_apart] &= ~_is_wide(bid[far_apart], ask[far_apart], limits)
    return fine


def _is_wide(bid: IntColumn, ask: IntColumn, limits: QuoteLimits) -> BoolColumn:
    """A spread that is wide in dollars and in percent of the mid, in integers of 1/100 percent."""
    spread = ask - bid
    wide: BoolColumn = spread > round(limits.wide_dollars * UNITS_PER_DOLLAR)
    wide &= spread * 20_000 > (bid + ask) * round(limits.wide_percent * 100)
    return wide


def _flags(book: Book, limits: QuoteLimits) -> FlagColumn:
    bid, ask = book.bid, book.ask
    present = (bid != UNKNOWN) & (ask != UNKNOWN)
    no_bid = present & (bid == 0)
    worthless = ask <= round(limits.worthless_ask_dollars * UNITS_PER_DOLLAR)
    age = book.decided_at - book.quoted_at
    old = age > round(limits.age_seconds_max * SECONDS)
    expired = age > round(limits.usable_age_seconds_max * SECONDS)
    # A contract whose last trading day is not known is not taken for one that has ended.
    ended = (book.last_trading_close != UNKNOWN) & (book.decided_at >= book.last_trading_close)
    grounds = {
        QuoteFlag.MISSING: ~present,
        QuoteFlag.NONFINITE: book.nonfinite,
        QuoteFlag.CROSSED: present & (bid > ask),
        QuoteFlag.LOCKED: present & (bid == ask) & (bid > 0),
        QuoteFlag.NO_MARKET: no_bid & ~worthless,
        QuoteFlag.WORTHLESS: no_bid & worthless,
        QuoteFlag.STALE_FEED: present & (book.feed_at < book.decided_at - book.feed_age_limit),
        QuoteFlag.STALE_QUOTE: present & old & ~expired,
        QuoteFlag.EXPIRED_QUOTE: present & expired,
        QuoteFlag.WIDE: present & ~no_bid & _is_wide(bid, ask, limits),
        QuoteFlag.NO_SIZE: present & ((book.bid_size == 0) | (book.ask_size == 0)),
        QuoteFlag.FUTURE: present & (age < -round(limits.future_seconds_max * SECONDS)),
        QuoteFlag.EXPIRED_CONTRACT: ended,
    }
    flags = np.zeros(len(book), np.int16)
    for flag, where in grounds.items():
        flags[where] |= flag.value
    return flags
