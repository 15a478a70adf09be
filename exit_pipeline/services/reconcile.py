"""Bring the books up to date with the broker, before anything is decided."""

from collections.abc import Sequence
from datetime import datetime

from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import OrderReport, OrderStatus, Settlement
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert, ExitOrder, RunHandle
from exit_pipeline.ports import Broker, Calendar, Database
from exit_pipeline.services.broker_calls import CallLog


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

    An order that the broker does not answer about stays as it is, and says so in an alert.
    """
    accounts = {run.account: run for run in runs}
    logs = {
        account: CallLog(
            broker=broker, runs=database.runs, run_id=run.run_id, account=account, at=at
        )
        for account, run in accounts.items()
    }
    notes = []
    for order in database.orders.live_orders(broker.environment, list(accounts)):
        if order.broker == broker.name:
            notes += _refresh(order, logs[order.request.account], database)
    ended = [position for position in held if _has_ended(position, calendar, at)]
    return notes + _settle(ended, logs, database)


def _refresh(order: ExitOrder, log: CallLog, database: Database) -> list[str]:
    request = order.request
    try:
        report: OrderReport | None = log.call(
            lambda: log.broker.find_order(request.account, request.client_order_id),
            "find_order",
            request.client_order_id,
            lambda found: found.status if found else "not found",
        )
    except UnavailableError as error:
        _alert(database, log, "ORDER_NOT_READ", request.client_order_id, str(error))
        return [f"order {request.client_order_id} could not be read: {error}"]
    if report is not None and not report.answers(request):
        message = f"the broker has another order under {request.client_order_id}"
        _alert(database, log, "ORDER_MISMATCH", request.client_order_id, message)
        return [f"{order.position_id}: {message}"]
    if report is not None:
        booked = database.orders.book(order, report)
        if not booked:
            return []
        return [f"{booked} of {order.position_id} had filled under {request.client_order_id}"]
    if log.broker.knows_all_orders:
        reason = "the broker knows no such order: it was never placed"
        database.orders.mark_status(order.id, OrderStatus.ABANDONED, reason)
        return [f"order {request.client_order_id} is abandoned: {reason}"]
    database.orders.mark_status(order.id, OrderStatus.UNKNOWN, "the broker does not show it")
    return [f"order {request.client_order_id} is not shown by the broker"]


def _has_ended(position: Position, calendar: Calendar, at: datetime) -> bool:
    contract = position.contract
    if contract is None:
        return False
    return at >= calendar.session_on_or_before(contract.latest_trading_day).closes_at


def _settle(ended: Sequence[Position], logs: dict[str, CallLog], database: Database) -> list[str]:
    """Close expired positions as the broker settled them; flag those that it has not."""
    notes = []
    settled: dict[str, dict[str, Settlement]] = {}
    for position in ended:
        contract, log = position.contract, logs.get(position.account or "")
        if contract is None or log is None or not position.is_adopted:
            continue
        if log.account not in settled:
            found = log.call(
                lambda log=log: log.broker.settlements(log.account),  # type: ignore[misc]
                "settlements",
                describe=lambda answer: f"{len(answer)} settlements",
            )
            settled[log.account] = {one.symbol: one for one in found}
        settlement = settled[log.account].get(contract.symbol)
        if settlement is None:
            message = f"{contract.symbol} has expired and the broker has not settled it"
            _alert(database, log, "EXPIRED_NOT_SETTLED", position.id, message)
            notes.append(f"{position.id}: {message}")
            continue
        database.positions.settle(position.id, settlement)
        notes.append(f"{position.id}: {contract.symbol} ended {settlement.kind}")
    return notes


def _alert(database: Database, log: CallLog, cause: str, subject: str, message: str) -> None:
    alert = Alert(
        severity="WARNING", cause=cause, subject=subject, message=message, run_id=log.run_id
    )
    database.runs.raise_alerts([alert])
