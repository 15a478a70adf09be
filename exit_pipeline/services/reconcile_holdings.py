"""What an account holds, as the broker has it now: settlements, and contracts gone by hand."""

from collections.abc import Mapping, Sequence

from exit_pipeline.core.model.order import HeldPosition
from exit_pipeline.core.model.position import Position
from exit_pipeline.services.books import Books
from exit_pipeline.services.holdings import net_books, same_side


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
    """Close what is no longer held, by what the broker says, once two ticks have seen it.

    A broker may show too little for a moment, and positions and orders are read one after the
    other; so the first tick only tells, and no more is sold than is held. Contracts with an order
    of ours under way are left alone: what it has filled is not known yet. What went by hand has no
    price, and so no P&L: none is invented.

    Args:
        held: What the broker holds, by symbol.
        positions: The account's open positions whose contracts still trade.
        books: The account.
        any_working: Orders of ours were at work before the books were brought up to date.
    """
    database, account = books.database, books.run.account
    environment = books.broker.environment
    mine = [position for position in positions if position.managed]
    live = database.orders.live_orders(environment, [account]) if any_working else ()
    busy = {order.request.symbol for order in live}
    missing = {}
    for symbol, (side, contracts) in net_books(mine).items():
        gone = contracts - same_side(held.get(symbol), side)
        if gone > 0 and symbol not in busy:
            missing[symbol] = gone
    confirmed = database.positions.see_gaps(environment, account, missing, books.at)
    notes = []
    for symbol, contracts in sorted(missing.items()):
        there = held.get(symbol)
        message = (
            f"the broker holds {there.quantity if there else 0} of {symbol}, "
            f"{contracts} fewer than the books"
        )
        books.alert("CRITICAL", "HELD_DIFFERS", f"{account} {symbol}", message)
        notes.append(message)
    for symbol, contracts in sorted(confirmed.items()):
        notes += _close_elsewhere(mine, symbol, contracts, books)
    return notes


def _close_elsewhere(
    positions: Sequence[Position], symbol: str, contracts: int, books: Books
) -> list[str]:
    notes = []
    for position in positions:
        if position.contract is None or position.contract.symbol != symbol or contracts <= 0:
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
