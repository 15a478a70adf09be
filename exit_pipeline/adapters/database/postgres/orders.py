"""Closing orders and their reservations.

Locks are always taken in the same order: an order's row, then its position's, then the lease.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.closing import lock_position, reserve
from exit_pipeline.adapters.database.postgres.fills import book_report, reserved_by
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderSide, OrderStatus
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.record import ExitOrder, OrderIntent

_LIVE: Final = [status.value for status in OrderStatus if status.is_live]
_FROM_FILLS: Final = frozenset({OrderStatus.PARTIAL_FILL, OrderStatus.FILLED})

_COLUMNS: Final = """
    CAST(id AS text) AS id, intent_at, CAST(run_id AS text) AS run_id,
    refactored_position_id AS position_id, client_order_id, account, symbol, side, quantity,
    limit_price, broker, environment, exit_action, exit_reason, status,
    coalesce(filled_quantity, 0) AS filled_quantity, avg_fill_price, rejection_reason
"""

_INSERT: Final = f"""
    INSERT INTO orders (
        client_order_id, underlying, symbol, strike, expiration, option_type, side, quantity,
        order_type, limit_price, time_in_force, mode, status, filled_quantity,
        refactored_position_id, exit_action, exit_quantity, exit_reason, decision_id, run_id,
        attempt, broker, environment, account, urgency, worst_price, intent_at)
    VALUES (
        :client_order_id, :underlying, :symbol, :strike, :expiration, :option_type, :side,
        :quantity, 'LIMIT', :limit_price, 'DAY', :mode, 'PENDING', 0, :position_id, :exit_action,
        :quantity, :exit_reason, :decision_id, CAST(:run_id AS uuid), :attempt, :broker,
        :environment, :account, :urgency, :worst_price, :intent_at)
    ON CONFLICT DO NOTHING
    RETURNING {_COLUMNS}
"""  # noqa: S608 the part is this module's own text


class PostgresOrders:
    """The ``OrderStore`` in ``orders`` and ``trades``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def live_orders(self, environment: str, accounts: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that may still fill, the oldest intent first."""
        return self._select(
            "environment = :environment AND account = ANY(:accounts) AND status = ANY(:live)",
            environment=environment,
            accounts=list(accounts),
            live=_LIVE,
        )

    def of_runs(self, run_ids: Sequence[str]) -> list[ExitOrder]:
        """Exit orders that runs made, the oldest intent first."""
        return self._select("run_id = ANY(CAST(:run_ids AS uuid[]))", run_ids=list(run_ids))

    def attempts(self, position_ids: Sequence[str]) -> dict[str, int]:
        """How many exit orders each position has had; 0 is left out.

        Never below the number of the last attempt, since the next one's order id comes from it.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT refactored_position_id AS id, greatest(count(*), max(attempt)) AS attempts
                FROM orders
                WHERE refactored_position_id = ANY(:ids) AND exit_action IS NOT NULL
                GROUP BY refactored_position_id
                """,
                ids=list(position_ids),
            )
            return {row.id: row.attempts for row in rows}

    def record_intent(self, intent: OrderIntent, holder: str) -> ExitOrder | None:
        """Commit an intent and its reservation before anything is sent.

        None when it may not be sent: the position is not this broker's, is on the other side or in
        another contract, holds too little or has a live exit order; it was imported and not
        adopted, or is a leg of a spread; the attempt was made before; or the account's lease is no
        longer the holder's.
        """
        with transaction(self._engine) as connection:
            account = intent.request.account
            if not _may_close(connection, intent):
                return None
            if not _holds_lease(connection, intent.environment, account, holder):
                return None
            # The unique keys are the last word: one live exit, one row per attempt, one order id.
            row = run(connection, _INSERT, **_order_values(intent)).one_or_none()
            if row is None:
                return None
            reserve(connection, intent.position_id, intent.request.quantity)
            return _exit_order(row)

    def begin_sending(self, order_id: str, holder: str) -> bool:
        """Move an intent to SUBMITTED; from here on it may exist at the broker.

        False when it must not be sent: it is no longer PENDING, or the account's lease is no
        longer the holder's.
        """
        with transaction(self._engine) as connection:
            order = _lock_order(connection, order_id)
            if order.status is not OrderStatus.PENDING:
                return False
            if not _holds_lease(connection, order.environment, order.request.account, holder):
                return False
            run(
                connection,
                """
                UPDATE orders SET status = 'SUBMITTED', submitted_at = intent_at, updated_at = now()
                WHERE id = CAST(:id AS uuid)
                """,
                id=order_id,
            )
            return True

    def mark_status(self, order_id: str, status: OrderStatus, reason: str = "") -> None:
        """Move an order to a state that no fill brings about, such as UNKNOWN or ABANDONED.

        An order that has ended stays as it is. One that ends here gives back its reservation.

        Raises:
            ValueError: The state comes from fills alone.
        """
        if status in _FROM_FILLS:
            message = f"an order becomes {status.value} by its fills alone"
            raise ValueError(message)
        with transaction(self._engine) as connection:
            order = _lock_order(connection, order_id)
            if not order.status.is_live:
                return
            run(
                connection,
                """
                UPDATE orders SET status = :status,
                    rejection_reason = coalesce(:rejection, rejection_reason),
                    error_message = coalesce(:trouble, error_message),
                    cancelled_at = CASE WHEN :status = 'CANCELLED' THEN now() ELSE cancelled_at END,
                    updated_at = now()
                WHERE id = CAST(:id AS uuid)
                """,
                id=order_id,
                status=status.value,
                rejection=None if status.is_live else reason or None,
                trouble=(reason or None) if status.is_live else None,
            )
            if not status.is_live:
                reserve(connection, order.position_id, -reserved_by(order))

    def book(self, order: ExitOrder, report: OrderReport) -> int:
        """Book a broker's report: new fills into ``trades``, the order's state, and the position.

        Each execution counts once, whatever is reported how often. A ``total_cost`` is the money
        that the fill took: price x quantity x 100 of a purchase, less that of a sale, plus
        commission and fees. Example: 2 sold at 3.00 with 1.34 of costs have -598.66.

        An order that has ended never lives again; fills that come late are booked all the same, as
        are those of more contracts than the position holds, which close only what is there and
        leave a note in ``error_message``. FILLED without all of its fills is still at work.

        Returns:
            The contracts newly booked.
        """
        with transaction(self._engine) as connection:
            return book_report(connection, _lock_order(connection, order.id), report)

    def _select(self, condition: str, **values: Any) -> list[ExitOrder]:
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT {_COLUMNS} FROM orders WHERE exit_action IS NOT NULL AND {condition}
                ORDER BY intent_at, client_order_id COLLATE "C"
                """,  # noqa: S608 the parts are this module's own text
                **values,
            )
            return [_exit_order(row) for row in rows]


