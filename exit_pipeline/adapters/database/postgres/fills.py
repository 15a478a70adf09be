"""Booking: a broker's report of an order becomes trades, the order's state and its position's."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import as_json, run
from exit_pipeline.adapters.database.postgres.closing import (
    Closing,
    close_contracts,
    lock_position,
    reserve,
)
from exit_pipeline.adapters.database.postgres.control import halt
from exit_pipeline.adapters.database.postgres.order_rows import (
    reserved,
    reserved_by,
    set_status,
)
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import Fill, OrderReport, OrderStatus

_INSERT_FILLS: Final = """
    INSERT INTO trades (
        order_id, broker, broker_trade_id, execution_price, quantity, commission, fees, total_cost,
        underlying, symbol, strike, expiration, option_type, executed_at)
    SELECT o.id, o.broker, f.execution_id, f.price, f.quantity, f.commission, f.fees,
           CASE WHEN o.side LIKE 'BUY%' THEN 1 ELSE -1 END * f.price * f.quantity * :shares
               + f.commission + f.fees,
           o.underlying, o.symbol, o.strike, o.expiration, o.option_type, f.executed_at
    FROM orders o CROSS JOIN json_to_recordset(CAST(:fills AS json)) AS f(
        execution_id text, quantity integer, price numeric, commission numeric, fees numeric,
        executed_at timestamptz)
    WHERE o.id = CAST(:order_id AS uuid)
      -- What has counted as somebody else's is not counted again.
      AND NOT EXISTS (SELECT FROM closings c
                      WHERE c.broker = o.broker AND c.evidence_id = f.execution_id)
    ON CONFLICT (broker, broker_trade_id) WHERE broker IS NOT NULL DO NOTHING
    RETURNING quantity, execution_price, commission, fees, executed_at
"""

_UPDATE_FROM_REPORT: Final = """
    UPDATE orders o
    SET status = :status, filled_quantity = t.contracts, avg_fill_price = t.price,
        broker_order_id = coalesce(nullif(:broker_order_id, ''), o.broker_order_id),
        rejection_reason = coalesce(nullif(:reason, ''), o.rejection_reason),
        error_message = coalesce(:error_message, o.error_message),
        late_fill = o.late_fill OR :is_late,
        excess_quantity = o.excess_quantity + :surplus,
        first_missed_at = NULL, last_missed_at = NULL,
        submitted_at = :submitted_at,
        filled_at = CASE WHEN :status = 'FILLED' THEN t.newest ELSE o.filled_at END,
        cancelled_at = CASE WHEN :status = 'CANCELLED' THEN coalesce(o.cancelled_at, now())
                       ELSE o.cancelled_at END,
        updated_at = now()
    FROM (SELECT coalesce(sum(quantity), 0) AS contracts,
                 sum(execution_price * quantity) / sum(quantity) AS price,
                 max(executed_at) AS newest
          FROM trades WHERE order_id = CAST(:order_id AS uuid)) t
    WHERE o.id = CAST(:order_id AS uuid)
"""

_ALERT: Final = """
    INSERT INTO alerts (severity, cause, subject, message, run_id)
    VALUES (:severity, :cause, :position_id, :message, CAST(:run_id AS uuid))
    ON CONFLICT (cause, subject, run_id) DO NOTHING
