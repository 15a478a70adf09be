"""Grade quotes before any rule sees them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.book import Book, BoolColumn, FlagColumn, IntColumn
from exit_pipeline.core.model.decision import Decisions
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

_GOOD: Final = np.int8(QuoteGrade.GOOD)
_DEGRADED: Final = np.int8(QuoteGrade.DEGRADED)
_BAD: Final = np.int8(QuoteGrade.BAD)


class QuoteLimits(BaseModel):
    """When a quote is doubtful, and when it is no quote at all.

    The defaults are judgement, not measurement; each is a setting of the policy.
    """

    # Defaults are read like what is stated, so that 1 and 1.0 have one hash.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )

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
        default=25,
        gt=0,
        le=10_000,
        multiple_of=0.01,
        description="A spread above this share of the mid, % ...",
    )
    wide_dollars: float = Field(default=0.10, ge=0, description="... and above this, is WIDE.")
    worthless_ask_dollars: float = Field(
        default=0.15,
        ge=0,
        description="Without a bid: worthless up to this ask (three ticks of 0.05), above it no "
        "market.",
    )


def grade_quotes(book: Book, limits: QuoteLimits, into: Decisions | None = None) -> Marks:
    """Flag and grade the quotes of a book, and derive the prices that rules judge.

    Most quotes are good, so a first pass only finds those with nothing wrong; the rest, usually
    few, are then flagged one ground at a time.

    Args:
        book: The rows.
        limits: When a quote is doubtful.
        into: Empty decisions whose flags, grade, mark and P&L are filled in and shared with the
            answer, so that nothing is copied; without it the answer has memory of its own.

    Example: bid 0.10 and ask 0.20 quoted a second ago are GOOD with a mark of 0.15; bid 0 and ask
    6.00 are NO_MARKET and BAD, so neither a profit nor a stop can come of them.
    """
    room = Decisions.empty(len(book), 0) if into is None else into
    good = _nothing_wrong(book, limits)
    priced, fresh, alive = good, good, np.ones(len(book), np.bool_)
    np.add(book.bid, book.ask, out=room.mark)
    np.right_shift(room.mark, 1, out=room.mark)
    doubtful = np.flatnonzero(~good)
    if len(doubtful):
        priced, fresh = good.copy(), good.copy()
        _grade_doubtful(book, doubtful, limits, room)
        flags, grade = room.flags[doubtful], room.grade[doubtful]
        worthless_long = ((flags & QuoteFlag.WORTHLESS) != 0) & (book.side[doubtful] > 0)
        good[doubtful] = grade == _GOOD
        priced[doubtful] = (grade != _BAD) & ~worthless_long
        oldest = book.decided_at[doubtful] - book.feed_age_limit[doubtful]
        fresh[doubtful] = book.feed_at[doubtful] >= oldest
        alive[doubtful] = (flags & QuoteFlag.EXPIRED_CONTRACT) == 0
    return Marks(
        flags=room.flags,
        grade=room.grade,
        mark=room.mark,
        gain=_judge(book, doubtful, room),
        pnl_percent=room.pnl_percent,
        priced=priced,
        good=good,
        alive=alive,
        fresh=fresh,
    )


def _grade_doubtful(
    book: Book, rows: NDArray[np.intp], limits: QuoteLimits, room: Decisions
) -> None:
    """Write flags, grade and mark of the rows that are not simply good."""
    room.flags[rows] = flags = _flags(book, rows, limits)
    bad = (flags & BAD_FLAGS) != 0
    fine = flags == 0
    room.grade[rows] = np.where(bad, _BAD, np.where(fine, _GOOD, _DEGRADED))
    closable = np.where(book.side[rows] > 0, book.bid[rows], book.ask[rows])
    room.mark[rows] = np.where(bad, UNKNOWN, np.where(fine, book.mid(rows), closable))


def _judge(book: Book, doubtful: NDArray[np.intp], room: Decisions) -> IntColumn:
    """Write the P&L in percent at the mark, and answer the gain per share."""
    gain: IntColumn = room.mark - book.entry_price
    gain *= book.side
    np.divide(gain, book.entry_price, out=room.pnl_percent)
    np.multiply(room.pnl_percent, 100, out=room.pnl_percent)
    room.pnl_percent[doubtful[room.grade[doubtful] == _BAD]] = np.nan
    return gain


def _nothing_wrong(book: Book, limits: QuoteLimits) -> BoolColumn:
    """Where no flag can apply. UNKNOWN is the least integer, so it fails every bound from below."""
    bid, ask = book.bid, book.ask
    age_max = _micros(min(limits.age_seconds_max, limits.usable_age_seconds_max))
    spread = ask - bid
    fine: BoolColumn = bid > 0
    fine &= spread > 0
    # The age of a quote without a time overflows to the past of all pasts, and fails as well.
    age = book.decided_at - book.quoted_at
    fine &= age <= age_max
    fine &= age >= -_micros(limits.future_seconds_max)
    fine &= book.feed_at >= book.decided_at - book.feed_age_limit
    fine &= book.decided_at < book.last_trading_close
    fine &= book.bid_size != 0
    fine &= book.ask_size != 0
    fine &= ~book.nonfinite
    far_apart = np.flatnonzero(spread > _units(limits.wide_dollars))
    if len(far_apart):
        bid, ask = bid[far_apart], ask[far_apart]
        # An ask that is not known is here too: less a bid, it overflows to more than any spread.
        fine[far_apart] &= (ask > bid) & ~_is_wide(bid, ask, limits)
    return fine


def _is_wide(bid: IntColumn, ask: IntColumn, limits: QuoteLimits) -> BoolColumn:
    """A spread that is wide in dollars and in percent of the mid, in integers of 1/100 percent."""
    spread = ask - bid
    wide: BoolColumn = spread > _units(limits.wide_dollars)
    wide &= spread * 20_000 > (bid + ask) * round(limits.wide_percent * 100)
    return wide


def _flags(book: Book, rows: NDArray[np.intp], limits: QuoteLimits) -> FlagColumn:
    """The flags of some rows of a book."""
    bid, ask = book.bid[rows], book.ask[rows]
    decided_at, quoted_at, feed_at = (
        column[rows] for column in (book.decided_at, book.quoted_at, book.feed_at)
    )
    last_trading_close = book.last_trading_close[rows]
    # An ask of zero is how feeds write that nobody offers; no one can buy at it.
    present = (bid != UNKNOWN) & (ask != UNKNOWN) & (ask != 0)
    no_bid = present & (bid == 0)
    worthless = ask <= _units(limits.worthless_ask_dollars)
    age = decided_at - quoted_at
    timed = quoted_at != UNKNOWN
    expired = (age > _micros(limits.usable_age_seconds_max)) | ~timed
    old = age > _micros(limits.age_seconds_max)
    grounds = {
        QuoteFlag.MISSING: ~present,
        QuoteFlag.NONFINITE: book.nonfinite[rows] | (present & ((bid < 0) | (ask < 0))),
        QuoteFlag.CROSSED: present & (bid > ask),
        QuoteFlag.LOCKED: present & (bid == ask),
        QuoteFlag.NO_MARKET: no_bid & ~worthless,
        QuoteFlag.WORTHLESS: no_bid & worthless,
        QuoteFlag.STALE_FEED: present & (feed_at < decided_at - book.feed_age_limit[rows]),
        QuoteFlag.STALE_QUOTE: present & old & ~expired,
        QuoteFlag.EXPIRED_QUOTE: present & expired,
        QuoteFlag.WIDE: present & ~no_bid & _is_wide(bid, ask, limits),
        QuoteFlag.NO_SIZE: present & ((book.bid_size[rows] == 0) | (book.ask_size[rows] == 0)),
        QuoteFlag.FUTURE: present & timed & (age < -_micros(limits.future_seconds_max)),
        # A contract whose last trading day is not known is not taken for one that has ended.
        QuoteFlag.EXPIRED_CONTRACT: (last_trading_close != UNKNOWN)
        & (decided_at >= last_trading_close),
    }
    flags = np.zeros(len(rows), np.int16)
    for flag, where in grounds.items():
        flags |= where * np.int16(flag)
    return flags


def _micros(seconds: float) -> int:
    return round(seconds * SECONDS)


def _units(dollars: float) -> int:
    return round(dollars * UNITS_PER_DOLLAR)
