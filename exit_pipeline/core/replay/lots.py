"""Contracts that went the same way, and what they brought."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Self

import numpy as np

from exit_pipeline.core.model.book import FloatColumn, IntColumn
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.instant import DAYS
from exit_pipeline.core.model.price import UNKNOWN, to_units
from exit_pipeline.core.replay.closable import closing_price
from exit_pipeline.core.replay.exits import NO_ROW, Exits
from exit_pipeline.core.replay.paths import Paths, RowIndex

FEE: Final = Decimal("0.67")
"""Dollars that closing a contract costs: what the paper broker takes, 0.65 and fees of 0.02."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """The contracts of every path, in the order in which they leave it; what is left comes last.

    Attributes:
        path: The path.
        row: Row of the exit; ``NO_ROW`` of contracts that are still held at the end of the record.
        contracts: How many, at least 1.
        reason: Of the exit, as the exits index theirs; the number of reasons where there is none.
        price: At which they leave; for those that are still held, the last one at which they could
            have. Units of 1/10,000 dollar per share; UNKNOWN where the record never tells it.
        gain: Of one contract, net, in units of 1/10,000 dollar; UNKNOWN where the record never
            says what closing would bring.
        at: When they leave; for those that are still held, the time of the path's last row.
        days_held: From the entry until then; NaN where the entry's time is not known.
    """

    path: RowIndex
    row: RowIndex
    contracts: IntColumn
    reason: RowIndex
    price: IntColumn
    gain: IntColumn
    at: IntColumn
    days_held: FloatColumn

    @classmethod
    def of(cls, paths: Paths, exits: Exits, fee: Decimal = FEE) -> Self:
        """Take what leaves and what is left to account, exactly.

        A contract that leaves brings (price - entry) x 100 dollars of a LONG position, (entry -
        price) x 100 of a SHORT one, at the side of the recorded quote that closing hits, less the
        fee. One that is left is worth the same at the last such side in the record, without a fee,
        since nobody closed it. What opening cost is the same whatever becomes of a position, and
        does not count here.

        Args:
            paths: Recorded rows.
            exits: What leaves there.
            fee: Dollars for closing one contract, on whichever side.

        Example: bought at 2.00 and sold at 3.20 bid with a fee of 0.67, a contract brings 119.33
        dollars, 1,193,300 units; one that is left at 1.20 bid stands at -80.00.
        """
        book, leaving = paths.book, paths.path_of(exits.row)
        remaining = exits.held.copy()
        np.subtract.at(remaining, leaving, exits.quantity)
        staying = np.flatnonzero(remaining > 0)
        last = paths.ends[staying] - 1
        path = np.append(leaving, staying)
        seen = np.append(exits.row, last)
        left = np.arange(len(path)) >= len(leaving)
        order = np.argsort(2 * seen + left, kind="stable")
        path, seen, left = path[order], seen[order], left[order]
        side, entry = book.side[seen].astype(np.int64), book.entry_price[seen]
        priced = np.append(exits.row, exits.worth[staying])[order]
        price = closing_price(book)[priced]
        gain = side * (price - entry) * SHARES_PER_CONTRACT
        gain -= np.where(left, 0, to_units(fee))
        since, until = book.entry_time[seen], book.decided_at[seen]
        return cls(
            path=path,
            row=np.where(left, NO_ROW, seen),
            contracts=np.append(exits.quantity, remaining[staying])[order],
            reason=np.append(exits.reason, np.full(len(staying), len(exits.reasons)))[order],
            price=np.where(priced == NO_ROW, UNKNOWN, price),
            gain=np.where(priced == NO_ROW, UNKNOWN, gain),
            at=until,
            days_held=np.where(since == UNKNOWN, np.nan, (until - since) / DAYS),
        )

    def __len__(self) -> int:
        return len(self.path)
