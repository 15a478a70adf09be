"""Closing orders as Tradier takes them, and what is said of them before they can be read."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Final

from exit_pipeline.adapters.clients.tradier import TradierClient, ticker
from exit_pipeline.adapters.clients.tradier_orders import report_of
from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.errors import ExitPipelineError, InputError
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderStatus

_TAG: Final = re.compile(r"[A-Za-z0-9-]{1,255}", re.ASCII)
"""Letters, digits and the hyphen (documentation.tradier.com, "Place an option order")."""


def why_unfit(request: OrderRequest, account: str) -> str:
    """Why a request is none that may be sent to an account; nothing where it may."""
    if request.account != account:
        return "not sent: the order is for another account than the configured one"
    if not _TAG.fullmatch(request.client_order_id):
        return "not sent: the client order id has other characters than letters, digits and -"
    if request.quantity < 1 or not request.limit_price.is_finite() or request.limit_price <= 0:
        return "not sent: quantity and limit price must be above 0"
    try:
        contract = parse_contract(request.symbol)
    except InputError as error:
        return f"not sent: {error}"
    return "" if ticker(contract.underlying) else f"not sent: {request.symbol} has no ticker"


def order_form(request: OrderRequest) -> dict[str, str]:
    """A closing limit order for the day, as the vendor takes it.

    Example: 3 to be sold at 10.05 have ``side`` sell_to_close, ``quantity`` 3, ``price`` 10.05.
    """
    price = request.limit_price
    return {
        "class": "option",
        "symbol": ticker(parse_contract(request.symbol).underlying) or "",
        "option_symbol": request.symbol,
        "side": request.side.value.lower(),
        "quantity": str(request.quantity),
        "type": "limit",
        "duration": "day",
        "price": f"{price:.2f}" if price == round(price, 2) else f"{price:f}",
        "tag": request.client_order_id,
    }


def received(request: OrderRequest, order_id: str, now: datetime) -> OrderReport:
    """An order that the vendor has received, which is not yet accepted."""
    return OrderReport(
        client_order_id=request.client_order_id,
        broker_order_id=order_id,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus.SUBMITTED,
        submitted_at=now,
    )


def rejected(request: OrderRequest, reason: str, now: datetime) -> OrderReport:
    """An order that does not exist, with the reason."""
    return replace(received(request, "", now), status=OrderStatus.REJECTED, reason=reason)


def read_back(
    client: TradierClient, sent: OrderReport, account: str, environment: str, now: datetime
) -> OrderReport:
    """The order as one look shows it, else as received: that it was sent must not be lost."""
    try:
        order = client.order(account, sent.broker_order_id)
        return report_of(order, sent.client_order_id, environment, now) if order else sent
    except ExitPipelineError:
        return sent
