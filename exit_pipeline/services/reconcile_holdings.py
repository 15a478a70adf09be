"""What an account holds, as the broker has it now: settlements, and contracts gone by hand."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from exit_pipeline.core.model.order import HeldPosition, OrderReport
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.services.books import Books


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


def free_contracts(
    held: Mapping[str, HeldPosition], strangers: Sequence[OrderReport]
) -> dict[str, int]:
    """Contracts by symbol that no order of somebody else's holds, without sign."""
    free = {symbol: abs(one.quantity) for symbol, one in held.items()}
    for report in strangers:
        if report.symbol in free:
            taken = report.quantity - report.filled_quantity
            free[report.symbol] = max(free[report.symbol] - taken, 0)
    return free


def compare_holdings(
    held: Mapping[str, HeldPosition], ended: Sequence[Position], books: Books
) -> list[str]:
    """Close what is no longer held, by what the broker says, once two ticks have seen it.

    A broker may show too little for a moment, and positions and orders are read one after the
    other; so the first tick only tells, and no more is sold than is held. Contracts with an order
    of ours under way are left alone: what it has filled is not known yet. What went by hand has no
    price, and so no P&L: none is invented.
    """
    database, account = books.database, books.run.account
    environment = books.broker.environment
    skipped = {position.id for position in ended}
    mine = [
        position
        for position in database.positions.open_positions(environment, [account])
        if position.broker == books.broker.name and position.id not in skipped
    ]
    busy = {order.request.symbol for order in database.orders.live_orders(environment, [account])}
    missing = _missing(mine, held, busy)
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


def _missing(
    positions: Sequence[Position], held: Mapping[str, HeldPosition], busy: set[str]
) -> dict[str, int]:
    """Contracts that the books have and the broker has not, by symbol."""
    ours: dict[tuple[str, PositionSide], int] = defaultdict(int)
    for position in positions:
        if position.contract is not None and position.contract.symbol not in busy:
            ours[position.contract.symbol, position.side] += position.open_quantity
    missing: dict[str, int] = {}
    for (symbol, side), contracts in ours.items():
        there = held[symbol].quantity if symbol in held else 0
        same_side = max(there if side is PositionSide.LONG else -there, 0)
        if contracts > same_side:
            missing[symbol] = missing.get(symbol, 0) + contracts - same_side
    return missing


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
