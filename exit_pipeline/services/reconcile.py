"""Bring the books up to date with the broker, before anything is decided."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import RunHandle
from exit_pipeline.ports import Broker, Calendar, Clock, Database
from exit_pipeline.services.books import Books
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.reconcile_holdings import compare_holdings, free_contracts, settle
from exit_pipeline.services.reconcile_orders import cancel_if_told, disown, refresh

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class Reconciled:
    """What was found.

    Attributes:
        notes: One sentence for each thing that changed, or could not be read.
        held: Contracts that the broker holds and nobody else's order has, without sign, by account
            and symbol. An account that it did not answer for is absent: nothing is known of it, in
            particular not that it is flat.
    """

    notes: list[str] = field(default_factory=list)
    held: dict[str, Mapping[str, int]] = field(default_factory=dict)


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

    What can't be read stays as it is, with an alert, and does not keep the rest from being read.
    """
    found = Reconciled()
    live = database.orders.live_orders(broker.environment, [run.account for run in runs])
    for run in runs:
        books = Books(
            broker=broker,
            database=database,
            clock=clock,
            calendar=calendar,
            run=run,
            at=clock.now(),
        )
        orders = [
            order
            for order in live
            if (order.broker, order.request.account) == (broker.name, run.account)
        ]
        mine = [
            position
            for position in positions
            if (position.broker, position.account) == (broker.name, run.account)
        ]
        # While nothing trades, nothing moves but what was on its way or has ended.
        is_open = calendar.why_closed(books.at) is None
        if orders or (mine and is_open) or any(_has_ended(one, books) for one in mine):
            _reconcile_account(books, orders, mine, found)
    return found


def _reconcile_account(
    books: Books, orders: Sequence[ExitOrder], positions: Sequence[Position], found: Reconciled
) -> None:
    account = books.run.account
    # Holdings first: a fill between the two reads then shows as an order's, not as a loss.
    held = _apart(books, "holdings", books.read_holdings, found)
    working = _apart(books, "orders", books.read_working, found)
    shown_as = {report.client_order_id: report for report in working or ()}
    for order in orders:
        shown = shown_as.get(order.request.client_order_id)
        work = partial(refresh, order, shown, held, positions, books)
        found.notes += _apart(books, order.position_id, work, found) or []
    known = {order.request.client_order_id for order in orders}
    strangers = [one for one in working or () if one.client_order_id not in known]
    found.notes += (
        _apart(books, "orders", partial(disown, strangers, positions, books), found) or []
    )
    found.notes += _apart(books, "orders", partial(cancel_if_told, books), found) or []
    ended = [one for one in positions if _has_ended(one, books)]
    found.notes += _apart(books, "settlements", partial(settle, ended, books), found) or []
    if held is None:
        return
    compare = partial(compare_holdings, held, ended, books)
    found.notes += _apart(books, "holdings", compare, found) or []
    found.held[account] = free_contracts(held, strangers)


def _apart(books: Books, subject: str, work: Callable[[], T], found: Reconciled) -> T | None:
    """Do a part of the work whose fault is its own: the others are reconciled all the same."""
    try:
        return work()
    except Exception as error:  # whatever it is, an alert tells of it
        logger.exception("ExitWorker: reconcile of %s in %s", subject, books.run.account)
        reason = str(error) or type(error).__name__
        books.alert("WARNING", "NOT_RECONCILED", subject, reason)
        found.notes.append(f"{subject} could not be reconciled: {reason}")
        return None


def _has_ended(position: Position, books: Books) -> bool:
    contract = position.contract
    closes_at = None if contract is None else last_trading_close(contract, books.calendar)
    return closes_at is not None and books.at >= closes_at
