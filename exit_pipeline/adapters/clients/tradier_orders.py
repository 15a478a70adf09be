"""Tradier's orders in our words: status, executions, and which order a tag means.

Executions: Tradier tells no single executions of an order but only how many contracts have been
filled so far, at what average, and the last execution's size and price. The books take each
execution id once, and a reader may look after 2 of 5, then after 5 of 5, or only at the end. So the
execution that is reported is the single contract, numbered in the order of filling:
``tradier-<environment>-<order>-1``, ``-2`` and so on, each of quantity 1. Contract 2 is contract 2
in every report whatever was seen before, so no contract can be booked twice and none is left out;
a range of contracts as one id could not do that, since it grows while nobody looks. The environment
is part of the id, as sandbox and live number their orders independently.

Prices: the newest contracts carry the price of the last execution, those before them the average of
what remains of the total, spread over units of 1/10,000 dollar so that nothing is lost by rounding.

- The total of any one report is exact. So are the books of an order that is first seen complete, or
  of which at most one execution came between two looks.
- Where two or more came unseen after some contracts had been booked, those in the middle get the
  average of all before the last execution, which counts the booked ones again. Example: 2 of 6 are
  booked at 1.10, then 2 fill at 1.12 and 2 at 1.15 before the next look: the 2 in the middle are
  booked at (2.20 + 2.24) / 4 = 1.11, and the books have 2 dollars less than the 674 that came in.
- So P&L may be off by what one order's own executions lie apart, a quantity never. An order whose
  executions are all at its limit has no such difference.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Final

from exit_pipeline.adapters.clients.figures import LARGEST_PRICE
from exit_pipeline.adapters.clients.tradier_json import Json, iso_time, number, whole
from exit_pipeline.core.model.closing import ClosingFill
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.order import Fill, OrderReport, OrderSide, OrderStatus

_STATUSES: Final = {
    "pending": OrderStatus.ACCEPTED,
    "submitted": OrderStatus.ACCEPTED,
    "open": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIAL_FILL,
    "filled": OrderStatus.FILLED,
    "expired": OrderStatus.EXPIRED,
    "canceled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "pending_cancel": OrderStatus.PENDING_CANCEL,
}
"""docs.tradier.com, "Get an order"; ``submitted`` is in its older edition only."""

_UNKNOWN_STATUS: Final = "Tradier gives the order an unknown status, so it is taken as working"

SIDES: Final = {
    "sell_to_close": OrderSide.SELL_TO_CLOSE,
    "buy_to_close": OrderSide.BUY_TO_CLOSE,
}
"""The sides of orders that close options; no other order is ours."""

_MOST_CONTRACTS: Final = 1_000_000
"""Of one order: the exchanges take less, and each contract is an execution of its own here."""

_UNIT: Final = Decimal("0.0001")
_HALF_CENT: Final = Decimal("0.005")


def legs(orders: Sequence[Json]) -> list[Json]:
    """Orders with those of several legs taken apart, as only the legs name sides and contracts."""
    found: list[Json] = []
    for order in orders:
        parts = order.get("leg")
        parts = [parts] if isinstance(parts, dict) else parts
        found += [leg for leg in parts if isinstance(leg, dict)] if parts else [order]
    return found


def report_tagged(
    orders: Sequence[Json], tag: str, environment: str, now: datetime
) -> OrderReport | None:
    """What became of our order with a tag; None when none has it.

    There should be one order. Where there are more, since the vendor does not keep tags unique, it
    is the one that has filled or may still fill, with the executions of all, as each of them closed
    contracts; it is live as long as any is. Its ``doubt`` says so.

    Raises:
        UnavailableError: It can't be read.
    """
    found = tagged(orders, tag)
    if not found:
        return None
    first, *others = [report_of(order, tag, environment, now) for order in found]
    if not others:
        return first
    live = next((one.status for one in (first, *others) if one.status.is_live), first.status)
    fills = sum((one.fills for one in others), first.fills)
    doubt = f"Tradier has {len(found)} orders with the tag {tag}, expected one"
    return replace(first, status=live, fills=fills, doubt=doubt)


def tagged(orders: Sequence[Json], tag: str) -> list[Json]:
    """The orders with a tag, the one that has filled or may still fill first."""
    found = [order for order in orders if order.get("tag") == tag]
    return sorted(found, key=_weight, reverse=True)


def report_of(order: Json, client_order_id: str, environment: str, now: datetime) -> OrderReport:
    """One order as it is.

    FILLED, CANCELLED and the like are said only once every execution is known with its price: the
    vendor may say so first and tell the price later, and a finished order is not asked about again.
    Until then the order counts as live. An unknown status is live too, with a ``doubt``.

    Args:
        order: As the vendor gives it.
        client_order_id: Our id for it.
        environment: ``paper`` or ``live``, a part of the execution ids.
        now: Stands for times that the vendor leaves out.

    Raises:
        UnavailableError: It can't be read.
    """
    side, quantity = SIDES.get(str(order.get("side"))), whole(order.get("quantity"))
    symbol, order_id = order.get("option_symbol"), order.get("id")
    executed = whole(order.get("exec_quantity")) or 0
    is_size = quantity is not None and 0 < quantity <= _MOST_CONTRACTS and executed <= quantity
    if side is None or quantity is None or not (is_size and symbol and order_id):
        message = f"Tradier's order {order_id} is none that closes an option, or can't be read"
        raise UnavailableError(message)
    text = str(order.get("status"))
    fills = _fills(order, f"tradier-{environment}-{order_id}", now)
    status = _status(order, quantity, len(fills))
    return OrderReport(
        client_order_id=client_order_id,
        broker_order_id=str(order_id),
        symbol=str(symbol),
        side=side,
        quantity=quantity,
        status=status,
        fills=fills,
        submitted_at=iso_time(order.get("create_date")) or now,
        reason=_reason(order) if status is OrderStatus.REJECTED else "",
        doubt="" if text in _STATUSES else f"{_UNKNOWN_STATUS}: {text:.40}",
    )


def closing_fills(
    orders: Sequence[Json],
    symbols: Collection[str],
    environment: str,
    since: datetime,
    now: datetime,
) -> list[ClosingFill]:
    """Executions of the closing orders among some, each contract singly, with their orders' tags.

    Args:
        orders: As the vendor gives them, those of several legs taken apart.
        symbols: Orders on other contracts are left out.
        environment: ``paper`` or ``live``.
        since: Executions before are left out.
        now: Stands for times that the vendor leaves out.

    Raises:
        UnavailableError: One can't be read.
    """
    found = []
    for order in orders:
        if order.get("option_symbol") not in symbols or str(order.get("side")) not in SIDES:
            continue
        tag = str(order.get("tag") or "")
        report = report_of(order, tag, environment, now)
        found += [
            ClosingFill(
                symbol=report.symbol,
                side=report.side,
                fill=fill,
                broker_order_id=report.broker_order_id,
                client_order_id=tag,
            )
            for fill in report.fills
            if fill.executed_at >= since
        ]
    return found


def may_fill(order: Json) -> bool:
    """Whether an order that closes an option is not known to have ended."""
    status = _STATUSES.get(str(order.get("status")))
    return str(order.get("side")) in SIDES and (status is None or status.is_live)


def contract_prices(order: Json, quantity: int) -> list[Decimal]:
    """Dollars per share of each contract filled, first filled first; none while not known.

    Example: 3 contracts at 10.07 on average, the last 2 at 10.08, are 10.05, 10.08 and 10.08.
    """
    average = number(order.get("avg_fill_price"))
    if quantity < 1 or average is None or not 0 < average <= LARGEST_PRICE:
        return []
    total = average * quantity
    last = whole(order.get("last_fill_quantity")) or 0
    last_price = number(order.get("last_fill_price")) or Decimal(0)
    before = quantity - last
    if not 0 < last < quantity or not 0 < last_price <= LARGEST_PRICE:
        return _spread(total, quantity)
    rest = total - last * last_price
    # An average that is rounded to cents weighs the more on what remains of it, the less that is.
    slack = _HALF_CENT * quantity / before
    if rest <= 0 or _is_worse_than_limit(order, (rest / before, last_price), slack):
        return _spread(total, quantity)
    return _spread(rest, before) + [last_price] * last


def _is_worse_than_limit(order: Json, prices: Sequence[Decimal], slack: Decimal) -> bool:
    limit = number(order.get("price"))
    if limit is None or limit <= 0:
        return False
    if SIDES.get(str(order.get("side"))) is OrderSide.SELL_TO_CLOSE:
        return min(prices) < limit - slack
    return max(prices) > limit + slack


def _spread(total: Decimal, quantity: int) -> list[Decimal]:
    """Equal prices in whole units whose sum is the total, as nearly as units allow."""
    sums = [
        (total * contracts / quantity).quantize(_UNIT, ROUND_HALF_EVEN)
        for contracts in range(quantity + 1)
    ]
    return [after - before for before, after in pairwise(sums)]


def _fills(order: Json, prefix: str, now: datetime) -> tuple[Fill, ...]:
    executed_at = iso_time(order.get("transaction_date")) or now
    prices = contract_prices(order, whole(order.get("exec_quantity")) or 0)
    # Tradier tells neither commission nor fees of an order.
    return tuple(
        Fill(
            execution_id=f"{prefix}-{contract}",
            quantity=1,
            price=price,
            commission=Decimal(0),
            fees=Decimal(0),
            executed_at=executed_at,
        )
        for contract, price in enumerate(prices, start=1)
    )


def _status(order: Json, quantity: int, filled: int) -> OrderStatus:
    status = _STATUSES.get(str(order.get("status")), OrderStatus.ACCEPTED)
    executed = quantity if status is OrderStatus.FILLED else whole(order.get("exec_quantity")) or 0
    if not status.is_live and filled < executed:
        asked = status is OrderStatus.CANCELLED
        status = OrderStatus.PENDING_CANCEL if asked else OrderStatus.ACCEPTED
    if status is OrderStatus.PARTIAL_FILL and not filled:
        return OrderStatus.ACCEPTED
    if status is OrderStatus.ACCEPTED and filled:
        return OrderStatus.PARTIAL_FILL
    return status


def _reason(order: Json) -> str:
    words = str(order.get("reason_description") or "rejected without a reason")
    return " ".join(words.split())[:200]


def _weight(order: Json) -> tuple[bool, bool, str]:
    filled = whole(order.get("exec_quantity")) or 0
    return filled > 0 or order.get("status") == "filled", may_fill(order), str(order.get("id"))
