"""What became of positions under one policy: P&L by position and in total."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, IntColumn
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN
from exit_pipeline.core.replay.exits import NO_ROW, Exits
from exit_pipeline.core.replay.lots import FEE, Lots
from exit_pipeline.core.replay.paths import Paths, RowIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What exits on some paths brought. Amounts are units of 1/10,000 dollar, net of fees.

    Attributes:
        reasons: What the lots' `reason` indexes.
        lots: Contracts that went the same way.
        held: By path: contracts that were held before its first row.
        realised: By path: what the contracts that left brought.
        open_gain: By path: what those that are left are worth above or below their entry at the
            last closing price in the record; UNKNOWN where that is never told.
        left: By path: contracts that are still held at the end of the record.
        expired: By path: of contracts that are left, trading has ended by the path's last row.
        days_held: By path: from the entry until a contract left, or until the path's last row, on
            average over the contracts; NaN where not known, or nothing was held.
    """

    reasons: tuple[str, ...]
    lots: Lots
    held: IntColumn
    realised: IntColumn
    open_gain: IntColumn
    left: IntColumn
    expired: BoolColumn
    days_held: FloatColumn

    @classmethod
    def of(cls, paths: Paths, exits: Exits, fee: Decimal = FEE) -> Self:
        """Add up what exits brought; ``Lots.of`` says how.

        Example: of 10 contracts 5 leave a day after the entry with 100 dollars each and 5 after
        three days with -40 each: 300 dollars realised, held for 2 days.
        """
        lots, count = Lots.of(paths, exits, fee), len(paths)
        leaving = lots.row != NO_ROW
        known = lots.gain != UNKNOWN
        amount = np.where(known, lots.gain * lots.contracts, 0)
        open_gain = _sum(lots.path, np.where(leaving, 0, amount), count)
        open_gain[lots.path[~known]] = UNKNOWN
        days = np.bincount(lots.path, lots.days_held * lots.contracts, count)
        held = _sum(lots.path, lots.contracts, count)
        left = _sum(lots.path, np.where(leaving, 0, lots.contracts), count)
        return cls(
            reasons=exits.reasons,
            lots=lots,
            held=held,
            realised=_sum(lots.path, np.where(leaving, amount, 0), count),
            open_gain=open_gain,
            left=left,
            expired=(left > 0) & _has_ended(paths),
            days_held=np.divide(days, held, np.full(count, np.nan), where=held > 0),
        )

    @property
    def valued(self) -> BoolColumn:
        """Paths whose P&L is known."""
        known: BoolColumn = self.open_gain != UNKNOWN
        return known

    @property
    def pnl(self) -> IntColumn:
        """By path: what was realised and what is left is worth; UNKNOWN where that is not known."""
        pnl: IntColumn = np.where(self.valued, self.realised + self.open_gain, UNKNOWN)
        return pnl

    def totals(self, counted: BoolColumn) -> "Totals":
        """All of it in a few figures.

        Args:
            counted: The paths whose amounts count; all of them must be valued.
        """
        lots = self.lots
        there = counted[lots.path]
        leaving = (lots.row != NO_ROW) & there
        amount = np.where(there, lots.gain * lots.contracts, 0)
        pnl = self.pnl[counted & (self.held > 0)]
        contracts = np.where(there & ~np.isnan(lots.days_held), lots.contracts, 0)
        days = np.where(contracts > 0, lots.days_held, 0.0) * contracts
        return Totals(
            positions=len(pnl),
            exits=int(leaving.sum()),
            contracts=int(lots.contracts[leaving].sum()),
            realised=int(self.realised[counted].sum()),
            open_gain=int(self.open_gain[counted].sum()),
            open_positions=int((self.left[counted] > 0).sum()),
            open_contracts=int(self.left[counted].sum()),
            expired_positions=int(self.expired[counted].sum()),
            winners=int((pnl > 0).sum()),
            expectancy=float(pnl.mean()) / UNITS_PER_DOLLAR if len(pnl) else np.nan,
            drawdown=drawdown(lots.at, amount),
            days_held=float(days.sum() / contracts.sum()) if contracts.any() else np.nan,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What exits brought on all paths together.

    Attributes:
        positions: Of which contracts were held.
        exits: Rows at which contracts left.
        contracts: That left.
        realised: What they brought, units of 1/10,000 dollar, net of fees.
        open_gain: What those that are left stand at, likewise.
        open_positions: Whose record ends before their last exit does.
        open_contracts: Left of them.
        expired_positions: Of them, those whose contract ended before the record did.
        winners: Positions with a P&L above 0.
        expectancy: P&L of a position on average, dollars; NaN without any.
        drawdown: Deepest fall of the cumulative P&L from its highest, or from 0 at the start, as
            contracts leave; what is left counts at the end of its path. Units of 1/10,000 dollar.
        days_held: Of a contract on average; NaN where not known.
    """

    positions: int
    exits: int
    contracts: int
    realised: int
    open_gain: int
    open_positions: int
    open_contracts: int
    expired_positions: int
    winners: int
    expectancy: float
    drawdown: int
    days_held: float

    @property
    def pnl(self) -> int:
        """What was realised and what is left, units of 1/10,000 dollar."""
        return self.realised + self.open_gain


def drawdown(at: IntColumn, amounts: IntColumn) -> int:
    """The deepest fall of a running total from its highest so far, which is at least 0.

    Example: +100, -30, -40 and +10 one after another fall by 70.
    """
    if not len(at):
        return 0
    _, total = running_total(at, amounts)
    highest = np.maximum(np.maximum.accumulate(total), 0)
    return int((highest - total).max())


def running_total(at: IntColumn, amounts: IntColumn) -> tuple[IntColumn, IntColumn]:
    """The instants of amounts in order, and their sum up to and with each.

    Amounts of the same instant are one step, whatever their order.

    Example: +100 at 9:30 and, at 9:35, -30 and +10 are 100 at 9:30 and 80 at 9:35.
    """
    order = np.argsort(at, kind="stable")
    total, at = np.cumsum(amounts[order]), at[order]
    is_last = np.append(at[1:] != at[:-1], True)[: len(at)]
    return at[is_last], total[is_last]


def _has_ended(paths: Paths) -> BoolColumn:
    """Whether a contract no longer trades at its path's last row."""
    last = paths.ends - 1
    close = paths.book.last_trading_close[last]
    ended: BoolColumn = (close != UNKNOWN) & (paths.book.decided_at[last] >= close)
    return ended


def _sum(path: RowIndex, amounts: IntColumn, paths: int) -> IntColumn:
    """Sums by path, in integers."""
    total = np.zeros(paths, np.int64)
    np.add.at(total, path, amounts)
    return total
