"""The book: one row per open position and tick, as NumPy columns.

A decision is a pure function of one row of these columns and of the policy; each column is stored,
typed, on the decision's row, so that any decision can be made again.
"""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

IntColumn = NDArray[np.int64]
SmallColumn = NDArray[np.int8]
FlagColumn = NDArray[np.int16]
FloatColumn = NDArray[np.float64]
BoolColumn = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The inputs of a decision, one row per position.

    Prices are units of 1/10,000 dollar per share and times are microseconds since the epoch; in
    both, ``price.UNKNOWN`` stands for "not known". Unknown floats are NaN.

    Attributes:
        policy: Index of the row's policy in the list given to ``decide``.
        decided_at: The decision's own time.
        session_close: Close of the session that the decision falls in.
        last_trading_close: Close of the contract's last trading session.
        side: +1 LONG, -1 SHORT.
        right: +1 CALL, -1 PUT, 0 contract not known.
        quantity: Contracts opened.
        open_quantity: Contracts still held.
        profit_exited: Contracts closed by profit-target orders.
        entry_price: Price paid (LONG) or received (SHORT).
        entry_time: When it was opened.
        intraday: The strategy's timeframe is minutes or hours.
        force_close: A person asked for this position to be closed.
        bid: Highest price bid.
        ask: Lowest price asked.
        bid_size: Contracts bid, -1 where the source gives no size.
        ask_size: Contracts offered, -1 where the source gives no size.
        nonfinite: The source gave a price that is no price.
        quoted_at: The quote's own time.
        feed_at: Time of the newest price of the underlying.
        feed_age_limit: Microseconds after which the source's feed counts as standing still.
        previous_mid: Mid of the same contract at the tick before.
        gex_direction: Direction of the newest gamma signal: +1 CALL, -1 PUT, 0 none.
        gex_strength: Its strength 0..1.
        gex_at: Its time.
        gex_previous: Direction of the signal before it, 0 none.
        gex_latched: A flip against the position is due and not yet filled.
        underlying_price: Price of the underlying; recorded, read by no rule yet.
        vix: VIX level, index points; recorded, read by no rule yet.
        vix_at: Time of that level.
    """

    policy: FlagColumn
    decided_at: IntColumn
    session_close: IntColumn
    last_trading_close: IntColumn
    side: SmallColumn
    right: SmallColumn
    quantity: IntColumn
    open_quantity: IntColumn
    profit_exited: IntColumn
    entry_price: IntColumn
    entry_time: IntColumn
    intraday: BoolColumn
    force_close: BoolColumn
    bid: IntColumn
    ask: IntColumn
    bid_size: IntColumn
    ask_size: IntColumn
    nonfinite: BoolColumn
    quoted_at: IntColumn
    feed_at: IntColumn
    feed_age_limit: IntColumn
    previous_mid: IntColumn
    gex_direction: SmallColumn
    gex_strength: FloatColumn
    gex_at: IntColumn
    gex_previous: SmallColumn
    gex_latched: BoolColumn
    underlying_price: IntColumn
    vix: FloatColumn
    vix_at: IntColumn

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

    def take(self, rows: slice | NDArray[np.intp] | BoolColumn) -> Self:
        """The book of some rows; a slice is a view and copies nothing."""
        return type(self)(**{c.name: getattr(self, c.name)[rows] for c in fields(self)})
