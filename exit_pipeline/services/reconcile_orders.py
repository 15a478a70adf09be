"""Every order that may still fill, as the broker has it now."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import HeldPosition, OrderReport, OrderStatus
from exit_pipeline.core.model.position import Position
from exit_pipeline.services.books import Books
from exit_pipeline.services.send_order import describe

QUARANTINE: Final = timedelta(seconds=120)
"""How long an order that was being sent is waited for before "not found" may count as "never
placed". A sender may write for 5 seconds and wait for 10; the rest is for a slow network."""

LISTINGS_APART: Final = timedelta(seconds=30)
"""Two looks that did not show an order count as two only this far apart."""

_CLOCKS_DIFFER: Final = timedelta(seconds=60)
"""An order that a broker received earlier than this before its intent is another one."""


def refresh(
    order: ExitOrder,
    shown: OrderReport | None,
    held: Mapping[str, HeldPosition] | None,
    positions: Sequence[Position],
    books: Books,
) -> list[str]:
    """Book what the broker says of a live order, or judge that it does not show it.

    Args:
        order: The order.
        shown: It among the orders at work; None where it is not.
        held: What the broker holds, by symbol; None where it did not say.
        positions: The account's open positions.
        books: The account.
    """
    request = order.request
    report = shown or books.calls.call(
        lambda: books.broker.find_order(request.account, request.client_order_id),
        "find_order",
        request.client_order_id,
        lambda found: describe(found) if found else "not found",
    )
    if report is None:
        return _not_shown(order, held, positions, books)
    is_older = report.submitted_at < order.intent_at - _CLOCKS_DIFFER
    if is_older or not report.answers(request):
        message = f"the broker has another order under {request.client_order_id}"
        books.alert("CRITICAL", "ORDER_MISMATCH", request.client_order_id, message)
        books.database.control.halt(f"ORDER_MISMATCH: {message}")
        return [f"{order.position_id}: {message}"]
    booked = books.database.orders.book(order, report)
    if not booked:
        return []
    return [f"{booked} of {order.position_id} had filled under {request.client_order_id}"]


def _not_shown(
    order: ExitOrder,
    held: Mapping[str, HeldPosition] | None,
    positions: Sequence[Position],
    books: Books,
) -> list[str]:
    name = order.request.client_order_id
    if order.status is not OrderStatus.PENDING:
        order = books.database.orders.record_missed(order.id, books.at)
    why = _why_never_placed(order, held, positions, books)
    if why:
        books.database.orders.mark_status(order.id, OrderStatus.ABANDONED, why)
        return [f"order {name} is abandoned: {why}"]
    message = f"the broker does not show order {name}, so its position waits"
    pressing = books.at - order.intent_at >= QUARANTINE
    severity = "CRITICAL" if pressing else "WARNING"
    books.alert(severity, "ORDER_UNKNOWN", order.position_id, message)
    return [message]


def _why_never_placed(
    order: ExitOrder,
    held: Mapping[str, HeldPosition] | None,
    positions: Sequence[Position],
    books: Books,
) -> str:
    """The proof that an order that is not shown can't fill any more; empty without one.

    An intent that nobody began to send can't be begun any more: its fence is an older one. An order
    that was being sent needs all of this: its time has passed, no process holds it, the broker has
    shown everything else twice without it (once where the books are our own), it holds all that our
    books say, and it was never seen at work. Once the session is over a day order can't fill
    either, seen or not, if all is still held.
    """
    if order.status is OrderStatus.PENDING:
        return "nobody had begun to send it"
    if books.at - order.intent_at < QUARANTINE or books.database.orders.is_being_sent(order):
        return ""
    if not _holds_all(order, held, positions):
        return ""
    if _session_is_over(order, books):
        return "its session is over and everything is still held"
    return "" if order.broker_order_id else _why_not_there(order, books)


def _why_not_there(order: ExitOrder, books: Books) -> str:
    if books.broker.knows_all_orders:
        return "the broker knows no such order: it was never placed"
    first, last = order.first_missed_at, order.last_missed_at
    if first is None or last is None or last - first < LISTINGS_APART:
        return ""
    return "the broker has shown its orders twice without it: it was never placed"


def _holds_all(
    order: ExitOrder, held: Mapping[str, HeldPosition] | None, positions: Sequence[Position]
) -> bool:
    """Whether the broker holds as much of the contract as our books do."""
    if held is None:
        return False
    symbol = order.request.symbol
    ours = sum(
        position.open_quantity
        for position in positions
        if position.contract is not None and position.contract.symbol == symbol
    )
    there = held.get(symbol)
    return there is not None and abs(there.quantity) >= ours


def _session_is_over(order: ExitOrder, books: Books) -> bool:
    zone = books.calendar.zone
    session = books.calendar.session_on_or_before(order.intent_at.astimezone(zone).date())
    return books.at >= session.closes_at + QUARANTINE


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
