"""Every order that may still fill, as the broker has it now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import (
    NOT_ACCEPTED,
    HeldPosition,
    OrderReport,
    OrderStatus,
)
from exit_pipeline.core.model.position import Position
from exit_pipeline.services.books import Books
from exit_pipeline.services.holdings import net_books, same_side
from exit_pipeline.services.send_order import describe, say_refused

QUARANTINE: Final = timedelta(seconds=120)
"""How long an order is waited for, once it is sure that nobody holds it to send it, before "not
shown" counts as "never placed". It may be written for 5 seconds and answered for 10; the rest is
for a slow network."""

_TRADES_ON: Final = timedelta(minutes=15)
"""How long after the close of shares the options on some funds and indices still trade (Cboe, hours
of SPY, QQQ, IWM and others: until 16:15); an order of the day may fill until then."""

_CLOCKS_DIFFER: Final = timedelta(seconds=60)
"""An order that a broker received earlier than this before its intent is another one."""

_MAY_BE_NOWHERE: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of an account when an order was not shown.

    Attributes:
        held: What the broker holds, by symbol; None where it did not say.
        positions: The account's open positions.
        nobody_sends: Before the look nobody held the order to send it.
    """

    held: Mapping[str, HeldPosition] | None
    positions: Sequence[Position]
    nobody_sends: bool


def refresh(order: ExitOrder, shown: OrderReport | None, books: Books) -> list[str] | None:
    """Book what the broker says of a live order; None where it shows no such order.

    Args:
        order: The order.
        shown: It among the orders at work; None where it is not.
        books: The account.
    """
    request = order.request
    report = shown or books.calls.call(
        lambda: books.broker.find_order(
            request.account, request.client_order_id, order.broker_order_id
        ),
        "find_order",
        request.client_order_id,
        lambda found: describe(found) if found else "not found",
    )
    if report is None:
        return None
    is_older = report.submitted_at < order.intent_at - _CLOCKS_DIFFER
    if is_older or not report.answers(request):
        message = f"the broker has another order under {request.client_order_id}"
        books.alert("CRITICAL", "ORDER_MISMATCH", request.client_order_id, message)
        books.database.control.halt(f"ORDER_MISMATCH: {message}")
        return [f"{order.position_id}: {message}"]
    notes = []
    if report.doubt:
        books.alert("WARNING", "ORDER_DOUBTFUL", order.position_id, report.doubt)
        notes.append(f"{order.position_id}: {report.doubt}")
    if report.status is OrderStatus.REJECTED and order.status.is_live:
        # It was taken when it was sent, so that nobody has been told yet.
        message = say_refused(order, report)
        books.alert("WARNING", "ORDER_REFUSED", order.position_id, message)
        notes.append(f"{order.position_id}: {message}")
    if booked := books.database.orders.book(order, report):
        notes.append(f"{booked} of {order.position_id} had filled under {request.client_order_id}")
    return notes


def judge_missing(order: ExitOrder, look: Look, books: Books) -> list[str]:
    """End an order that the broker does not show, if it can't fill any more; else wait for it."""
    name, orders = order.request.client_order_id, books.database.orders
    looked = orders.record_missed(
        order.id, books.desk.fence, books.at, nobody_sends=look.nobody_sends
    )
    why = _why_never_placed(order, looked, look, books)
    if why:
        orders.give_up(looked, books.desk.fence, OrderStatus.ABANDONED, why)
        return [f"order {name} is abandoned: {why}"]
    if look.held is not None and look.nobody_sends and _session_is_over(order, books):
        # A day order can't fill any more; what it may have filled shows in what is held.
        why = "its session is over, and the broker does not show it"
        orders.give_up(looked, books.desk.fence, OrderStatus.EXPIRED, why)
        books.alert("CRITICAL", "ORDER_LOST", order.position_id, f"order {name}: {why}")
        return [f"order {name} has ended: {why}"]
    message = f"order {name} is not shown by the broker, so its position waits"
    severity = "CRITICAL" if books.at - order.intent_at >= QUARANTINE else "WARNING"
    books.alert(severity, "ORDER_UNKNOWN", order.position_id, message)
    return [message]