"""


_AT_WORK: Final = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIAL_FILL})


@dataclass(frozen=True, slots=True)
class _NewFills:
    """Fills that were not booked before: contracts, Σ price x contracts, and dollars of costs."""

    contracts: int = 0
    value: Decimal = Decimal(0)
    costs: Decimal = Decimal(0)
    newest: datetime | None = None


def book_report(connection: Connection, order: ExitOrder, report: OrderReport) -> int:
    """Book what a broker reports of an order whose row is locked.

    Fills of an order that had ended are booked all the same, as late ones. Those of more contracts
    than the order or the position has are kept as excess, which closes nothing, and halt trading.

    Returns:
        The contracts newly booked.
    """
    position = lock_position(connection, order.position_id)
    if order.status is OrderStatus.PENDING:
        # It is at the broker, so it was sent, whatever of that was lost.
        set_status(connection, order, OrderStatus.SUBMITTED)
        order = replace(order, status=OrderStatus.SUBMITTED)
    new = _insert_fills(connection, order, report)
    closed = min(new.contracts, order.remaining_quantity, position.open_quantity if position else 0)
    filled = order.filled_quantity + new.contracts
    status = _next_status(order, report.status, filled)
    surplus = new.contracts - closed
    is_late = bool(new.contracts) and not order.status.is_live
    note = f"{surplus} more filled than the order or the position held"
    run(
        connection,
        _UPDATE_FROM_REPORT,
        order_id=order.id,
        status=status.value,
        broker_order_id=report.broker_order_id,
        reason="" if report.status is OrderStatus.UNKNOWN else report.reason,
        error_message=note if surplus else _trouble(report),
        submitted_at=report.submitted_at,
        is_late=is_late,
        surplus=surplus,
    )
    if surplus:
        halt(connection, f"OVERFILLED: {order.request.client_order_id}: {note}")
        _alert(connection, order, "CRITICAL", "OVERFILLED", note)
    if is_late:
        late = f"{new.contracts} filled after the order had ended {order.status}"
        _alert(connection, order, "WARNING", "LATE_FILL", late)
    released = reserved_by(order) - reserved(status, order.request.quantity, filled)
    _close(connection, order, new, closed, released)
    return new.contracts


def _trouble(report: OrderReport) -> str | None:
    """Why it is not known what became of an order; that is no refusal."""
    return report.reason if report.status is OrderStatus.UNKNOWN else None


def _alert(
    connection: Connection, order: ExitOrder, severity: str, cause: str, message: str
) -> None:
    run(
        connection,
        _ALERT,
        severity=severity,
        cause=cause,
        position_id=order.position_id,
        message=f"order {order.request.client_order_id}: {message}",
        run_id=order.run_id,
    )


def _insert_fills(connection: Connection, order: ExitOrder, report: OrderReport) -> _NewFills:
    fills = _not_booked(connection, order, report)
    if not fills:
        return _NewFills()
    rows = run(
        connection,
        _INSERT_FILLS,
        order_id=order.id,
        fills=as_json(asdict(fill) for fill in fills),
        shares=SHARES_PER_CONTRACT,
    ).all()
    return _NewFills(
        contracts=sum(row.quantity for row in rows),
        value=sum((row.execution_price * row.quantity for row in rows), Decimal(0)),
        costs=sum((row.commission + row.fees for row in rows), Decimal(0)),
        newest=max((row.executed_at for row in rows), default=None),
    )


def _not_booked(connection: Connection, order: ExitOrder, report: OrderReport) -> list[Fill]:
    """The fills of a report that are new, of no more contracts than it has more than are booked.

    A broker that has lost sight of its executions may tell one fill in place of several that were
    booked before: of 2 filled where 1 is booked, 1 is new.
    """
    left = report.filled_quantity - order.filled_quantity
    if left <= 0:
        return []
    known = set(
        run(
            connection,
            "SELECT broker_trade_id FROM trades WHERE order_id = CAST(:id AS uuid)",
            id=order.id,
        ).scalars()
    )
    new = []
    for fill in reversed(report.fills):
        if fill.execution_id not in known and left > 0:
            new.append(replace(fill, quantity=min(fill.quantity, left)))
            left -= fill.quantity
    return new[::-1]


def _next_status(order: ExitOrder, reported: OrderStatus, filled: int) -> OrderStatus:
    if filled >= order.request.quantity:
        return OrderStatus.FILLED
    if not order.status.is_live:
        return order.status
    if reported is OrderStatus.FILLED:
        # A broker may say so before it shows the fills; until they are here it is not done.
        reported = OrderStatus.ACCEPTED
    if reported is OrderStatus.SUBMITTED and order.status is not OrderStatus.UNKNOWN:
        # "Received" is no news of an order that was seen at work.
        reported = order.status
    if order.status is OrderStatus.PENDING_CANCEL and reported in _AT_WORK:
        # That it still works is no answer to the cancel, which is asked for until it has ended.
        return order.status
    if filled and reported is OrderStatus.ACCEPTED:
        return OrderStatus.PARTIAL_FILL
    return reported


def _close(
    connection: Connection, order: ExitOrder, new: _NewFills, closed: int, released: int
) -> None:
    """Take filled contracts out of the position, and give back what no longer works."""
    if not closed or new.newest is None:
        if released:
            reserve(connection, order.position_id, -released)
        return
    is_scale_out = (order.exit_action, order.exit_reason) == ("PARTIAL", "PROFIT_TARGET")
    closing = Closing(
        contracts=closed,
        value=new.value * closed / new.contracts,
        costs=new.costs,
        released=released,
        profit_contracts=closed if is_scale_out else 0,
        reason=order.exit_reason,
        closed_at=new.newest,
    )
    close_contracts(connection, order.position_id, closing)
