"""Ask at once for the cancel of every order that may still fill."""

import logging
from dataclasses import dataclass

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.ports import Broker, Clock, Database
from exit_pipeline.services.send_order import OrderDesk

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOutcome:
    """What became of asking for one order's cancel.

    Attributes:
        order: The order, as it is now where it has ended.
        has_ended: The broker has confirmed an end, which may be a fill.
        said: What a person should know, as the end of a sentence.
    """

    order: ExitOrder
    has_ended: bool
    said: str


def cancel_all(*, broker: Broker, database: Database, clock: Clock) -> list[CancelOutcome]:
    """Ask for every order of the broker's environment to be cancelled, the oldest first.

    It takes no lease, since a cancel can't sell anything twice, and nothing is asked for where
    trading is in FREEZE. One order's fault is its own. A cancel counts once the broker confirms it;
    what is not confirmed is asked for again by the next tick, or by asking here again.
    """
    accounts = database.positions.accounts(broker.environment)
    orders = database.orders.live_orders(broker.environment, accounts)
    return [_cancel(order, broker, database, clock) for order in orders]


def _cancel(order: ExitOrder, broker: Broker, database: Database, clock: Clock) -> CancelOutcome:
    if order.broker != broker.name:
        said = f"not asked for: it is at the broker {order.broker}, not at {broker.name}"
        return CancelOutcome(order=order, has_ended=False, said=said)
    if order.status is OrderStatus.PENDING:
        said = "not sent yet; while trading is halted it will not be"
        return CancelOutcome(order=order, has_ended=False, said=said)
    desk = OrderDesk(
        broker=broker,
        database=database,
        clock=clock,
        # The run that made it: nobody else's run asks here, and calls and alerts belong to one.
        run_id=order.run_id,
        account=order.request.account,
        fence=0,
    )
    try:
        ended = desk.cancel(order)
    except Exception as error:  # whatever it is, the other orders are asked for all the same
        log.exception("ExitWorker: cancel of %s", order.request.client_order_id)
        return CancelOutcome(order=order, has_ended=False, said=f"not confirmed yet: {error}")
    if ended is not None:
        return CancelOutcome(order=ended, has_ended=True, said=f"is {ended.status}")
    return CancelOutcome(order=order, has_ended=False, said=_why_not(order, database))


def _why_not(order: ExitOrder, database: Database) -> str:
    """Why a cancel that was asked for, or was not, is not at its end."""
    (now,) = database.orders.under_ids([order.request.client_order_id])
    if not now.status.is_live:
        return f"had ended before: {now.status}"
    if now.status is OrderStatus.PENDING_CANCEL:
        return "is asked for its cancel, which is not confirmed yet"
    return f"is {now.status} and may not be written to"
