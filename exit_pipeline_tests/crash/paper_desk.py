"""The paper broker in crash runs."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

from exit_pipeline_tests.crash.desks import BrokerOrder, take_in
from exit_pipeline_tests.crash.scenarios import Held, Step
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import FixedClock


class PaperDesk:
    """The paper broker, which is in the killed process itself; its books are in the database."""

    name, account = "paper", "desk"

    def __init__(self, connection: Any, database_url: str, clock: FixedClock) -> None:
        self.clock, self._connection, self._url = clock, connection, database_url

    @property
    def environ(self) -> dict[str, str]:
        return {}

    def hold(self, name: str, held: Held) -> None:
        take_in(self, self._url, name, held)

    def trade_at(self, step: Step) -> None:
        """The runner gives the broker its market."""

    def drain(self) -> None:
        """There is no server."""

    def end_the_day(self) -> None:
        """It knows the calendar."""

    def expire_holdings(self) -> None:
        """It settles by the calendar and the underlying's price."""

    def orders(self) -> list[BrokerOrder]:
        found = self._read(
            "SELECT id, client_order_id, symbol, side, quantity, limit_price,"
            " status IN ('ACCEPTED', 'PARTIAL_FILL') FROM paper.orders"
        )
        return [
            BrokerOrder(
                client_order_id=name,
                symbol=symbol,
                side=side,
                quantity=quantity,
                limit=limit,
                is_open=is_open,
                fills=tuple(
                    self._read(f"SELECT quantity, price FROM paper.fills WHERE order_id = '{key}'")
                ),
            )
            for key, name, symbol, side, quantity, limit, is_open in found
        ]

    def holdings(self) -> dict[str, int]:
        return dict(self._read("SELECT symbol, quantity FROM paper.positions"))

    def _read(self, query: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            found: list[Any] = cursor.fetchall()
        return found


@contextmanager
def open_paper(database_url: str) -> Iterator[PaperDesk]:
    """The paper broker, over its books."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        yield PaperDesk(connection, database_url, FixedClock(MORNING))
