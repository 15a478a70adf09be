"""Quotes as sources give them, and the flags and grades that judge them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, IntFlag

from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.errors import ExitPipelineError


class QuoteFlag(IntFlag):
    """What is wrong with a quote; several may hold at once.

    The first line of each comment is what a person reads.
    """

    MISSING = 1  # no bid or no ask
    NONFINITE = 2  # negative or not a number
    CROSSED = 4  # bid above ask
    LOCKED = 8  # bid equals ask
    NO_MARKET = 16  # no bid and a high ask
    WORTHLESS = 32  # no bid and an ask of a few ticks
    STALE_FEED = 64  # the feed itself stands still
    STALE_QUOTE = 128  # an old quote on a live feed
    EXPIRED_QUOTE = 256  # too old to be used at all
    WIDE = 512  # bid and ask far apart
    NO_SIZE = 1024  # a side without size
    FUTURE = 2048  # stamped later than the decision
    EXPIRED_CONTRACT = 4096  # the contract no longer trades


class QuoteGrade(IntEnum):
    """GOOD is used as it is, DEGRADED with care, BAD not at all."""

    GOOD = 0
    DEGRADED = 1
    BAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeks:
    """A source's own figures of one contract; None where it gives none, never zero.

    Attributes:
        iv: Implied volatility of a year; 0.25 is 25 %.
        delta: Dollars per dollar of the underlying.
        gamma: Delta per dollar of the underlying.
        theta: Dollars per day.
        vega: Dollars per percentage point of implied volatility.
    """

    iv: float | None = None
    delta: float | None = None
    gamma: float | None = None
    theta: float | None = None
    vega: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The newest quote of one option contract.

    Attributes:
        symbol: Compact OCC symbol.
        bid: Dollars per share; None where the source gives none.
        ask: Dollars per share; None where the source gives none.
        bid_size: Contracts; None where the source gives none.
        ask_size: Contracts; None where the source gives none.
        quoted_at: The quote's own time, not the time of asking.
        nonfinite: The source gave a negative, infinite or absurd price, kept here as None.
        open_interest: Contracts open at the end of the day before; None where the source gives
            none.
        greeks: The source's own figures; None where it gives none.
        contract_size: Shares that one contract delivers; None where the source does not tell,
            which is taken for the 100 of a standard contract.
    """

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    bid_size: int | None = None
    ask_size: int | None = None
    quoted_at: datetime
    nonfinite: bool = False
    open_interest: int | None = None
    greeks: Greeks | None = None
    contract_size: int | None = None

    @property
    def is_standard(self) -> bool:
        """Whether a contract is for 100 shares, as far as the source tells."""
        return self.contract_size in {None, SHARES_PER_CONTRACT}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterest:
    """Contracts of a series that are open.

    Attributes:
        symbol: Compact OCC symbol.
        open_interest: Contracts, at the end of `as_of`.
        as_of: The day that the figure is of; usually the session before the one asked on.
    """

    symbol: str
    open_interest: int
    as_of: date


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingPrice:
    """The newest price of an underlying or the level of an index.

    Attributes:
        symbol: Ticker; indices such as VIX and VIX3M are symbols here.
        last: Dollars, or index points.
        quoted_at: The price's own time.
        source: Who gave it; None where that is the snapshot's source.
        age_limit: How old a price of that source may be; None where that is the snapshot's limit.
    """

    symbol: str
    last: Decimal
    quoted_at: datetime
    source: str | None = None
    age_limit: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceNote:
    """What a person should know of how a snapshot was come by.

    Attributes:
        cause: A short constant: ``FALLBACK_USED``, ``NOT_ANSWERED`` or ``NOT_QUOTED``.
        subject: The source, or the part of it, that it is about.
        message: One sentence.
    """

    cause: str
    subject: str
    message: str

    @classmethod
    def of_unanswered(cls, source: str, answers: Mapping[str, object]) -> "tuple[SourceNote, ...]":
        """A note on each part of a request, by its name, that has an error for an answer."""
        return tuple(
            cls(cause="NOT_ANSWERED", subject=f"{source}: {part}", message=str(answer))
            for part, answer in answers.items()
            if isinstance(answer, ExitPipelineError)
        )

    @classmethod
    def of_missing(cls, source: str, symbols: Sequence[str]) -> "tuple[SourceNote, ...]":
        """A note on option symbols that a source has no quote of; none where it has all."""
        if not symbols:
            return ()
        shown = ", ".join(symbols[:5]) + (", ..." if len(symbols) > 5 else "")
        message = f"{source} has no quote of {len(symbols)} options: {shown}"
        return (cls(cause="NOT_QUOTED", subject=source, message=message),)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSnapshot:
    """Everything one tick saw of the market.

    Attributes:
        source: Name of the market-data source, such as ``recorded`` or ``simulated``.
        feed_age_limit: How old the newest price of an underlying may be before its feed counts as
            standing still; it belongs to the source.
        quotes: Newest quote by option symbol; a symbol without one is absent.
        underlyings: Newest price by ticker; a ticker without one is absent.
        notes: Fallbacks that were used and requests that were not answered.
    """

    source: str
    feed_age_limit: timedelta
    quotes: Mapping[str, Quote] = field(default_factory=dict)
    underlyings: Mapping[str, UnderlyingPrice] = field(default_factory=dict)
    notes: tuple[SourceNote, ...] = ()
