"""What became of contracts that were closed elsewhere: the broker's own word, as soon as it comes.

The broker is asked first for executions of somebody else's orders, then, where those don't tell of
all that is missing, for settlements, such as the assignment of a short before its expiry. What it
tells makes contracts count as gone (``count_evidence``), and gives those that do their price now or
on one of the next days (``explain``); what it never tells stays without one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from exit_pipeline.core.model.closing import (
    ClosingFill,
    Evidence,
    Unexplained,
    settlement_evidence,
)
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import OrderStatus, Settlement
from exit_pipeline.core.model.position import CloseKind, Position, PositionSide
from exit_pipeline.ports import TellsClosings
from exit_pipeline.services.books import Books

EXPLAINED_WITHIN: Final = timedelta(days=4)
"""How long before and after contracts counted as gone something may tell why: over a long weekend,
after which brokers tell of a Friday's assignment by Tuesday."""

_DAY: Final = timedelta(days=1)
_NEVER_AT_BROKER: Final = frozenset({OrderStatus.PENDING, OrderStatus.DENIED, OrderStatus.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """Evidence with what it may be of.

    Attributes:
        evidence: What is told.
        symbol: Compact OCC symbol.
        closes: The side of the positions that it closed; None where either may be.
        words: How to say it.
    """

    evidence: Evidence
    symbol: str
    closes: PositionSide | None = None
    words: str


def explain(books: Books) -> list[str]:
    """Give what was closed elsewhere lately the price at which the broker says that it was.

    Costs no request where nothing of it is without a price, else one for executions and one for
    settlements.
    """
    rows = _unexplained(books)
    notes = []
    if rows:
        notes += _book(_executions(rows, books), rows, books)
        rows = _unexplained(books)
    if rows:
        notes += _book(_settlements(rows, books), rows, books)
    return notes


def count_evidence(
    missing: Mapping[str, int], positions: Sequence[Position], books: Books
) -> Counter[str]:
    """Contracts of open positions that the broker tells somebody closed, or that ended, by symbol.

    What counts as of a position already is left out. Costs a request for executions, where those
    don't tell of all that is missing one for settlements, and none where nothing is missing.

    Args:
        missing: Contracts that the broker holds too few of, by symbol.
        positions: Open positions of the account.
        books: The account.
    """
    rows = [
        Unexplained(
            position_id=position.id,
            account=books.run.account,
            symbol=position.contract.symbol,
            side=position.side,
            contracts=position.open_quantity,
            held_since=position.held_since,
            gone_by=books.at,
        )
        for position in positions
        if position.contract is not None and position.contract.symbol in missing
    ]
    found = _uncounted(_executions(rows, books), rows, books) if rows else Counter()
    if any(found[symbol] < contracts for symbol, contracts in missing.items()):
        found += _uncounted(_settlements(rows, books), rows, books)
    return found


def _uncounted(told: Iterable[_Told], rows: Sequence[Unexplained], books: Books) -> Counter[str]:
    """Contracts of evidence that may be of some rows, less what counts already, by symbol."""
    fitting = [one for one in told if any(_may_be_of(one, row, books) for row in rows)]
    counted = books.database.closings.counted(
        books.broker.name, books.broker.environment, [one.evidence.evidence_id for one in fitting]
    )
    found: Counter[str] = Counter()
    for one in fitting:
        evidence = one.evidence
        found[one.symbol] += evidence.quantity - counted.get(evidence.evidence_id, 0)
    return found


def ask_settlements(books: Books) -> Sequence[Settlement]:
    """How holdings of the account ended without a trade, as far as the broker tells it.

    Raises:
        UnavailableError: No answer.
    """
    return books.calls.call(
        lambda: books.broker.settlements(books.run.account),
        "settlements",
        describe=lambda found: f"{len(found)} settlements",
    )


def day_of(at: datetime, books: Books) -> date:
    """The date of a moment at the exchange: some settlements carry no more of their time."""
    return at.astimezone(books.calendar.zone).date()


def _unexplained(books: Books) -> list[Unexplained]:
    broker = books.broker
    since = books.at - EXPLAINED_WITHIN
    return books.database.closings.unexplained(
        broker.name, broker.environment, [books.run.account], since
    )


def _book(told: Iterable[_Told], rows: Sequence[Unexplained], books: Books) -> list[str]:
    """Count evidence as of the rows that it is of, the first row first."""
    notes = []
    left = {row.position_id: row for row in rows}
    for one in told:
        for row in list(left.values()):
            if not row.contracts or not _may_be_of(one, row, books):
                continue
            found = books.database.closings.explain(row.position_id, one.evidence)
            if found:
                left[row.position_id] = replace(row, contracts=row.contracts - found)
                notes.append(_say(found, row, one, books))
    return notes


def _may_be_of(told: _Told, row: Unexplained, books: Books) -> bool:
    """Whether it came after the row was entered, and no later than its contracts counted as gone.

    Settlements may be told days later; they are only as old as they must be.
    """
    if told.symbol != row.symbol or told.closes not in {row.side, None}:
        return False
    at, oldest = told.evidence.closed_at, _oldest(row)
    if told.evidence.kind is CloseKind.EXTERNAL:
        return oldest <= at <= row.gone_by
    return day_of(at, books) >= day_of(oldest, books)


def _oldest(row: Unexplained) -> datetime:
    """What tells why contracts are gone is no older than this."""
    return max(row.held_since, row.gone_by - EXPLAINED_WITHIN)


def _say(contracts: int, row: Unexplained, told: _Told, books: Books) -> str:
    evidence = told.evidence
    message = f"{contracts} of {row.position_id} ({row.symbol}) {told.words} at {evidence.price}"
    if evidence.kind in {CloseKind.ASSIGNED, CloseKind.EXERCISED}:
        # Shares came or went, which nothing here watches.
        books.alert("WARNING", "ENDED_EARLY", row.position_id, message)
    return message


def _executions(rows: Sequence[Unexplained], books: Books) -> list[_Told]:
    """Executions of others' orders on the rows' contracts, the newest first.

    What may be a fill of an order of ours is none of them: it is booked as one, at the order.
    """
    broker = books.broker
    if not isinstance(broker, TellsClosings):
        return []
    symbols = sorted({row.symbol for row in rows})
    since = min(_oldest(row) for row in rows)
    answer = books.calls.call(
        lambda: broker.closings(books.run.account, symbols, since),
        "closings",
        describe=lambda found: f"{len(found)} executions",
    )
    ours = _our_orders(symbols, since, books)
    found = [
        _Told(
            evidence=one.evidence,
            symbol=one.symbol,
            closes=one.closes,
            words=f"went by the order {one.broker_order_id} of somebody else",
        )
        for one in answer
        if not _may_be_ours(one, ours)
    ]
    return sorted(found, key=lambda one: one.evidence.closed_at, reverse=True)


def _our_orders(symbols: Sequence[str], since: datetime, books: Books) -> list[ExitOrder]:
    """All orders of ours that an execution since then may belong to: they are good for the day."""
    orders, environment, account = (
        books.database.orders,
        books.broker.environment,
        books.run.account,
    )
    ended = orders.ended_orders(environment, account, symbols, since - _DAY)
    return [*ended, *orders.live_orders(environment, [account])]


def _may_be_ours(one: ClosingFill, ours: Sequence[ExitOrder]) -> bool:
    """Whether an execution is of an order of ours, or may be.

    Where the broker tells our id with it, that decides. Where it tells its own key alone, an order
    of ours whose key was never learned, as its answer was lost, may be the one.
    """
    for order in ours:
        name, key = order.request.client_order_id, order.broker_order_id
        if one.broker_order_id == key or (one.client_order_id == name):
            return True
        is_nameless = key is None and order.status not in _NEVER_AT_BROKER
        if is_nameless and one.client_order_id is None and order.request.symbol == one.symbol:
            return True
    return False


def _settlements(rows: Sequence[Unexplained], books: Books) -> list[_Told]:
    symbols = {row.symbol for row in rows}
    return [
        _Told(
            evidence=settlement_evidence(one),
            symbol=one.symbol,
            words=f"ended {one.kind}",
        )
        for one in sorted(ask_settlements(books), key=lambda one: one.settled_at)
        if one.symbol in symbols
    ]
