"""The book: one row per open position and tick, as NumPy columns.

A decision is a pure function of one row of these columns and of the policy; each column is stored,
typed, on the decision's row, so that any decision can be made again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Annotated, Any, Final, Self, get_type_hints

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.price import UNKNOWN

IntColumn = NDArray[np.int64]
SmallColumn = NDArray[np.int8]
FlagColumn = NDArray[np.int16]
FloatColumn = NDArray[np.float64]
BoolColumn = NDArray[np.bool_]
HitsColumn = NDArray[np.uint8]

MOST_RULES: Final = 32
"""Rules of one policy: a mask has one bit for each, and ``hits`` one count."""


class Kind(Enum):
    """What the numbers of a column are; the value is their type.

    POLICY indexes a list of policies. PRICE is units of 1/10,000 dollar per share, INSTANT
    microseconds since the epoch, SPAN microseconds; WHOLE is a count. In PRICE, INSTANT and WHOLE,
    ``price.UNKNOWN`` stands for "not known". SIZE is contracts, -1 where the source gives none.
    NUMBER is a float, NaN where not known. SIDE is +1 LONG, -1 SHORT. VIEW is +1 CALL, -1 PUT,
    REGIME a ``Regime`` and SIGN +1 or -1; 0 in each is "not known". HITS are counts by rule.
    """

    POLICY = ("policy", np.int16)
    PRICE = ("price", np.int64)
    INSTANT = ("instant", np.int64)
    SPAN = ("span", np.int64)
    WHOLE = ("whole", np.int64)
    SIZE = ("size", np.int64)
    NUMBER = ("number", np.float64)
    FLAG = ("flag", np.bool_)
    SIDE = ("side", np.int8)
    VIEW = ("view", np.int8)
    REGIME = ("regime", np.int8)
    SIGN = ("sign", np.int8)
    HITS = ("hits", np.uint8)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the column's numbers."""
        dtype: np.dtype[Any] = np.dtype(self.value[1])
        return dtype

    def nothing(self, rows: int) -> NDArray[Any]:
        """A column in which nothing is known; zeros in kinds whose values always are."""
        if self is Kind.HITS:
            return np.zeros((rows, MOST_RULES), self.dtype)
        unknown = {Kind.NUMBER: np.nan, Kind.SIZE: -1}.get(self, 0)
        if self in {Kind.PRICE, Kind.INSTANT, Kind.WHOLE}:
            unknown = UNKNOWN
        return np.full(rows, unknown, self.dtype)


