"""Profit and loss of accounts since the session before, and below its highest."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

import numpy as np

from exit_pipeline.core.engine.grade import QuoteLimits, grade_quotes
from exit_pipeline.core.model.account_pnl import AccountPnl
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN, to_units
from exit_pipeline.ports import Database
from exit_pipeline.services.tick import OpenTick

_LIMITS: Final = QuoteLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How accounts stand, and what positions carried in.

    Attributes:
        accounts: By account; empty where the launch is for some positions only.
        carried: Dollars by position id, of those that are marked for the first time.
    """

    accounts: Mapping[str, AccountPnl] = field(default_factory=dict)
    carried: Mapping[str, Decimal] = field(default_factory=dict)


def with_account_pnl(
    book: Book, positions: Sequence[Position], tick: OpenTick, database: Database
) -> tuple[Book, Standing]:
    """The book with ``day_pnl`` and ``drawdown``, both NaN where they are not known.

    An account's P&L is that of its open positions at their marks, gross, and all that its positions
    have realised, net of costs. The day's is the change since the last tick of the session before,
    or since the account's first tick where there is none; on that first tick it is not known. What
    a position had gained or lost when it was first marked does not count where it was entered
    before that session: it was made elsewhere. A quote that is no market leaves the last mark;
    a position that never had one counts from its first.

    A launch for some positions tells nothing of a whole account, so it is not known there.

    Args:
        book: The rows.
        positions: Of the rows, in order.
        tick: The tick.
        database: What earlier ticks kept.
    """
    request, session = tick.request, tick.session
    if session is None or request.position_ids or request.underlyings or not positions:
        return book, Standing()
    gains = _gains(book, positions)
    carried = {
        position.id: Decimal(str(round(gain, 4)))
        if position.entry_time < session.opens_at
        else Decimal(0)
        for position, gain in zip(positions, gains, strict=True)
        if position.carried_pnl is None and not np.isnan(gain)
    }
    of_account: defaultdict[str, list[int]] = defaultdict(list)
    for row, position in enumerate(positions):
        of_account[position.account or UNASSIGNED].append(row)
    history = database.context.account_history(
        tick.identity.environment,
        tick.identity.mode,
        sorted(of_account),
        session.opens_at,
        tick.identity.tick_at,
    )
    accounts = {
        account: AccountPnl.of(
            float(np.nansum([gains[row] for row in rows])),
            float(sum(carried.get(positions[row].id, Decimal(0)) for row in rows)),
            history[account],
            sum(bool(np.isnan(gains[row])) for row in rows),
        )
        for account, rows in of_account.items()
    }
    return _told(book, of_account, accounts), Standing(accounts=accounts, carried=carried)


def _told(
    book: Book, of_account: Mapping[str, Sequence[int]], accounts: Mapping[str, AccountPnl]
) -> Book:
    """The book with both columns, NaN where there is nothing to compare with."""
    day, drawdown = np.full(len(book), np.nan), np.full(len(book), np.nan)
    for account, rows in of_account.items():
        stands = accounts[account]
        if stands.day is not None and stands.drawdown is not None:
            day[rows], drawdown[rows] = stands.day, stands.drawdown
    return replace(book, day_pnl=day, drawdown=drawdown)


def _gains(book: Book, positions: Sequence[Position]) -> list[float]:
    """Open P&L of each position, dollars, at its mark or else its last one; NaN without any."""
    marks = grade_quotes(book, _LIMITS).mark.tolist()
    sides, held = book.side.tolist(), book.open_quantity.tolist()
    gains = []
    for row, position in enumerate(positions):
        mark = marks[row]
        if mark == UNKNOWN and position.last_mark is not None:
            mark = to_units(position.last_mark)
        per_share = (mark - to_units(position.entry_price)) / UNITS_PER_DOLLAR
        gain = sides[row] * per_share * held[row] * SHARES_PER_CONTRACT
        gains.append(float("nan") if mark == UNKNOWN else gain)
    return gains