def _exit_order(row: Row[Any]) -> ExitOrder:
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
        status=OrderStatus(row.status),
        filled_quantity=row.filled_quantity,
        average_price=row.avg_fill_price,
        rejection_reason=row.rejection_reason,
    )


def _may_close(connection: Connection, intent: OrderIntent) -> bool:
    """Lock the position and say whether the intent is one that may close it."""
    position, request = lock_position(connection, intent.position_id), intent.request
    if position is None or position.status != "OPEN":
        return False
    closes_long = request.side is OrderSide.SELL_TO_CLOSE
    wanted = (intent.broker, intent.environment, request.account, request.symbol)
    held = (position.broker, position.environment, position.account, position.option_symbol)
    return (
        wanted == held
        and position.managed
        and not position.spread_leg
        and closes_long == (position.side == PositionSide.LONG)
        and 0 < request.quantity <= position.open_quantity - position.reserved_quantity
    )


def _holds_lease(connection: Connection, environment: str, account: str, holder: str) -> bool:
    # FOR SHARE: nobody takes the account over before the intent is committed.
    found = run(
        connection,
        """
        SELECT expires_at > clock_timestamp() FROM account_leases
        WHERE environment = :environment AND account = :account AND holder = :holder FOR SHARE
        """,
        environment=environment,
        account=account,
        holder=holder,
    )
    return found.scalar_one_or_none() is True


def _order_values(intent: OrderIntent) -> dict[str, Any]:
    contract = parse_contract(intent.request.symbol)
    values: dict[str, Any] = asdict(intent)
    request: dict[str, Any] = values.pop("request")
    return values | request | {
        "underlying": contract.underlying,
        "strike": contract.strike,
        "expiration": contract.expiration,
        "option_type": contract.right.value,
        "mode": "LIVE" if intent.environment == "live" else "PAPER",
    }  # fmt: skip


def _lock_order(connection: Connection, order_id: str) -> ExitOrder:
    row = run(
        connection,
        f"SELECT {_COLUMNS} FROM orders WHERE id = CAST(:id AS uuid) FOR UPDATE",  # noqa: S608
        id=order_id,
    ).one()
    return _exit_order(row)
