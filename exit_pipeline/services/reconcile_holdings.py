"""What an account holds, as the broker has it now: settlements, and contracts gone by hand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final

from exit_pipeline.core.model.holdings import Gap
from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.position import Position
from exit_pipeline.ports import TakesDeposits
from exit_pipeline.services.books import Books
from exit_pipeline.services.holdings import net_books, same_side
from exit_pipeline.services.reconcile_orders import refresh

GAP_LASTS: Final = timedelta(minutes=15)
"""How long a vendor has to show too few contracts before they count as closed by somebody else:
three ticks after the first."""

_FILLS_WITHIN: Final = timedelta(days=4)
"""How long after an order a late fill of it may still be told: over a long weekend."""


def settle(ended: Sequence[Position], books: Books) -> list[str]:
    """Close expired positions as the broker settled them; flag what it has not."""
    if not ended:
        return []
    answer = books.calls.call(
        lambda: books.broker.settlements(books.run.account),
        "settlements",
        describe=lambda found: f"{len(found)} settlements",
    )
    settled = {one.symbol: one for one in answer}
    notes = []
    for position in ended:
        symbol = position.contract.symbol if position.contract else ""
        if symbol in settled:
            books.database.positions.settle(position.id, settled[symbol])
            notes.append(f"{position.id}: {symbol} ended {settled[symbol].kind}")
        else:
            message = f"{symbol} has expired and the broker has not settled it"
            books.alert("WARNING", "EXPIRED_NOT_SETTLED", position.id, message)
            notes.append(f"{position.id}: {message}")
    return notes


def compare_holdings(
    held: Mapping[str, HeldPosition],
    positions: Sequence[Position],
    books: Books,
    *,
    any_working: bool,
) -> list[str]:
    """Close what is no longer held, by what the broker says, once it has said so for a while.

    A broker may show too little for a moment, and positions and orders are read one after the
    other; so the first tick only tells, and no more is sold than is held. Contracts with an order
    of ours under way are left alone: what it has filled is not known yet; and orders that ended
    unfilled are looked at again, for fills that came late. What went by hand has no price, and so
    no P&L: none is invented.

    Args:
        held: What the broker holds, by symbol.
        positions: The account's open positions whose contracts still trade.
        books: The account.
        any_working: Orders of ours were at work before the books were brought up to date.
    """
    database, account = books.database, books.run.account
    environment = books.broker.environment
    live = database.orders.live_orders(environment, [account]) if any_working else ()
    busy = {order.request.symbol for order in live}
    missing = _missing(positions, held, busy)
    notes = _book_late_fills(sorted(missing), books) if missing else []
    if notes:
        still = {position.id for position in positions}
        positions = [position for position in books.open_positions() if position.id in still]
        missing = _missing(positions, held, busy)
    confirmed = database.positions.see_gaps(environment, account, missing, books.at)
    for symbol, contracts in sorted(missing.items()):
        there = held.get(symbol)
        message = (
            f"the broker holds {there.quantity if there else 0} of {symbol}, "
            f"{contracts} fewer than the books"
        )
        books.alert("CRITICAL", "HELD_DIFFERS", f"{account} {symbol}", message)
        notes.append(message)
    for symbol, gap in sorted(confirmed.items()):
        if _is_believed(gap, books):
            notes += _close_elsewhere(positions, symbol, gap.missing, books)
    return notes + _say_what_came_back(positions, held, books)


def _is_believed(gap: Gap, books: Books) -> bool:
    """Whether contracts count as gone: in books of our own by the second look, else if it lasts.

    A row that is closed is watched no more, so a broker that shows too little for some ticks must
    not be believed too soon. Until then nobody sells its contracts, and a person is told.
    """
    is_ours = isinstance(books.broker, TakesDeposits)
    return is_ours or books.at - gap.first_seen_at >= GAP_LASTS


def _say_what_came_back(
    positions: Sequence[Position], held: Mapping[str, HeldPosition], books: Books
) -> list[str]:
    """Tell of contracts that counted as closed elsewhere and are held after all."""
    rows = {position.contract.symbol for position in positions if position.contract is not None}
    others = sorted(held.keys() - rows)
    if not others:
        return []
    environment, account = books.broker.environment, books.run.account
    since = books.at - _FILLS_WITHIN
    back = books.database.positions.closed_elsewhere(environment, account, others, since)
    notes = []
    for symbol in sorted(back):
        message = (
            f"the broker holds {held[symbol].quantity} of {symbol}, which counted as closed outside"
            f" this program; nothing watches them: exit-pipeline positions import"
        )
        books.alert("CRITICAL", "HELD_AGAIN", f"{account} {symbol}", message)
        notes.append(message)
    return notes


def _missing(
    positions: Sequence[Position], held: Mapping[str, HeldPosition], busy: Collection[str]
) -> dict[str, int]:
    """Contracts of managed rows that the broker no longer holds, by symbol."""
    missing = {}
    managed = [position for position in positions if position.managed]
    for symbol, (side, contracts) in net_books(managed).items():
        gone = contracts - same_side(held.get(symbol), side)
        if gone > 0 and symbol not in busy:
            missing[symbol] = gone
    return missing


def _book_late_fills(symbols: Sequence[str], books: Books) -> list[str]:
    """Look once more at orders that ended: what is missing may be what they filled late."""
    orders = books.database.orders
    since = books.at - _FILLS_WITHIN
    account = books.run.account
    ended = orders.ended_orders(books.broker.environment, account, symbols, since)
    notes = []
    for order in ended:
        notes += refresh(order, None, books) or []
    return notes


def _close_elsewhere(
    positions: Sequence[Position], symbol: str, contracts: int, books: Books
) -> list[str]:
    notes = []
    for position in positions:
        is_of_it = position.contract is not None and position.contract.symbol == symbol
        if not is_of_it or not position.managed or contracts <= 0:
            continue
        gone = min(contracts, position.open_quantity)
        contracts -= gone
        books.database.positions.close_elsewhere(position.id, gone, books.at)
        message = (
            f"{gone} of {position.id} ({symbol}) are no longer held: closed outside this program, "
            f"at a price that it does not know"
        )
        books.alert("WARNING", "CLOSED_ELSEWHERE", position.id, message)
        notes.append(message)
    return notes
