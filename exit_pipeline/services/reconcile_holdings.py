"""What an account holds, as the broker has it now: settlements, and contracts gone by hand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final

from exit_pipeline.core.model.holdings import Gap
from exit_pipeline.core.model.order import HeldPosition, OrderSide, Settlement
from exit_pipeline.core.model.position import Position
from exit_pipeline.ports import TakesDeposits
from exit_pipeline.services.books import Books
from exit_pipeline.services.explain_closings import ask_settlements, count_evidence, day_of
from exit_pipeline.services.holdings import net_books, same_side
from exit_pipeline.services.last_close import last_trading_close
from exit_pipeline.services.reconcile_orders import refresh

_FILLS_WITHIN: Final = timedelta(days=4)
"""How long after an order a late fill of it may still be told: over a long weekend."""


def settle(ended: Sequence[Position], books: Books) -> list[str]:
    """Close expired positions as the broker settled them; flag what it has not.

    A settlement closes as many contracts as it is of, each once: one of before the expiry, which
    assigned some of them, leaves the others. What the settlement at the expiry leaves was not held
    any more, and counts as closed elsewhere.
    """
    if not ended:
        return []
    told = sorted(ask_settlements(books), key=lambda one: one.settled_at)
    notes = []
    for position in ended:
        symbol = position.contract.symbol if position.contract else ""
        left, is_final = position.open_quantity, False
        for one in told:
            if one.symbol != symbol or not _is_after_entry(one, position, books):
                continue
            is_final = is_final or _is_of_expiry(one, position, books)
            if closed := books.database.positions.settle(position.id, one):
                left -= closed
                notes.append(f"{position.id}: {closed} {symbol} ended {one.kind}")
        if left > 0 and is_final:
            notes.append(_close_row(position, left, books))
        elif left > 0:
            message = f"{symbol} has expired and the broker has not settled it"
            books.alert("WARNING", "EXPIRED_NOT_SETTLED", position.id, message)
            notes.append(f"{position.id}: {message}")
    return notes


def _is_after_entry(settlement: Settlement, position: Position, books: Books) -> bool:
    """Whether a settlement may be of contracts that the position has."""
    return day_of(settlement.settled_at, books) >= day_of(position.held_since, books)


def _is_of_expiry(settlement: Settlement, position: Position, books: Books) -> bool:
    """Whether a settlement is the one at the end of trading, and not of an early assignment."""
    if position.contract is None:
        return False
    closes_at = last_trading_close(position.contract, books.calendar)
    if closes_at is None:
        return False
    return day_of(settlement.settled_at, books) >= day_of(closes_at, books)


def compare_holdings(
    held: Mapping[str, HeldPosition],
    positions: Sequence[Position],
    books: Books,
    *,
    any_working: bool,
) -> list[str]:
    """Close what is no longer held, on the broker's evidence or once a session has gone by.

    A broker may show too little for a moment, and positions and orders are read one after the
    other; so the first tick only tells, and no more is sold than is held. Contracts with an order
    of ours under way are left alone: what it has filled is not known yet; and orders of before that
    ended unfilled are looked at again in any case, for fills that came late. What is gone has no
    price, and so no P&L, until the broker tells one (``explain``): none is invented.

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
    notes = _look_at_ended(sorted(missing), books)
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
    for symbol, contracts in sorted(_believed(confirmed, positions, books).items()):
        notes += _close_elsewhere(positions, symbol, contracts, books)
    return (
        notes
        + _look_at_what_turned(positions, held, books)
        + (_say_what_came_back(positions, held, books))
    )


def _believed(
    gaps: Mapping[str, Gap], positions: Sequence[Position], books: Books
) -> dict[str, int]:
    """How many contracts count as gone, by symbol.

    A row that is closed is watched no more, so a vendor that shows too little is not believed by
    that alone, however many ticks it does so: it has to tell the execution or the settlement by
    which contracts went. Without either they count as gone once they were missing in an earlier
    session already, as what somebody closed after the last tick of a day. Until then nobody sells
    them, and a person is told. Books of our own are believed by the second look.
    """
    if isinstance(books.broker, TakesDeposits):
        return {symbol: gap.missing for symbol, gap in gaps.items()}
    today = books.calendar.session(day_of(books.at, books))
    lasting = {
        symbol: gap.missing
        for symbol, gap in gaps.items()
        if today is not None and gap.first_seen_at < today.opens_at
    }
    doubted = {symbol: gap.missing for symbol, gap in gaps.items() if symbol not in lasting}
    told = count_evidence(doubted, positions, books)
    return lasting | {
        symbol: min(missing, told[symbol]) for symbol, missing in doubted.items() if told[symbol]
    }


def _symbol(position: Position) -> str:
    return position.contract.symbol if position.contract else ""


def _look_at_what_turned(
    positions: Sequence[Position], held: Mapping[str, HeldPosition], books: Books
) -> list[str]:
    """Look again at orders of ours that have closed a contract whose other side is held now.

    Such an order may have filled more than it was for, as one does that the network has delivered
    twice; with its position closed, nothing else would look at it.
    """
    rows = {_symbol(position) for position in positions}
    turned = sorted(held.keys() - rows)
    if not turned:
        return []
    since = books.at - _FILLS_WITHIN
    environment, account = books.broker.environment, books.run.account
    notes = []
    for order in books.database.orders.ended_orders(environment, account, turned, since):
        has_sold = order.request.side is OrderSide.SELL_TO_CLOSE
        if order.filled_quantity and (held[order.request.symbol].quantity < 0) is has_sold:
            notes += refresh(order, None, books) or []
    return notes


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


def book_late_fills(
    symbols: Collection[str], held: Mapping[str, HeldPosition], books: Books
) -> list[str]:
    """Look once more at orders that ended, on those of the contracts of which too few are held."""
    rows = [row for row in books.open_positions() if _symbol(row) in symbols]
    return _look_at_ended(sorted(_missing(rows, held, ())), books)


def _look_at_ended(symbols: Sequence[str], books: Books) -> list[str]:
    """Look once more at orders that ended: what is missing may be what they filled late."""
    if not symbols:
        return []
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
        if _symbol(position) != symbol or not position.managed or contracts <= 0:
            continue
        gone = min(contracts, position.open_quantity)
        contracts -= gone
        notes.append(_close_row(position, gone, books))
    return notes


def _close_row(position: Position, contracts: int, books: Books) -> str:
    books.database.positions.close_elsewhere(position.id, contracts, books.at)
    message = (
        f"{contracts} of {position.id} ({_symbol(position)}) are no longer held: closed outside "
        f"this program, at the price that the broker tells, if any"
    )
    books.alert("WARNING", "CLOSED_ELSEWHERE", position.id, message)
    return message
