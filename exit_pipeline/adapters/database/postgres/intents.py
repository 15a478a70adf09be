"""The last gate of a closing order: its intent, and the moment from which it may exist."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.adapters.database.postgres.closing import lock_position, reserve
from exit_pipeline.adapters.database.postgres.control import halt, trading_state
from exit_pipeline.adapters.database.postgres.order_rows import (
    COLUMNS,
    exit_order,
    lock_order,
    set_status,
)
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT, parse_contract
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import (
    SEND_WITHIN,
    Denial,
    DenialCode,
    IntentAnswer,
    OrderFacts,
    OrderIntent,
)
from exit_pipeline.core.model.order import NOT_SENT, OrderStatus
from exit_pipeline.core.model.position import PositionSide

_INSERT: Final = f"""
    INSERT INTO orders (
        client_order_id, underlying, symbol, strike, expiration, option_type, side, quantity,
        order_type, limit_price, time_in_force, mode, status, filled_quantity,
        refactored_position_id, exit_action, exit_quantity, exit_reason, decision_id, run_id,
        attempt, step, replaces, rung, broker, environment, account, urgency, worst_price,
        intent_at, fence, denial_code, rejection_reason)
    VALUES (
        :client_order_id, :underlying, :symbol, :strike, :expiration, :option_type, :side,
        :quantity, 'LIMIT', :limit_price, 'DAY', :mode, :status, 0, :position_id, :exit_action,
        :quantity, :exit_reason, :decision_id, CAST(:run_id AS uuid), :attempt, :step,
        CAST(:replaces AS uuid), :rung, :broker, :environment, :account, :urgency, :worst_price,
        :intent_at, :fence, :denial_code, :rejection_reason)
    ON CONFLICT DO NOTHING
    RETURNING {COLUMNS}
"""  # noqa: S608 the part is this package's own text

_FACTS: Final = """
    WITH exits AS (
        SELECT * FROM orders WHERE refactored_position_id = :position_id AND exit_action IS NOT NULL
    ),
    sent AS (
        SELECT count(*) AS orders, coalesce(sum(limit_price * quantity), 0) * :shares AS notional
        FROM orders
        WHERE run_id = CAST(:run_id AS uuid) AND status <> 'DENIED' AND replaces IS NULL
    )
    SELECT (SELECT coalesce(bool_or(status = ANY(:live)), false) FROM exits) AS has_live_order,
           (SELECT count(*) FROM exits
            WHERE intent_at >= :day_began_at AND status <> 'DENIED' AND replaces IS NULL
              -- What never left has done nothing, and must not use up the day of what has to.
              AND NOT (status = 'REJECTED'
                       AND starts_with(coalesce(rejection_reason, ''), :not_sent)))
               AS orders_today,
           (SELECT max(intent_at) FROM exits
            WHERE side = :side AND quantity = :quantity AND symbol = :symbol
              AND status IN ('ACCEPTED', 'PARTIAL_FILL', 'FILLED', 'SUBMITTED', 'UNKNOWN'))
               AS same_order_at,
           sent.orders AS tick_orders, sent.notional AS tick_notional
    FROM sent
