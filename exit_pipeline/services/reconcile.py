"""Bring the books up to date with the broker, before anything is decided."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.holdings import Holding
from exit_pipeline.core.model.order import HeldPosition, OrderReport
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import RunHandle
from exit_pipeline.ports import Broker, Calendar, Clock, Database
from exit_pipeline.services.books import Books
from exit_pipeline.services.explain_closings import EXPLAINED_WITHIN, explain
from exit_pipeline.services.holdings import judge_holdings, taken_by
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.own_accounts import why_not_ours
from exit_pipeline.services.reconcile_holdings import book_late_fills, compare_holdings, settle
from exit_pipeline.services.reconcile_orders import (
    Look,
    cancel_if_told,
    disown,
    judge_missing,
    refresh,
)

logger = logging.getLogger(__name__)

_SECOND_ORDER_SHOWS: Final = timedelta(minutes=30)
"""How long after an exit a second order under its id may still show itself: six ticks."""

T = TypeVar("T")

_OF_ACCOUNT: Final = frozenset({"orders", "holdings", "settlements", "closings"})
"""Parts of the work that are about all of the account."""


@dataclass(slots=True)
class Reconciled:
    """What was found.

    Attributes:
        notes: One sentence for each thing that changed, or could not be read.
        held: What the broker holds, by account and symbol. An account that it did not answer for is
            absent: nothing is known of it, in particular not that it is flat.
        not_ours: Why accounts may not be worked at all, by account.
    """

    notes: list[str] = field(default_factory=list)
    held: dict[str, Mapping[str, Holding]] = field(default_factory=dict)
    not_ours: dict[str, str] = field(default_factory=dict)


def reconcile(
    runs: Sequence[RunHandle],
    positions: Sequence[Position],
    *,
    broker: Broker,
    database: Database,
    calendar: Calendar,
    clock: Clock,
) -> Reconciled:
    """Book what orders have filled, settle what has expired, and compare with what is held.

    Args:
        runs: The accounts that this launch works.
        positions: Their open positions.
        broker: Where they are held.
        database: What is kept; where nothing is found, nothing in it has changed.
        calendar: Tells which contracts have ended.
        clock: Now.

    What can't be read stays as it is, with an alert, and does not keep the rest from being read. An
    account of which nothing is to be read costs no request, and one that the broker does not say is
    ours is left alone.
    """
    found = Reconciled()
    at = clock.now()
    names = [run.account for run in runs]
    live = database.orders.live_orders(broker.environment, names)
    since = at - EXPLAINED_WITHIN
    owed = database.closings.unexplained(broker.name, broker.environment, names, since)
    work = []
    for run in runs:
        account = _Account(
            books=Books(
                broker=broker, database=database, clock=clock, calendar=calendar, run=run, at=at
            ),
            orders=[
                order
                for order in live
                if (order.broker, order.request.account) == (broker.name, run.account)
            ],
            positions=[
                position
                for position in positions
                if (position.broker, position.account) == (broker.name, run.account)
            ],
            found=found,
            is_unexplained=any(one.account == run.account for one in owed),
        )
        if account.is_to_be_read:
            work.append(account)
    found.not_ours = why_not_ours(
        {one.books.run.account: one.books.run.run_id for one in work},
        broker=broker,
        database=database,
        at=at,
    )
    found.notes += [f"account {name} is left alone: {why}" for name, why in found.not_ours.items()]
    for account in work:
        if account.books.run.account not in found.not_ours:
            account.reconcile()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    """One account, with its live orders and open positions at this broker.

    Attributes:
        is_unexplained: Of some contracts, gone lately, it is not known how.
    """

    books: Books
    orders: Sequence[ExitOrder]
    positions: Sequence[Position]
    found: Reconciled
    is_unexplained: bool

    @property
    def ended(self) -> list[Position]:
        """The positions whose contracts trade no more."""
        return [one for one in self.positions if _has_ended(one, self.books)]

    @property
    def is_to_be_read(self) -> bool:
        """While nothing trades, nothing moves but what was on its way or has ended."""
        if self.orders or self.ended:
            return True
        is_open = self.books.calendar.why_closed(self.books.at) is None
        return is_open and bool(self.positions or self.is_unexplained or self._has_just_exited)

    @property
    def _has_just_exited(self) -> bool:
        """Whether an exit ended a while ago at a broker that may have two orders of one id.

        With its last position closed nothing else would look at the account, and what the network
        delivered twice would stay unseen.
        """
        broker, books = self.books.broker, self.books
        if broker.ids_are_unique:
            return False
        since = books.at - _SECOND_ORDER_SHOWS
        ended = books.database.orders.ended_orders(
            broker.environment, books.run.account, None, since
        )
        return any(order.broker == broker.name for order in ended)

    def reconcile(self) -> None:
        """Orders first, then what is held: a fill that comes between shows as held too few.

        The other way round it would show as held enough, and be sold again. Who still holds an
        order to send it is asked before the broker shows its orders: a sender that wakes up after
        that look finds its time over.
        """
        books, found = self.books, self.found
        nobody: set[str] = set()
        unsent = self._apart("orders", partial(books.nobody_sends, self.orders), nobody)
        working: list[OrderReport] = self._apart("orders", books.read_working, [])
        shown = {report.client_order_id: report for report in working}
        missing: list[ExitOrder] = []
        for order in self.orders:
            report = shown.get(order.request.client_order_id)
            failed: list[str] | None = []
            notes = self._apart(order.position_id, partial(refresh, order, report, books), failed)
            if notes is None:
                missing.append(order)
            found.notes += notes or []
        held = self._apart("holdings", books.read_holdings, None)
        positions = self._after_late_fills(missing, held)
        for order in missing:
            look = Look(held=held, positions=positions, nobody_sends=order.id in unsent)
            self._tell(order.position_id, partial(judge_missing, order, look, books))
        known = {order.request.client_order_id for order in self.orders}
        strangers = [one for one in working if one.client_order_id not in known]
        self._tell("orders", partial(disown, strangers, self.positions, books))
        self._tell("orders", partial(cancel_if_told, books))
        before = len(found.notes)
        self._tell("settlements", partial(settle, self.ended, books))
        if held is not None:
            self._tell("holdings", partial(self._compare, held, strangers))
        if self.is_unexplained or len(found.notes) > before:
            self._tell("closings", partial(explain, books))

    def _after_late_fills(
        self, missing: Sequence[ExitOrder], held: Mapping[str, HeldPosition] | None
    ) -> Sequence[Position]:
        """All rows of the account, once fills are booked that orders before the missing had late.

        What such a fill took would else seem to be what a missing order may have sold, which then
        is neither found nor given up, and keeps its position from being closed. And rows that the
        launch is not for are held at the broker too: what a missing order sold shows in all of them
        together.
        """
        if not missing or held is None:
            return ()
        symbols = {order.request.symbol for order in missing}
        self._tell("orders", partial(book_late_fills, symbols, held, self.books))
        return self.books.open_positions()

    def _compare(
        self, held: Mapping[str, HeldPosition], strangers: Sequence[OrderReport]
    ) -> list[str]:
        """Against all rows of the account, also where the launch is for some of them only."""
        rows = self.books.open_positions()
        found = judge_holdings(rows, held, taken_by(strangers))
        self.found.held[self.books.run.account] = found
        trading = [row for row in rows if not _has_ended(row, self.books)]
        return compare_holdings(held, trading, self.books, any_working=bool(self.orders))

    def _tell(self, subject: str, work: Callable[[], list[str]]) -> None:
        self.found.notes += self._apart(subject, work, [])

    def _apart(self, subject: str, work: Callable[[], T], otherwise: T) -> T:
        """Do a part of the work whose fault is its own: the others are reconciled all the same."""
        try:
            return work()
        except Exception as error:  # whatever it is, an alert tells of it
            # What is outside may fail as it likes; only a fault of ours needs its traceback.
            is_ours = not isinstance(error, ExitPipelineError)
            account = self.books.run.account
            text = "ExitWorker: reconcile of %s in %s: %s"
            logger.warning(text, subject, account, error, exc_info=is_ours)
            reason = str(error) or type(error).__name__
            about = subject if subject not in _OF_ACCOUNT else account
            self.books.alert("WARNING", "NOT_RECONCILED", about, reason)
            self.found.notes.append(f"{about} could not be reconciled: {reason}")
            return otherwise


def _has_ended(position: Position, books: Books) -> bool:
    contract = position.contract
    closes_at = None if contract is None else last_trading_close(contract, books.calendar)
    return closes_at is not None and books.at >= closes_at
