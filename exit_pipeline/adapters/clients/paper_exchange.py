"""The rules of the paper exchange: what it refuses, what orders fill at, how contracts settle.

Nothing here reads or writes anything. The convention of fills is told where people look for it,
in the paper broker.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from exit_pipeline.adapters.clients.paper_orders import PaperOrder
from exit_pipeline.core.model.contract import OptionContract, parse_contract
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.order import (
    OrderReport,
    OrderRequest,
    OrderSide,
    OrderStatus,
    Settlement,
)
from exit_pipeline.core.model.position import CloseKind, PositionSide
from exit_pipeline.core.model.quote import Quote, UnderlyingPrice
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Calendar

QUOTE_AGE_LIMIT: Final = timedelta(minutes=15)
"""A quote older than this fills nothing. Our own choice: the delay of public quotes, such as Cboe's
free ones, so that those still fill."""

CLOCK_SKEW_LIMIT: Final = timedelta(seconds=5)
"""How far a quote's time may be ahead of ours before the quote is disbelieved. Our own choice: more
than clocks that are kept in time differ by."""

CLOSING_PRICE_AGE_LIMIT: Final = timedelta(minutes=30)
"""How much older than the close the price that a contract settles at may be. Our own choice."""

EXERCISED_FROM: Final = Decimal("0.01")
"""Dollars per share in the money from which a contract is exercised without anybody's asking (OCC
Rule 805, exercise by exception)."""

_CENTS_PER_DOLLAR: Final = 100
_ORDER_KEYS: Final = uuid.UUID("8f0f6c53-6f3c-5d52-9a3e-0c7c5b6f2a11")
"""Any namespace does, as long as it never changes: RFC 9562, section 5.5."""


def why_refused(
    request: OrderRequest, held: int, free: int, now: datetime, calendar: Calendar
) -> str:
    """Say why an order is refused, naming what was given and expected; empty where it is taken.

    Args:
        request: The order.
        held: Contracts held of its symbol, negative when short, 0 when none.
        free: Contracts of these that no other working order may still close.
        now: When it arrives.
        calendar: When orders are taken.
    """
    return (
        calendar.why_closed(now)
        or _why_unfit(request)
        or _why_not_covered(request, held, free)
        or _why_no_longer_traded(request.symbol, calendar, now)
    )


def arrival(
    request: OrderRequest, environment: str, reason: str, now: datetime, calendar: Calendar
) -> PaperOrder:
    """The order that a request becomes: working, or refused where there is a reason.

    Its key is a pure function of environment, account and ``client_order_id``, so that a day that
    is run again from its tape has the same keys.
    """
    key = f"{environment}/{request.account}/{request.client_order_id}"
    today = now.astimezone(calendar.zone).date()
    return PaperOrder(
        id=str(uuid.uuid5(_ORDER_KEYS, key)),
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        limit_price=request.limit_price,
        status=OrderStatus.REJECTED if reason else OrderStatus.ACCEPTED,
        reason=reason,
        submitted_at=now,
        day_ends_at=calendar.session_on_or_before(today).closes_at,
    )


def refusal(request: OrderRequest, reason: str, now: datetime) -> OrderReport:
    """The answer to an order of which nothing came; so it has no ``broker_order_id``."""
    return OrderReport(
        client_order_id=request.client_order_id,
        broker_order_id="",
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus.REJECTED,
        submitted_at=now,
        reason=reason,
    )


def execution_price(
    order: PaperOrder, quote: Quote | None, now: datetime, *, arrives: bool
) -> Decimal | None:
    """What an order fills at, dollars per share; None where it does not fill.

    Args:
        order: A closing order.
        quote: Of its contract; None where there is none.
        now: The moment of looking.
        arrives: The order has just come, so it meets the bid (ask) that is there; otherwise it has
            been resting, and the bid (ask) comes to it.

    Example: with 1.20 bid, a SELL_TO_CLOSE at 1.10 fills at 1.20 on arrival, resting at 1.10.
    """
    works = order.status.is_live and order.submitted_at <= now
    if not works or quote is None or quote.nonfinite or quote.bid is None or quote.ask is None:
        return None
    current = -CLOCK_SKEW_LIMIT <= now - quote.quoted_at <= QUOTE_AGE_LIMIT
    sells = order.side is OrderSide.SELL_TO_CLOSE
    touch = quote.bid if sells else quote.ask
    # Without a bid nothing can be sold, but what nobody bids for can be bought back.
    if not current or touch <= 0 or not 0 <= quote.bid <= quote.ask:
        return None
    reached = touch >= order.limit_price if sells else touch <= order.limit_price
    if not reached:
        return None
    return touch if arrives else order.limit_price


def size_left(order: PaperOrder, quote: Quote, taken: int | None) -> int:
    """Contracts of an order that a quote has room for.

    Args:
        order: A closing order.
        quote: Of its contract.
        taken: Contracts that the account took from this side of the quote already; None where it
            has traded on a newer quote since.
    """
    size = quote.bid_size if order.side is OrderSide.SELL_TO_CLOSE else quote.ask_size
    if taken is None:
        return 0
    return order.rest if size is None else min(order.rest, max(size - taken, 0))


def last_close(contract: OptionContract, calendar: Calendar) -> datetime:
    """When a contract's last trading session closes."""
    return calendar.session_on_or_before(contract.latest_trading_day).closes_at


