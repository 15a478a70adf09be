"""The paper broker's ledger: holdings, deposits and settlements, and the lock that guards them.

Whoever changes a holding, or an order on it, first locks the holding's row with
``AccountBooks.lock``. So two submits never both count on the same contracts, whichever processes
they come from.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from exit_pipeline.adapters.clients.paper_exchange import settlement_id
from exit_pipeline.adapters.clients.paper_orders import AccountOrders, AccountTable
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.order import HeldPosition, Settlement
from exit_pipeline.core.model.position import PositionSide
from exit_pipeline.core.model.record import NewPosition


class AccountHoldings(AccountTable):
    """What one account holds, how it came there and how it ended; quantities are signed."""

    def lock(self, symbols: Collection[str]) -> dict[str, int]:
        """Lock holdings until the transaction ends.

        Returns:
            Contracts by symbol, negative when short; a symbol that is not held is absent.
        """
        # In the order of the symbols, so that two callers never wait for each other.
        rows = self._run(
            "SELECT symbol, quantity FROM paper.positions"
            " WHERE environment = :environment AND account = :account"
            " AND symbol = ANY(:symbols) ORDER BY symbol FOR UPDATE",
            symbols=list(symbols),
        )
        return {row.symbol: row.quantity for row in rows}

    def all(self) -> list[HeldPosition]:
        """Every holding, by symbol."""
        rows = self._run(
            "SELECT account, symbol, quantity, average_price FROM paper.positions"
            " WHERE environment = :environment AND account = :account ORDER BY symbol"
        )
        return [HeldPosition(**row._asdict()) for row in rows]

    def accounts(self) -> list[str]:
        """Every account of the environment that something was ever deposited into."""
        rows = self._run(
            "SELECT DISTINCT account FROM paper.deposits WHERE environment = :environment"
            " ORDER BY account"
        )
        return list(rows.scalars())

    def close(self, symbol: str, quantity: int) -> None:
        """Take contracts out of a locked holding; one that comes to nothing is removed.

        Args:
            symbol: Compact OCC symbol.
            quantity: Signed as the holding is.

        Raises:
            RuntimeError: The holding is smaller, or on the other side.
        """
        removed = self._run(
            "DELETE FROM paper.positions WHERE environment = :environment AND account = :account"
            " AND symbol = :symbol AND quantity = :quantity",
            symbol=symbol,
            quantity=quantity,
        )
        if removed.rowcount == 1:
            return
        reduced = self._run(
            "UPDATE paper.positions SET quantity = quantity - :quantity"
            " WHERE environment = :environment AND account = :account AND symbol = :symbol"
            " AND sign(quantity) = sign(:quantity) AND abs(quantity) > abs(:quantity)",
            symbol=symbol,
            quantity=quantity,
        )
        if reduced.rowcount != 1:
            message = f"the holding of {symbol} does not cover {quantity} contracts"
            raise RuntimeError(message)

    def note_deposit(self, position: NewPosition, now: datetime) -> bool:
        """Note that a position was deposited; False where its id was noted before."""
        noted = self._run(
            "INSERT INTO paper.deposits"
            " (environment, account, deposit_id, symbol, quantity, price, deposited_at)"
            " VALUES (:environment, :account, :id, :symbol, :quantity, :price, :now)"
            " ON CONFLICT (environment, account, deposit_id) DO NOTHING",
            id=position.id,
            symbol=position.symbol,
            quantity=_signed_quantity(position),
            price=position.entry_price,
            now=now,
        )
        return noted.rowcount == 1

    def add(self, position: NewPosition) -> None:
        """Add a position to its holding, averaging the price by quantity.

        Raises:
            InputError: The holding is on the other side.

        Example: 1 contract at 2.00 and 3 at 4.00 are 4 at (1 x 2.00 + 3 x 4.00) / 4 = 3.50.
        """
        added = self._run(
            "INSERT INTO paper.positions AS held"
            " (environment, account, symbol, quantity, average_price)"
            " VALUES (:environment, :account, :symbol, :quantity, :price)"
            " ON CONFLICT (environment, account, symbol) DO UPDATE SET"
            " quantity = held.quantity + excluded.quantity,"
            " average_price = (held.quantity * held.average_price"
            " + excluded.quantity * excluded.average_price) / (held.quantity + excluded.quantity)"
            " WHERE sign(held.quantity) = sign(excluded.quantity)",
            symbol=position.symbol,
            quantity=_signed_quantity(position),
            price=position.entry_price,
        )
        if added.rowcount != 1:
            account = self._key["account"]
            message = (
                f"side {position.side!r} of position {position.id!r} must be the one that account"
                f" {account!r} holds of {position.symbol}, since a real account would net them"
            )
            raise InputError(message)

    def settle(self, settlement: Settlement) -> None:
        """Record how an expired holding ended; a later deposit that ends alike is added to it."""
        self._run(
            "INSERT INTO paper.settlements AS settled"
            " (environment, account, symbol, quantity, kind, price, settled_at)"
            " VALUES (:environment, :account, :symbol, :quantity, :kind, :price, :settled_at)"
            " ON CONFLICT (environment, account, symbol, kind) DO UPDATE"
            " SET quantity = settled.quantity + excluded.quantity",
            **asdict(settlement),
        )

    def settlements(self) -> list[Settlement]:
        """Every settlement so far, the oldest first."""
        rows = self._run(
            "SELECT account, symbol, quantity, kind, price, settled_at FROM paper.settlements"
            " WHERE environment = :environment AND account = :account"
            " ORDER BY settled_at, symbol, kind"
        )
        return [
            Settlement(
                settlement_id=settlement_id(row.account, row.symbol, row.kind),
                **row._asdict() | {"settled_at": row.settled_at.astimezone(UTC)},
            )
            for row in rows
        ]


class AccountBooks:
    """Everything in the ledger of one account of one environment, inside one transaction.

    Args:
        connection: A connection within a transaction; ``transaction`` gives it.
        environment: What one environment does, no other one sees.
        account: The broker's account.

    Attributes:
        holdings: What is held.
        orders: What was ordered.
    """

    def __init__(self, connection: Connection, environment: str, account: str) -> None:
        self.holdings: Final = AccountHoldings(connection, environment, account)
        self.orders: Final = AccountOrders(connection, environment, account)

    def lock(self, symbols: Collection[str], now: datetime) -> dict[str, int]:
        """Lock holdings, and expire the orders on them whose day is over.

        Returns:
            Contracts by symbol, negative when short; a symbol that is not held is absent.
        """
        held = self.holdings.lock(symbols)
        self.orders.expire(symbols, now)
        return held


@contextmanager
def transaction(engine: Engine, environment: str) -> Iterator[Callable[[str], AccountBooks]]:
    """One transaction on the books of an environment: all of it is kept, or none.

    Yields:
        What gives the books of an account.

    Raises:
        UnavailableError: The database did not answer; where that happened on the way out, what was
            done may or may not have been kept.
    """
    try:
        with engine.begin() as connection:
            yield partial(AccountBooks, connection, environment)
    except (OperationalError, InterfaceError, NoFreeConnectionError) as error:
        # Not the driver's words: they name the server, and may name more of its URL.
        message = "the paper broker's database did not answer, so its books are not known"
        raise UnavailableError(message) from error


def _signed_quantity(position: NewPosition) -> int:
    return position.quantity if position.side == PositionSide.LONG else -position.quantity
