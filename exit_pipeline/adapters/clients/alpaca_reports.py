"""Reports of Alpaca's orders, with the fills that belong to them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.alpaca_orders import (
    contracts,
    filled,
    is_over_limit,
    rejected,
    since,
    to_report,
)
from exit_pipeline.adapters.clients.http import RequestFailed
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import (
    NOT_ACCEPTED,
    NOT_SENT,
    OrderReport,
    OrderRequest,
    OrderStatus,
)
from exit_pipeline.ports import Clock

log = logging.getLogger(__name__)


def read_reports(
    api: AlpacaTrading, orders: Sequence[Mapping[str, Any]], clock: Clock
) -> list[OrderReport]:
    """Orders with their fills, read in one go from the first of them on.

    Raises:
        UnavailableError: No usable answer.
        ConfigurationError: The keys are refused.
    """
    wanted = {str(order.get("id")): filled(order) for order in orders}
    wanted = {order_id: quantity for order_id, quantity in wanted.items() if quantity}
    fills = []
    if wanted:
        start = min(since(order) for order in orders if str(order.get("id")) in wanted)
        for row in api.activities("FILL", start):
            order_id = str(row.get("order_id"))
            if order_id in wanted:
                fills.append(row)
                wanted[order_id] -= contracts(row, "qty")
                if max(wanted.values()) <= 0:
                    break
    now = clock.now()
    return [to_report(order, fills, now) for order in orders]


def report_placed(api: AlpacaTrading, order: Mapping[str, Any], clock: Clock) -> OrderReport:
    """An order that is there for certain; as working where its fills can't be read yet."""
    try:
        return read_reports(api, [order], clock)[0]
    except UnavailableError as error:
        # Without its fills it is read again like any other.
        log.warning("fills of the new order %s: %s", order.get("client_order_id"), error)
        return to_report(order, (), clock.now())


def report_failed(
    api: AlpacaTrading, request: OrderRequest, failure: RequestFailed, clock: Clock
) -> OrderReport:
    """What is known of an order that was posted without a usable answer.

    Where Alpaca itself said that its rate limit was reached, it took nothing, and the order is
    looked up by its id to be sure. That look-up comes under the same limit: where it is held back
    as well, the order is UNKNOWN until a later look-up shows it or shows none.

    Raises:
        RequestFailed: The order may exist.
        ConfigurationError: The keys are refused.
    """
    never_sent = rejected(request, f"{NOT_SENT}{failure}", clock.now())
    if not failure.was_sent:
        return never_sent
    if not is_over_limit(failure.status, failure.body):
        raise failure
    try:
        order = api.order(request.client_order_id, urgent=True)
    except UnavailableError:
        return replace(never_sent, status=OrderStatus.UNKNOWN, reason=f"{NOT_ACCEPTED}{failure}")
    return never_sent if order is None else report_placed(api, order, clock)
