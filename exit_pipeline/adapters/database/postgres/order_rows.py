"""Rows of ``orders`` that close a position: reading, locking, and moving them between states."""

from typing import Any, Final

from sqlalchemy import Connection, Row

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.adapters.database.postgres.closing import reserve
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderRequest, OrderSide, OrderStatus

COLUMNS: Final = """
    CAST(id AS text) AS id, intent_at, CAST(run_id AS text) AS run_id,
    refactored_position_id AS position_id, client_order_id, account, symbol, side, quantity,
    limit_price, broker, environment, exit_action, exit_reason, urgency, coalesce(attempt, 0) AS
    attempt, step, status, broker_order_id, coalesce(filled_quantity, 0) AS filled_quantity,
    avg_fill_price, rejection_reason, error_message, denial_code, first_missed_at, last_missed_at
"""


def exit_order(row: Row[Any]) -> ExitOrder:
    """A row with the columns of ``COLUMNS``."""
    request = OrderRequest(
        client_order_id=row.client_order_id,
        account=row.account,
        symbol=row.symbol,
        side=OrderSide(row.side),
        quantity=row.quantity,
        limit_price=row.limit_price,
    )
    return ExitOrder(
        id=row.id,
        intent_at=row.intent_at,
        run_id=row.run_id,
        position_id=row.position_id,
        request=request,
        broker=row.broker,
        environment=row.environment,
        exit_action=row.exit_action,
        exit_reason=row.exit_reason,
        urgency=row.urgency,
        attempt=row.attempt,
        step=row.step,
        status=OrderStatus(row.status),
        broker_order_id=row.broker_order_id,
        filled_quantity=row.filled_quantity,
        average_price=row.avg_fill_price,
        rejection_reason=row.rejection_reason,
        trouble=row.error_message,
        denial_code=row.denial_code,
        first_missed_at=row.first_missed_at,
        last_missed_at=row.last_missed_at,
    )


def lock_order(connection: Connection, order_id: str) -> ExitOrder:
    """Lock an order until the transaction ends."""
    row = run(
        connection,
        f"SELECT {COLUMNS} FROM orders WHERE id = CAST(:id AS uuid) FOR UPDATE",  # noqa: S608
        id=order_id,
    ).one()
    return exit_order(row)


def set_status(
    connection: Connection,
    order: ExitOrder,
    status: OrderStatus,
    reason: str = "",
    denial_code: str | None = None,
) -> None:
    """Move a locked order to a state that no fill brings about; its end frees its reservation."""
    run(
        connection,
        """
        UPDATE orders SET status = :status,
            rejection_reason = coalesce(:rejection, rejection_reason),
            error_message = coalesce(:trouble, error_message), denial_code = :denial_code,
            cancelled_at = CASE WHEN :status = 'CANCELLED' THEN now() ELSE cancelled_at END,
            updated_at = now()
        WHERE id = CAST(:id AS uuid)
        """,
        id=order.id,
        status=status.value,
        rejection=None if status.is_live else reason or None,
        trouble=(reason or None) if status.is_live else None,
        denial_code=denial_code,
    )
    if not status.is_live:
        reserve(connection, order.position_id, -reserved_by(order))


def reserved(status: OrderStatus, quantity: int, filled: int) -> int:
    """Contracts that an order of this state holds: while it lives, what has not filled."""
    return max(quantity - filled, 0) if status.is_live else 0


def reserved_by(order: ExitOrder) -> int:
    """Contracts of its position that an order holds reserved."""
    return reserved(order.status, order.request.quantity, order.filled_quantity)