def _why_never_placed(before: ExitOrder, order: ExitOrder, look: Look, books: Books) -> str:
    """The proof that an order that is not shown was never placed; empty without one.

    An intent that nobody began to send can't be begun any more: its fence is an older one. One that
    was being sent needs all of this, in this order: nobody holds it; then the quarantine passes;
    then the broker shows its orders without it, and holds all that our books say. (A sender that
    froze between its last look at the clock and the write would otherwise place it after the look.)
    And it must never have been seen at the broker.

    Args:
        before: The order as it was before this look.
        order: As it is now.
        look: What was seen.
        books: The account.
    """
    if before.status is OrderStatus.PENDING:
        return "nobody had begun to send it"
    if order.status not in _MAY_BE_NOWHERE or order.broker_order_id or not look.nobody_sends:
        return ""
    if (before.trouble or "").startswith(NOT_ACCEPTED):
        return "the broker said that it did not take it, and does not show it"
    since = before.first_missed_at
    if since is None or books.at - since < QUARANTINE or not _holds_all(order, look):
        return ""
    return "the broker does not show it, and nobody could send it any more: it was never placed"


def _holds_all(order: ExitOrder, look: Look) -> bool:
    """Whether the broker holds as much of the contract as our books do, on the same side."""
    symbol = order.request.symbol
    there = look.held.get(symbol) if look.held else None
    side, ours = net_books(look.positions).get(symbol, (None, 0))
    return there is not None and (side is None or same_side(there, side) >= ours)


def _session_is_over(order: ExitOrder, books: Books) -> bool:
    zone = books.calendar.zone
    session = books.calendar.session_on_or_before(order.intent_at.astimezone(zone).date())
    return books.at >= session.closes_at + _TRADES_ON + QUARANTINE


def disown(
    strangers: Sequence[OrderReport], positions: Sequence[Position], books: Books
) -> list[str]:
    """Say which closing orders at work are not among the live ones of the books.

    One of ours that counts as ended must not work: it is cancelled, and everything else stops until
    a person has looked. One of somebody else's on a contract of ours holds contracts that no exit
    can have.
    """
    known = (
        {
            order.request.client_order_id: order
            for order in books.database.orders.under_ids(
                [report.client_order_id for report in strangers if report.client_order_id]
            )
        }
        if strangers
        else {}
    )
    symbols = {one.contract.symbol for one in positions if one.contract is not None}
    notes = []
    for report in strangers:
        order = known.get(report.client_order_id)
        if order is not None:
            notes.append(_disown_ours(order, report, books))
        elif report.symbol in symbols:
            subject = report.client_order_id or report.broker_order_id
            message = f"somebody else's order {subject} closes {report.quantity} {report.symbol}"
            books.alert("WARNING", "EXTERNAL_ORDER", subject, message)
            notes.append(message)
    return notes


def _disown_ours(order: ExitOrder, report: OrderReport, books: Books) -> str:
    name = order.request.client_order_id
    books.database.orders.book(order, report)
    message = f"order {name} works at the broker and is {order.status} in the books"
    books.alert("CRITICAL", "ORDER_ROSE_AGAIN", order.position_id, message)
    books.database.control.halt(f"ORDER_ROSE_AGAIN: {message}")
    if books.database.control.state(books.broker.environment) is TradingState.FREEZE:
        return message
    ended = books.calls.call(
        lambda: books.broker.cancel(order.request.account, name), "cancel", name, describe
    )
    books.database.orders.book(order, ended)
    return message


def cancel_if_told(books: Books) -> list[str]:
    """Ask for every working order to be cancelled where trading is in CANCEL_ALL."""
    if books.database.control.state(books.broker.environment) is not TradingState.CANCEL_ALL:
        return []
    orders = books.database.orders.live_orders(books.broker.environment, [books.run.account])
    notes = []
    for order in orders:
        if order.broker == books.broker.name and order.status is not OrderStatus.PENDING:
            ended = books.desk.cancel(order)
            outcome = f"is {ended.status}" if ended else "is asked for its cancel"
            notes.append(f"order {order.request.client_order_id} {outcome}: CANCEL_ALL")
    return notes
