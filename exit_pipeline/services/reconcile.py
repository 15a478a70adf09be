"""Bring the books up to date with the broker, before anything is decided."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.order import NOT_ACCEPTED, OrderReport, OrderStatus
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert, ExitOrder, RunHandle
from exit_pipeline.ports import Broker, Calendar, Database
from exit_pipeline.services.broker_calls import CallLog
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.own_accounts import why_not_ours

logger = logging.getLogger(__name__)


QUARANTINE: Final = timedelta(minutes=10)
"""How long an order that was being sent is waited for before "not found" counts as "not placed": a
sender that froze in the act may wake up and send it. Its time-outs are far below this."""


def reconcile(
    runs: Sequence[RunHandle],
    held: Sequence[Position],
    *,
    broker: Broker,
    database: Database,
    calendar: Calendar,
    at: datetime,
) -> list[str]:
    """Book what live orders have filled and settle what has expired; returns what was found.

    Args:
        runs: The accounts that this launch works.
        held: Their open positions.
        broker: Where they are held.
        database: What is kept; where nothing is found, nothing in it has changed.
        calendar: Tells which contracts have ended.
        at: The tick's moment.

    What can't be read stays as it is, with an alert, and does not keep the rest from being read. An
    account of which nothing is to be read costs no request, and one that the broker does not say is
    ours is left alone.
    """
    logs = {
        run.account: CallLog(
            broker=broker, runs=database.runs, run_id=run.run_id, account=run.account, at=at
        )
        for run in runs
    }
    orders = [
        order
        for order in database.orders.live_orders(broker.environment, list(logs))
        if order.broker == broker.name
    ]
    ended = {
        account: [one for one in held if one.account == account and _has_ended(one, calendar, at)]
        for account in logs
    }
    to_read = {order.request.account for order in orders}
    to_read |= {account for account, positions in ended.items() if positions}
    strangers = why_not_ours(
        {run.account: run.run_id for run in runs if run.account in to_read},
        broker=broker,
        database=database,
        at=at,
    )
    notes = [f"account {account} is left alone: {why}" for account, why in strangers.items()]
    for order in orders:
        log = logs[order.request.account]
        if log.account not in strangers:
            work = partial(_refresh, order, log, database)
            notes += _apart(work, order.position_id, log, database)
    for account in sorted(to_read - strangers.keys()):
        work = partial(_settle, ended[account], logs[account], database)
        notes += _apart(work, account, logs[account], database)
    return notes


def _apart(
    work: Callable[[], list[str]], subject: str, log: CallLog, database: Database
) -> list[str]:
    """Do a part of the work whose fault is its own: the others are reconciled all the same."""
    try:
        return work()
    except Exception as error:  # whatever it is, an alert tells of it
        # What is outside may fail as it likes; only a fault of ours needs its traceback.
        is_ours = not isinstance(error, ExitPipelineError)
        logger.warning("ExitWorker: reconcile of %s: %s", subject, error, exc_info=is_ours)
        reason = str(error) or type(error).__name__
        _alert(database, log, "NOT_RECONCILED", subject, reason)
        return [f"{subject} could not be reconciled: {reason}"]


def _refresh(order: ExitOrder, log: CallLog, database: Database) -> list[str]:
    request = order.request
    report: OrderReport | None = log.call(
        lambda: log.broker.find_order(request.account, request.client_order_id),
        "find_order",
        request.client_order_id,
        lambda found: found.status if found else "not found",
    )
    if report is not None and not report.answers(request):
        message = f"the broker has another order under {request.client_order_id}"
        _alert(database, log, "ORDER_MISMATCH", request.client_order_id, message)
        return [f"{order.position_id}: {message}"]
    if report is not None:
        notes = []
        if report.doubt:
            _alert(database, log, "ORDER_DOUBTFUL", order.position_id, report.doubt)
            notes.append(f"{order.position_id}: {report.doubt}")
        if booked := database.orders.book(order, report):
            sentence = f"{booked} of {order.position_id} had filled under {request.client_order_id}"
            notes.append(sentence)
        return notes
    # An intent that nobody has begun to send can't be begun any more once it is abandoned.
    is_proven = (
        order.status is OrderStatus.PENDING
        or _was_not_accepted(order)
        or (log.broker.knows_all_orders and log.at - order.intent_at >= QUARANTINE)
    )
    if is_proven:
        reason = "the broker knows no such order: it was never placed"
        database.orders.mark_status(order.id, OrderStatus.ABANDONED, reason)
        return [f"order {request.client_order_id} is abandoned: {reason}"]
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "the broker does not show it")
    message = f"order {request.client_order_id} is not shown by the broker"
    _alert(database, log, "ORDER_UNKNOWN", order.position_id, message)
    return [message]


def _was_not_accepted(order: ExitOrder) -> bool:
    """Whether the broker said that it did not take an order, and only could not be asked again."""
    reason = order.rejection_reason or ""
    return order.status is OrderStatus.UNKNOWN and reason.startswith(NOT_ACCEPTED)


def _has_ended(position: Position, calendar: Calendar, at: datetime) -> bool:
    contract = position.contract if position.is_adopted else None
    closes_at = None if contract is None else last_trading_close(contract, calendar)
    return closes_at is not None and at >= closes_at


def _settle(ended: Sequence[Position], log: CallLog, database: Database) -> list[str]:
    """Close an account's expired positions as the broker settled them; flag what it has not."""
    if not ended:
        return []
    answer = log.call(
        lambda: log.broker.settlements(log.account),
        "settlements",
        describe=lambda found: f"{len(found)} settlements",
    )
    settled = {one.symbol: one for one in answer}
    notes = []
    for position in ended:
        symbol = position.contract.symbol if position.contract else ""
        if symbol in settled:
            database.positions.settle(position.id, settled[symbol])
            notes.append(f"{position.id}: {symbol} ended {settled[symbol].kind}")
        else:
            message = f"{symbol} has expired and the broker has not settled it"
            _alert(database, log, "EXPIRED_NOT_SETTLED", position.id, message)
            notes.append(f"{position.id}: {message}")
    return notes


def _alert(database: Database, log: CallLog, cause: str, subject: str, message: str) -> None:
    alert = Alert(
        severity="WARNING", cause=cause, subject=subject, message=message, run_id=log.run_id
    )
    database.runs.raise_alerts([alert])