def expired(
    symbols: Iterable[str], calendar: Calendar, now: datetime
) -> dict[datetime, list[OptionContract]]:
    """Contracts that trade no more, by the close of their last session."""
    by_close: dict[datetime, list[OptionContract]] = {}
    for contract in map(parse_contract, symbols):
        try:
            closed_at = last_close(contract, calendar)
        except InputError:
            continue  # beyond the calendar's dates, so not yet expired
        if closed_at <= now:
            by_close.setdefault(closed_at, []).append(contract)
    return by_close


def closing_value(
    contract: OptionContract, prices: Mapping[str, UnderlyingPrice], closed_at: datetime
) -> Decimal | None:
    """What a contract is worth at the close of its last session, dollars per share.

    None where no price of the last 30 minutes before the close is known, and for an adjusted
    contract, whose deliverable is not known.

    Example: a 750 call is worth 2.50 where the underlying was last seen at 752.50.
    """
    price = prices.get(contract.underlying)
    if price is None or contract.is_adjusted:
        return None
    is_closing = timedelta(0) <= closed_at - price.quoted_at <= CLOSING_PRICE_AGE_LIMIT
    return contract.intrinsic(price.last) if is_closing else None


def settle(account: str, symbol: str, held: int, value: Decimal, closed_at: datetime) -> Settlement:
    """How an expired holding ends.

    Args:
        account: The broker's account.
        symbol: Compact OCC symbol.
        held: Contracts, negative when short.
        value: From ``closing_value``; below 0.01 the contract expires worthless.
        closed_at: Close of the last session, which the settlement carries as its time.
    """
    in_the_money = CloseKind.EXERCISED if held > 0 else CloseKind.ASSIGNED
    worthless = value < EXERCISED_FROM
    kind = CloseKind.EXPIRED if worthless else in_the_money
    return Settlement(
        settlement_id=settlement_id(account, symbol, kind),
        account=account,
        symbol=symbol,
        quantity=abs(held),
        kind=kind,
        price=Decimal(0) if worthless else value,
        settled_at=closed_at,
    )


def settlement_id(account: str, symbol: str, kind: str) -> str:
    """The key of what ended alike of one contract: a later deposit that does is added to it."""
    return f"paper-{account}-{symbol}-{kind}"


def check_deposit(position: NewPosition, broker: str, environment: str) -> None:
    """Refuse a position that can't be put into the books of a broker's environment.

    Raises:
        InputError: One of its fields is not usable.
    """
    parse_contract(position.symbol)
    expected = {
        "broker": (position.broker == broker, position.broker, repr(broker)),
        "environment": (
            position.environment == environment,
            position.environment,
            repr(environment),
        ),
        "side": (position.side in set(PositionSide), position.side, "LONG or SHORT"),
        "quantity": (position.quantity >= 1, position.quantity, "at least 1 contract"),
        "entry_price": (
            position.entry_price.is_finite() and position.entry_price > 0,
            str(position.entry_price),
            "dollars per share above 0",
        ),
    }
    for field, (fits, value, expectation) in expected.items():
        if not fits:
            message = f"{field} {value!r} of position {position.id!r} must be {expectation}"
            raise InputError(message)


def _why_unfit(request: OrderRequest) -> str:
    if request.quantity < 1:
        return f"quantity {request.quantity} is no number of contracts, expected at least 1"
    if not _is_quotable(request.limit_price):
        return f"limit_price {request.limit_price} is no price, expected whole cents above 0"
    return ""


def _why_not_covered(request: OrderRequest, held: int, free: int) -> str:
    if held == 0:
        return f"symbol {request.symbol} is not held, expected a holding that the order closes"
    closing = OrderSide.SELL_TO_CLOSE if held > 0 else OrderSide.BUY_TO_CLOSE
    if request.side is not closing:
        return f"side {request.side} does not close {held} {request.symbol}, expected {closing}"
    if request.quantity > free:
        return (
            f"quantity {request.quantity} is too large, expected at most the {free} contracts that"
            " are held and in no other working order"
        )
    return ""


def _why_no_longer_traded(symbol: str, calendar: Calendar, now: datetime) -> str:
    closed_at = last_close(parse_contract(symbol), calendar)
    if now < closed_at:
        return ""
    return f"symbol {symbol} last traded at {closed_at}, expected a contract that still trades"


def _is_quotable(price: Decimal) -> bool:
    # Options trade in whole cents at the finest; a broker refuses what no exchange would list.
    if not price.is_finite() or price <= 0:
        return False
    cents = price * _CENTS_PER_DOLLAR
    return cents == cents.to_integral_value()