Policies = Annotated[FlagColumn, Kind.POLICY]
Prices = Annotated[IntColumn, Kind.PRICE]
Instants = Annotated[IntColumn, Kind.INSTANT]
Spans = Annotated[IntColumn, Kind.SPAN]
Wholes = Annotated[IntColumn, Kind.WHOLE]
Sizes = Annotated[IntColumn, Kind.SIZE]
Numbers = Annotated[FloatColumn, Kind.NUMBER]
Flags = Annotated[BoolColumn, Kind.FLAG]
Sides = Annotated[SmallColumn, Kind.SIDE]
Views = Annotated[SmallColumn, Kind.VIEW]
Regimes = Annotated[SmallColumn, Kind.REGIME]
Signs = Annotated[SmallColumn, Kind.SIGN]
Hits = Annotated[HitsColumn, Kind.HITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The inputs of a decision, one row per position; see ``Kind`` for units and unknowns.

    Attributes:
        policy: Index of the row's policy in the list given to ``decide``.
        decided_at: The decision's own time.
        session_close: Close of the session that the decision falls in.
        clock_minutes: Minutes since midnight on the exchange's clock.
        last_trading_close: Close of the contract's last trading session.
        days_to_expiration: Calendar days from the decision's date to the expiration, of the
            exchange's dates.
        days_in_trade: Calendar days from the entry's date to the decision's, likewise.
        side: +1 LONG, -1 SHORT.
        right: +1 CALL, -1 PUT, 0 contract not known.
        strike: Strike price.
        quantity: Contracts opened.
        open_quantity: Contracts still held.
        profit_exited: Contracts closed by profit-target orders.
        entry_price: Price paid (LONG) or received (SHORT).
        entry_time: When it was opened.
        high_water: Best mark of a GOOD quote at the ticks before: the highest of a LONG position,
            the lowest of a SHORT one.
        intraday: The strategy's timeframe is minutes or hours.
        force_close: A person asked for this position to be closed.
        hits: For how many ticks in a row each rule of the row's policy had fired at the tick
            before, in the policy's order; a matrix of ``MOST_RULES`` columns.
        bid: Highest price bid.
        ask: Lowest price asked.
        bid_size: Contracts bid.
        ask_size: Contracts offered.
        nonfinite: The source gave a price that is no price.
        quoted_at: The quote's own time.
        feed_at: Time of the newest price of the underlying.
        feed_age_limit: After this the source's feed counts as standing still.
        previous_mid: Mid of the same contract at the tick before.
        iv: Implied volatility of the contract, per year; 0.25 is 25 %.
        delta: Dollars per dollar of the underlying.
        gamma: Delta per dollar of the underlying.
        theta: Dollars per calendar day, negative where value is lost.
        vega: Dollars per percentage point of implied volatility.
        entry_iv: Implied volatility when the position was first seen.
        gex_direction: Direction of the newest gamma signal.
        gex_strength: Its strength 0..1.
        gex_at: Its time.
        gex_previous: Direction of the signal before it.
        gex_entry: Direction of the signal in force at entry, or of the first one seen after it.
        gex_latched: A flip against the position is due and not yet filled.
        underlying_price: Price of the underlying.
        vix: VIX level, index points; NaN also where it is older than its source's limit.
        vix_at: Time of that level, also of one that is too old.
        vix_change: Change of VIX on the close of the session before, percent.
        vix_ratio: VIX over VIX3M; above 1 is backwardation.
        regime: Volatility regime.
        entry_regime: Regime at entry, or when the position was first seen.
        gamma_sign: +1 where the spot is above zero gamma (dealers dampen moves), -1 below.
        confluence: Agreement of the context against the position, 0..1.
        next_earnings: Time of the underlying's next earnings report.
        next_ex_dividend: Time from which the underlying trades without its next dividend.
        dividend: That dividend, per share.
        day_pnl: Profit or loss of the row's account since the session before, dollars.
        drawdown: Dollars by which the account's profit is below its highest, 0 or more.
    """

    policy: Policies
    decided_at: Instants
    session_close: Instants
    clock_minutes: Wholes
    last_trading_close: Instants
    days_to_expiration: Wholes
    days_in_trade: Wholes
    side: Sides
    right: Views
    strike: Prices
    quantity: Wholes
    open_quantity: Wholes
    profit_exited: Wholes
    entry_price: Prices
    entry_time: Instants
    high_water: Prices
    intraday: Flags
    force_close: Flags
    hits: Hits
    bid: Prices
    ask: Prices
    bid_size: Sizes
    ask_size: Sizes
    nonfinite: Flags
    quoted_at: Instants
    feed_at: Instants
    feed_age_limit: Spans
    previous_mid: Prices
    iv: Numbers
    delta: Numbers
    gamma: Numbers
    theta: Numbers
    vega: Numbers
    entry_iv: Numbers
    gex_direction: Views
    gex_strength: Numbers
    gex_at: Instants
    gex_previous: Views
    gex_entry: Views
    gex_latched: Flags
    underlying_price: Prices
    vix: Numbers
    vix_at: Instants
    vix_change: Numbers
    vix_ratio: Numbers
    regime: Regimes
    entry_regime: Regimes
    gamma_sign: Signs
    confluence: Numbers
    next_earnings: Instants
    next_ex_dividend: Instants
    dividend: Prices
    day_pnl: Numbers
    drawdown: Numbers

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, column.name)) for column in fields(self)}
        if len(lengths) > 1:
            message = f"columns of a book must have one length, had {sorted(lengths)}"
            raise ValueError(message)

    def __len__(self) -> int:
        return len(self.side)

    def mid(self, rows: slice | NDArray[np.intp]) -> IntColumn:
        """Half of bid plus ask of some rows, rounded down to a unit; meaningless without both."""
        mid: IntColumn = (self.bid[rows] + self.ask[rows]) >> 1
        return mid

    def depth(self, rows: slice | NDArray[np.intp]) -> IntColumn:
        """Units by which contracts are in the money, negative out of it; UNKNOWN where not known.

        Example: with the underlying at 752, a call of 750 has 20,000 and a put of 750 -20,000.
        """
        price, strike, right = self.underlying_price[rows], self.strike[rows], self.right[rows]
        depth: IntColumn = price - strike
        depth *= right
        depth[(price == UNKNOWN) | (strike == UNKNOWN) | (right == 0)] = UNKNOWN
        return depth

    def take(self, rows: slice | NDArray[np.intp] | BoolColumn) -> Self:
        """The book of some rows; a slice is a view and copies nothing."""
        return type(self)(**{c.name: getattr(self, c.name)[rows] for c in fields(self)})

    @classmethod
    def of(cls, rows: int, **columns: NDArray[Any]) -> Self:
        """A book of these columns; what is not among them is not known."""
        nothing = {name: kind.nothing(rows) for name, kind in KINDS.items() if name not in columns}
        return cls(**nothing, **columns)


KINDS: Final[Mapping[str, Kind]] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(Book, include_extras=True).items()
}
"""What each column of a book is, by its name."""
