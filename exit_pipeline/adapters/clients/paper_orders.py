"""Orders and fills in the paper broker's ledger: statements, and nothing that decides.

Whoever changes an order must hold the lock on its holding; see ``paper_ledger``.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, text

from exit_pipeline.core.model.order import Fill, OrderReport, OrderSide, OrderStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """One row of ``paper.orders``.

    Attributes:
        id: The broker's key.
        client_order_id: The sender's key, unique for ever in its environment and account.
        symbol: Compact OCC symbol.
        side: Closing leg.
        quantity: Contracts ordered.
        limit_price: Dollars per share.
        filled_quantity: Contracts filled so far.
        status: ACCEPTED and PARTIAL_FILL are working, everything else is final.
        reason: Why it was refused; empty otherwise.
        submitted_at: When it arrived.
        day_ends_at: From when on it is no longer good.
    """

    id: str
    client_order_id: str
    symbol: str
    side: OrderSide
    quantity: int
    limit_price: Decimal
    filled_quantity: int = 0
    status: OrderStatus
    reason: str = ""
    submitted_at: datetime
    day_ends_at: datetime

    @property
    def rest(self) -> int:
        """Contracts not filled yet."""
        return self.quantity - self.filled_quantity


class AccountTable:
    """Statements on the rows of one environment and account, inside one transaction.

    Args:
        connection: A connection within a transaction.
        environment: Part of every key, as is the account: nothing reaches across.
        account: The broker's account.
    """

    def __init__(self, connection: Connection, environment: str, account: str) -> None:
        self._connection: Final = connection
        self._key: Final = {"environment": environment, "account": account}

    def _run(self, statement: str, **values: Any) -> CursorResult[Any]:
        return self._connection.execute(text(statement), self._key | values)


class AccountOrders(AccountTable):
    """Orders and fills of one account."""

    def expire(self, symbols: Collection[str], now: datetime) -> None:
        """Expire working orders on symbols whose day is over; they keep their fills."""
        self._run(
            "UPDATE paper.orders SET status = 'EXPIRED'"
            " WHERE environment = :environment AND account = :account"
            " AND symbol = ANY(:symbols) AND status IN ('ACCEPTED', 'PARTIAL_FILL')"
            " AND day_ends_at <= :now",
            symbols=list(symbols),
            now=now,
        )

    def reserved(self, symbol: str) -> int:
        """Contracts of a symbol that working orders may still close."""
        reserved = self._run(
            "SELECT sum(quantity - filled_quantity) FROM paper.orders"
            " WHERE environment = :environment AND account = :account"
            " AND symbol = :symbol AND status IN ('ACCEPTED', 'PARTIAL_FILL')",
            symbol=symbol,
        )
        return int(reserved.scalar_one() or 0)

    def add(self, order: PaperOrder) -> bool:
        """Add an order; False where its ``client_order_id`` was used before, however it ended.

        A concurrent submit of the same id waits here until the first one is decided.
        """
        added = self._run(
            "INSERT INTO paper.orders (id, environment, account, client_order_id, symbol, side,"
            " quantity, limit_price, filled_quantity, status, reason, submitted_at, day_ends_at)"
            " VALUES (CAST(:id AS uuid), :environment, :account, :client_order_id, :symbol, :side,"
            " :quantity, :limit_price, :filled_quantity, :status, :reason, :submitted_at,"
            " :day_ends_at) ON CONFLICT (environment, account, client_order_id) DO NOTHING",
            **asdict(order),
        )
        return added.rowcount == 1

    def find(self, client_order_ids: Collection[str]) -> list[PaperOrder]:
        """Orders by the sender's ids, first come first; an unknown id is left out."""
        return _orders(
            self._run(
                "SELECT * FROM paper.orders"
                " WHERE environment = :environment AND account = :account"
                " AND client_order_id = ANY(:ids) ORDER BY submitted_at, client_order_id",
                ids=list(client_order_ids),
            )
        )

    def working(self) -> list[PaperOrder]:
        """Orders that may still fill, first come first."""
        return _orders(
            self._run(
                "SELECT * FROM paper.orders"
                " WHERE environment = :environment AND account = :account"
                " AND status IN ('ACCEPTED', 'PARTIAL_FILL')"
                " ORDER BY submitted_at, client_order_id"
            )
        )

    def cancel(self, order: PaperOrder) -> PaperOrder:
        """Cancel the rest of a working order and return the order as it is then."""
        self._run(
            "UPDATE paper.orders SET status = 'CANCELLED' WHERE id = CAST(:id AS uuid)", id=order.id
        )
        return replace(order, status=OrderStatus.CANCELLED)

    def size_taken(self, order: PaperOrder, quoted_at: datetime) -> int | None:
        """Contracts that the account has taken from one side of a quote.

        Args:
            order: Of the contract and side in question.
            quoted_at: The quote's own time.

        Returns:
            None where it has traded on a newer quote since: this one has passed.
        """
        row = self._run(
            "SELECT coalesce(sum(fills.quantity), 0) AS taken, max(fills.quoted_at) AS newest"
            " FROM paper.fills JOIN paper.orders ON orders.id = fills.order_id"
            " WHERE environment = :environment AND account = :account"
            " AND symbol = :symbol AND side = :side AND fills.quoted_at >= :quoted_at",
            symbol=order.symbol,
            side=order.side,
            quoted_at=quoted_at,
        ).one()
        return None if row.newest is not None and row.newest > quoted_at else int(row.taken)

    def book_fill(self, order: PaperOrder, fill: Fill, quoted_at: datetime) -> PaperOrder:
        """Book an execution on its order, whose holding must be locked.

        Args:
            order: As it is before.
            fill: What was executed.
            quoted_at: Time of the quote that it was executed on.

        Returns:
            The order as it is then.
        """
        filled = order.filled_quantity + fill.quantity
        status = OrderStatus.FILLED if filled == order.quantity else OrderStatus.PARTIAL_FILL
        self._run(
            "INSERT INTO paper.fills (execution_id, order_id, quantity, cumulative_quantity,"
            " price, commission, fees, quoted_at, executed_at)"
            " VALUES (:execution_id, CAST(:order_id AS uuid), :quantity, :filled,"
            " :price, :commission, :fees, :quoted_at, :executed_at)",
            **asdict(fill),
            order_id=order.id,
            filled=filled,
            quoted_at=quoted_at,
        )
        self._run(
            "UPDATE paper.orders SET filled_quantity = :filled, status = :status"
            " WHERE id = CAST(:id AS uuid)",
            id=order.id,
            filled=filled,
            status=status,
        )
        return replace(order, filled_quantity=filled, status=status)

    def reports(self, orders: Sequence[PaperOrder]) -> list[OrderReport]:
        """What the broker says of orders, each with all of its fills, oldest first."""
        rows = self._run(
            "SELECT order_id, execution_id, quantity, price, commission, fees, executed_at"
            " FROM paper.fills WHERE order_id = ANY(CAST(:ids AS uuid[]))"
            " ORDER BY order_id, cumulative_quantity",
            ids=[order.id for order in orders],
        )
        fills: dict[str, list[Fill]] = {order.id: [] for order in orders}
        for row in rows:
            values = row._asdict() | {"executed_at": row.executed_at.astimezone(UTC)}
            fills[str(values.pop("order_id"))].append(Fill(**values))
        return [
            OrderReport(
                client_order_id=order.client_order_id,
                broker_order_id=order.id,
                symbol=order.symbol,
                side=order.side,
                quantity=order.quantity,
                status=order.status,
                fills=tuple(fills[order.id]),
                submitted_at=order.submitted_at,
                reason=order.reason,
            )
            for order in orders
        ]


def _orders(rows: Iterable[Any]) -> list[PaperOrder]:
    return [
        PaperOrder(
            id=str(row.id),
            client_order_id=row.client_order_id,
            symbol=row.symbol,
            side=OrderSide(row.side),
            quantity=int(row.quantity),
            limit_price=row.limit_price,
            filled_quantity=row.filled_quantity,
            status=OrderStatus(row.status),
            reason=row.reason,
            submitted_at=row.submitted_at.astimezone(UTC),
            day_ends_at=row.day_ends_at.astimezone(UTC),
        )
        for row in rows
    ]