"""

_LIVE: Final = [status.value for status in OrderStatus if status.is_live]


def record(
    connection: Connection, intent: OrderIntent, check: Callable[[OrderFacts], Denial | None]
) -> IntentAnswer:
    """Record an intent with its reservation, or as DENIED; see ``OrderStore.record_intent``."""
    facts = _facts(connection, intent)
    if facts is None or not _holds_lease(connection, intent):
        return IntentAnswer(order=None)
    denial = check(facts)
    if denial is not None and denial.defers:
        return IntentAnswer(order=None, denial=denial)
    if intent.request.quantity <= 0:
        # An order of nothing has no row; that it was asked for halts all the same.
        if denial is not None and denial.halts:
            halt(connection, f"{denial.code}: {intent.position_id}: {denial.reason}")
        return IntentAnswer(order=None, denial=denial)
    # The unique keys are the last word: one live exit, one row per attempt, one order id.
    row = run(connection, _INSERT, **_values(intent, denial)).one_or_none()
    if denial is not None and denial.halts:
        halt(connection, f"{denial.code}: {intent.position_id}: {denial.reason}")
    if row is None:
        return IntentAnswer(order=None, denial=denial)
    if denial is None:
        reserve(connection, intent.position_id, intent.request.quantity)
    return IntentAnswer(order=exit_order(row), denial=denial)


def begin_sending(connection: Connection, order_id: str, fence: int, at: datetime) -> bool:
    """Move an order to SUBMITTED where it may be sent now; see ``OrderStore.sending``.

    One that trading has been halted for in the meantime is denied. From a second sending on the
    looks that did not find it count anew, since it may arrive as late as the first one might.
    """
    order = lock_order(connection, order_id)
    if order.status not in {OrderStatus.PENDING, OrderStatus.UNKNOWN}:
        return False
    if not is_fence(connection, order.environment, order.request.account, fence):
        return False
    state = trading_state(connection, order.environment)
    if state is not TradingState.ACTIVE:
        if order.status is OrderStatus.PENDING:
            reason = f"trading is in {state}"
            code = DenialCode.TRADING_HALTED
            set_status(connection, order, OrderStatus.DENIED, reason, code)
        return False
    run(
        connection,
        """
        UPDATE orders SET status = 'SUBMITTED', submitted_at = :at, not_after = :not_after,
            fence = :fence, first_missed_at = NULL, updated_at = now()
        WHERE id = CAST(:id AS uuid)
        """,
        id=order_id,
        at=at,
        not_after=at + SEND_WITHIN,
        fence=fence,
    )
    return True


def _facts(connection: Connection, intent: OrderIntent) -> OrderFacts | None:
    """Lock the position and read what the gate judges by; None where there is nothing to close."""
    position = lock_position(connection, intent.position_id)
    if position is None or position.status != "OPEN":
        return None
    request = intent.request
    row = run(
        connection,
        _FACTS,
        position_id=intent.position_id,
        run_id=intent.run_id,
        live=_LIVE,
        day_began_at=intent.day_began_at,
        not_sent=NOT_SENT,
        side=request.side.value,
        quantity=request.quantity,
        symbol=request.symbol,
        shares=SHARES_PER_CONTRACT,
    ).one()
    return OrderFacts(
        state=trading_state(connection, intent.environment),
        broker=position.broker,
        environment=position.environment,
        account=position.account,
        symbol=position.option_symbol,
        is_long=position.side == PositionSide.LONG,
        is_managed=position.managed,
        is_spread_leg=position.spread_leg,
        free_quantity=position.open_quantity - position.reserved_quantity,
        **row._asdict(),
    )


def _holds_lease(connection: Connection, intent: OrderIntent) -> bool:
    account = intent.request.account
    return is_fence(connection, intent.environment, account, intent.fence)


def is_fence(connection: Connection, environment: str, account: str, fence: int) -> bool:
    """Whether a number is that of the account's present lease; it stays so until the commit."""
    # FOR SHARE: nobody takes the account over before this is committed.
    found = run(
        connection,
        """
        SELECT expires_at > clock_timestamp() FROM account_leases
        WHERE environment = :environment AND account = :account AND fence = :fence FOR SHARE
        """,
        environment=environment,
        account=account,
        fence=fence,
    )
    return found.scalar_one_or_none() is True


def _values(intent: OrderIntent, denial: Denial | None) -> dict[str, Any]:
    contract = parse_contract(intent.request.symbol)
    values: dict[str, Any] = asdict(intent)
    request: dict[str, Any] = values.pop("request")
    return values | request | {
        "underlying": contract.underlying,
        "strike": contract.strike,
        "expiration": contract.expiration,
        "option_type": contract.right.value,
        "mode": "LIVE" if intent.environment == "live" else "PAPER",
        "status": "PENDING" if denial is None else "DENIED",
        "denial_code": denial.code if denial else None,
        "rejection_reason": denial.reason if denial else None,
    }  # fmt: skip
