"""Positions, ticks, intents and reports as tests need them, and a day to put them on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from exit_pipeline.core.engine.check_orders import Moment, OrderLimits, check_order
from exit_pipeline.core.model.exit_order import OrderIntent
from exit_pipeline.core.model.order import (
    Fill,
    OrderReport,
    OrderRequest,
    OrderSide,
    OrderStatus,
    Settlement,
)
from exit_pipeline.core.model.record import NewPosition, TickIdentity
from exit_pipeline.core.model.session import Session

NOON = datetime(2025, 3, 3, 17, 0, tzinfo=UTC)  # 12:00 in New York
LEASE = timedelta(minutes=4)
CALL = "SPY250321C00580000"
PUT = "SPY250321P00560000"


def tick(at=NOON, **other):
    values = {"environment": "paper", "broker": "paper", "mode": "live", "dry_run": False}
    return TickIdentity(tick_at=at, **values | other)


def start(database, holder="run-1", at=NOON, accounts=("demo",), **other):
    """Open a tick; the ids of its runs."""
    handles = database.runs.open(tick(at, **other), accounts, holder, "v1", LEASE)
    return [handle.run_id for handle in handles]


def position(position_id="p1", **other):
    values = {
        "symbol": CALL,
        "side": "LONG",
        "quantity": 2,
        "entry_price": Decimal("2.00"),
        "entry_time": NOON - timedelta(days=1),
        "account": "demo",
        "broker": "paper",
        "environment": "paper",
    }
    return NewPosition(id=position_id, **values | other)


def intent(run_id, position_id="p1", attempt=1, **other):
    request = {
        "client_order_id": f"em-paper-{position_id}-{attempt}",
        "account": "demo",
        "symbol": CALL,
        "side": OrderSide.SELL_TO_CLOSE,
        "quantity": 2,
        "limit_price": Decimal("3.00"),
    }
    values = {
        "decision_id": f"d-{position_id}-{attempt}",
        "exit_action": "FULL",
        "exit_reason": "PROFIT_TARGET",
        "urgency": "NORMAL",
        "broker": "paper",
        "environment": "paper",
        "worst_price": Decimal("2.90"),
        "intent_at": NOON,
        "decided_at": NOON,
        "day_began_at": NOON - timedelta(hours=3),
        "fence": 1,
    }
    request |= {name: other.pop(name) for name in request.keys() & other.keys()}
    return OrderIntent(
        request=OrderRequest(**request),
        position_id=position_id,
        run_id=run_id,
        attempt=attempt,
        **values | other,
    )


def gate(asked):
    """The last gate as the worker has it, at noon."""
    hour = timedelta(hours=1)
    session = Session(day=NOON.date(), opens_at=NOON - 2 * hour, closes_at=NOON + 4 * hour)
    moment = Moment(at=NOON, session=session, worst_price=Decimal("2.90"), far_side=Decimal("3.00"))
    return lambda facts: check_order(asked, facts, OrderLimits(), moment)


def record(database, asked, check=lambda facts: None):  # noqa: ARG005 as the gate has it
    """Record an intent, by default past an open gate; the order, or None where it left no row."""
    return database.orders.record_intent(asked, check).order


def send(database, order, *, fence=1, at=NOON):
    """Hand an order to the broker that nobody asks; whether it might have been sent."""
    with database.orders.sending(order, fence, at) as may_send:
        return may_send


def fill(execution_id, quantity, price, *, cost="0.67", at=NOON):
    costs = Decimal(cost) * quantity
    return Fill(
        execution_id=execution_id,
        quantity=quantity,
        price=Decimal(price),
        commission=costs,
        fees=Decimal(0),
        executed_at=at,
    )


def report(order, status, *fills, reason=""):
    request = order.request
    return OrderReport(
        client_order_id=request.client_order_id,
        broker_order_id="b-1",
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus(status),
        fills=fills,
        submitted_at=NOON + timedelta(seconds=1),
        reason=reason,
    )


def settlement(price, kind="EXPIRED", settlement_id="s-1", quantity=2):
    return Settlement(
        settlement_id=settlement_id,
        account="demo",
        symbol=CALL,
        quantity=quantity,
        kind=kind,
        price=Decimal(price),
        settled_at=NOON + timedelta(hours=4),
    )
