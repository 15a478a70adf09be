"""Alpaca's orders and fills in our words: pure functions of its answers.

**A fill is booked once.** The broker tells of fills twice: as a cumulative ``filled_qty`` on the
order, at once, and as one activity per execution, perhaps later. Only activities are executions, so
they are what is reported, each under ``alpaca-<order>-<cum>``, `cum` being the contracts of the
order that are filled up to and including it: the executions of an order cut its contracts into
ranges, and an id names the end of one. As long as activities lag behind the order it is reported as
live, with the fills that are there: it keeps its reservation and is read again. Only an order that
ended more than ``FILLS_LAG`` ago is reported with what is still missing, from its cumulative
figures, one fill for each gap between ranges, named after the gap's end. That report ends the
order, and booking it is one transaction, after which nobody asks for its fills again; and where the
gap was one execution, that execution has the same id, so that even a later look could not book it
twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from exit_pipeline.adapters.clients.figures import read_instant, read_number, read_price
from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import (
    Fill,
    OrderReport,
    OrderRequest,
    OrderSide,
    OrderStatus,
)

FILLS_LAG: Final = timedelta(minutes=15)
"""How long an ended order waits for the activities of its fills: three scheduled ticks."""

_STATUSES: Final = {
    "new": OrderStatus.ACCEPTED,
    "partially_filled": OrderStatus.PARTIAL_FILL,
    "filled": OrderStatus.FILLED,
    "done_for_day": OrderStatus.ACCEPTED,
    "canceled": OrderStatus.CANCELLED,
    "expired": OrderStatus.EXPIRED,
    "replaced": OrderStatus.CANCELLED,
    "pending_cancel": OrderStatus.PENDING_CANCEL,
    "pending_replace": OrderStatus.ACCEPTED,
    "accepted": OrderStatus.ACCEPTED,
    "pending_new": OrderStatus.ACCEPTED,
    "pending_review": OrderStatus.ACCEPTED,
    "accepted_for_bidding": OrderStatus.ACCEPTED,
    "stopped": OrderStatus.ACCEPTED,
    "rejected": OrderStatus.REJECTED,
    "suspended": OrderStatus.ACCEPTED,
    "calculated": OrderStatus.ACCEPTED,
    "held": OrderStatus.ACCEPTED,
}
"""Every status of the published file, and ``pending_review`` of the vendor's own client. Final are
filled, canceled, expired, rejected and replaced; everything else may still fill."""

_REASONS: Final = {
    "rejected": "rejected after it was taken; Alpaca does not say why",
    "replaced": "replaced at the broker by another order, which is not ours",
}
_UNKNOWN_STATUS: Final = "Alpaca gives the order an unknown status, so it is taken as working"
_TOO_MANY: Final = 429
SIDES: Final = {"sell": OrderSide.SELL_TO_CLOSE, "buy": OrderSide.BUY_TO_CLOSE}
"""What closes: a sale of what is long, a purchase of what is short."""

_ENDS: Final = ("filled_at", "canceled_at", "expired_at", "failed_at", "replaced_at", "updated_at")
_UNIT: Final = Decimal(1).scaleb(-4)


def order_body(request: OrderRequest) -> dict[str, str]:
    """A closing order as Alpaca takes it: decimals are strings, options are good for the day only.

    The intent is the broker's own guard: an order that would open something is refused. It takes
    prices of two decimals and may count them as they are written, so a price out of the database,
    which has four, is written with two: 3.1500 is ``3.15``.
    """
    sells = request.side is OrderSide.SELL_TO_CLOSE
    price = request.limit_price
    return {
        "symbol": request.symbol,
        "qty": str(request.quantity),
        "side": "sell" if sells else "buy",
        "type": "limit",
        "time_in_force": "day",
        "limit_price": f"{price:.2f}" if price == round(price, 2) else f"{price:f}",
        "position_intent": "sell_to_close" if sells else "buy_to_close",
        "client_order_id": request.client_order_id,
    }


def contracts(row: Mapping[str, Any], name: str, absent: int | None = None) -> int:
    """A whole number, written as a string or a number, negative when short.

    Args:
        row: As Alpaca gives it.
        name: Its field.
        absent: What a field that is null or missing stands for; without it that is a fault.

    Raises:
        UnavailableError: It is no whole number.
    """
    value = row.get(name)
    if value is None and absent is not None:
        return absent
    number = read_number(value)
    if number is None or number != int(number):
        raise unreadable(row, name)
    return int(number)


def unreadable(row: Mapping[str, Any], name: str) -> UnavailableError:
    """The error of a row without a field that is needed."""
    return UnavailableError(
        f"Alpaca's {str(row.get('symbol'))[:40]!r} has no {name} that can be read"
    )


def filled(order: Mapping[str, Any]) -> int:
    """Contracts that the order itself says are filled.

    Raises:
        UnavailableError: It does not say so in a way that can be read.
    """
    return contracts(order, "filled_qty", absent=0)


def since(order: Mapping[str, Any]) -> datetime:
    """A moment before any fill of the order.

    Raises:
        UnavailableError: The order has no time.
    """
    return _instant(order, "submitted_at", "created_at") - timedelta(seconds=1)


def rejected(request: OrderRequest, reason: str, at: datetime) -> OrderReport:
    """The report of an order that there is none of."""
    return OrderReport(
        client_order_id=request.client_order_id,
        broker_order_id="",
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus.REJECTED,
        submitted_at=at,
        reason=reason,
    )


def is_over_limit(status: int | None, body: Any) -> bool:
    """Whether an answer is Alpaca's own word that it took nothing, for its rate limit.

    A 429 of something before Alpaca, which has another form, says nothing of the order. The
    vendor's own client sends orders again after a 429.
    """
    return status == _TOO_MANY and isinstance(body, dict) and bool(body.get("message"))


def is_closing_option(order: Mapping[str, Any]) -> bool:
    """Whether an order closes an option; shares, opening orders and parents of legs do not."""
    intent = order.get("position_intent")
    return (
        read_contract(order.get("symbol")) is not None
        and str(order.get("side")) in SIDES
        and (not intent or str(intent).endswith("_to_close"))
    )


def read_contract(symbol: Any) -> OptionContract | None:
    """The option that a symbol names; None for shares, coins and whatever else is traded."""
    try:
        return parse_contract(str(symbol))
    except InputError:
        return None


def to_report(
    order: Mapping[str, Any], activities: Iterable[Mapping[str, Any]], now: datetime
) -> OrderReport:
    """An order in our words.

    Args:
        order: As Alpaca gives it.
        activities: Fills of the account; those of other orders are passed over.
        now: Tells whether missing fills are only late.

    Raises:
        UnavailableError: The order can't be read.
    """
    side = SIDES.get(str(order.get("side")))
    if side is None or not order.get("id") or not order.get("symbol"):
        raise unreadable(order, "id, symbol or side")
    text, total = str(order.get("status")), filled(order)
    ranges = _ranges(order, activities)
    missing = total - sum(one.quantity for one in ranges)
    status = _status(text, total)
    if missing > 0 and not status.is_live and now - _ended_at(order) > FILLS_LAG:
        ranges += _gaps(order, ranges, total)
    elif missing > 0 and not status.is_live:
        status = OrderStatus.PARTIAL_FILL if text == "filled" else OrderStatus.PENDING_CANCEL
    return OrderReport(
        client_order_id=str(order.get("client_order_id")),
        broker_order_id=str(order["id"]),
        symbol=str(order["symbol"]),
        side=side,
        quantity=contracts(order, "qty"),
        status=status,
        fills=tuple(one.fill(str(order["id"])) for one in sorted(ranges, key=lambda r: r.end)),
        submitted_at=_instant(order, "submitted_at", "created_at"),
        reason=_REASONS.get(text, ""),
        doubt="" if text in _STATUSES else f"{_UNKNOWN_STATUS}: {text:.40}",
    )


@dataclass(frozen=True, slots=True)
class _Range:
    """Contracts `end - quantity + 1` to `end` of an order, filled together."""

    end: int
    quantity: int
    price: Decimal
    at: datetime

    def fill(self, order_id: str) -> Fill:
        """Alpaca takes no commission on options; fees come days later, in rows without an order."""
        return Fill(
            execution_id=f"alpaca-{order_id}-{self.end}",
            quantity=self.quantity,
            price=self.price,
            commission=Decimal(0),
            fees=Decimal(0),
            executed_at=self.at,
        )


def execution(row: Mapping[str, Any]) -> Fill:
    """One activity of a fill, as the fill of whatever order it belongs to.

    Raises:
        UnavailableError: It can't be read.
    """
    if not row.get("order_id"):
        raise unreadable(row, "order_id")
    return _range(row).fill(str(row["order_id"]))


def _ranges(order: Mapping[str, Any], activities: Iterable[Mapping[str, Any]]) -> list[_Range]:
    found = {}
    for row in activities:
        if row.get("order_id") != order["id"]:
            continue
        one = _range(row)
        found[one.end] = one
    return list(found.values())


def _range(row: Mapping[str, Any]) -> _Range:
    price, _ = read_price(row.get("price"))
    if price is None:
        raise unreadable(row, "price")
    end, quantity = contracts(row, "cum_qty"), contracts(row, "qty")
    return _Range(end, quantity, price, _instant(row, "transaction_time"))


def _gaps(order: Mapping[str, Any], ranges: Sequence[_Range], total: int) -> list[_Range]:
    """What no activity tells of, at the price that the order's average leaves for it."""
    average, _ = read_price(order.get("filled_avg_price"))
    if average is None:
        raise unreadable(order, "filled_avg_price")
    told = sum(one.quantity for one in ranges)
    left = average * total - sum((one.price * one.quantity for one in ranges), Decimal(0))
    price = max(left / (total - told), Decimal(0)).quantize(_UNIT)
    gaps, covered = [], 0
    for start, end in [*sorted((r.end - r.quantity, r.end) for r in ranges), (total, total)]:
        if start > covered:
            gaps.append(_Range(start, start - covered, price, _ended_at(order)))
        covered = max(covered, end)
    return gaps


def _status(text: str, total: int) -> OrderStatus:
    status = _STATUSES.get(text, OrderStatus.ACCEPTED)
    return OrderStatus.PARTIAL_FILL if total and status is OrderStatus.ACCEPTED else status


def _ended_at(order: Mapping[str, Any]) -> datetime:
    known = [at for name in _ENDS if (at := read_instant(order.get(name))) is not None]
    return max(known, default=_instant(order, "submitted_at", "created_at"))


def _instant(row: Mapping[str, Any], *names: str) -> datetime:
    for name in names:
        at = read_instant(row.get(name))
        if at is not None:
            return at
    raise unreadable(row, names[0])
