"""A desk for scenarios: the real job, a real Postgres, the paper broker, a market that is set."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import dagster as dg

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.quote import Quote
from exit_pipeline.core.model.record import NewPosition, StoredDecision
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.ports import Broker
from exit_pipeline.services.import_book import import_book
from exit_pipeline.services.tick import TickReport
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock, new_york

TUESDAY = date(2026, 3, 17)
MORNING = new_york(TUESDAY, 10, 0)
CALL = "ACME260417C00100000"
PUT = "ACME260417P00100000"
FAR_CALL = "ACME260619C00120000"


class Desk:
    """One account ``desk`` at the paper broker, and a market of one underlying, ACME."""

    def __init__(
        self,
        database_url: str,
        calendar: FakeCalendar | None = None,
        clock: FixedClock | None = None,
    ) -> None:
        self.engine = make_engine(database_url)
        self.database = PostgresDatabase(self.engine)
        self.calendar = calendar or FakeCalendar()
        self.market = FakeMarketData()
        self.exchange = self.market
        self.clock = clock or FixedClock(MORNING)
        self.limits = OrderLimits()
        self.broker: Broker = PaperBroker(
            self.engine, self.market, self.clock, "paper", calendar=self.calendar
        )

    def hold(
        self,
        name: str,
        symbol: str = CALL,
        *,
        entry: str = "2.00",
        quantity: int = 1,
        side: str = "LONG",
        **details: Any,
    ) -> None:
        """Take a position in."""
        position = NewPosition(
            id=name,
            symbol=symbol,
            side=side,
            quantity=quantity,
            entry_price=Decimal(entry),
            entry_time=details.pop("entry_time", MORNING - timedelta(days=1)),
            account=details.pop("account", "desk"),
            broker=self.broker.name,
            environment=self.broker.environment,
            **details,
        )
        import_book([position], broker=self.broker, database=self.database)

    def quote(self, symbol: str, bid: str, ask: str, *, size: int | None = None) -> None:
        """Set a quote and the underlying's price, of the present moment."""
        self.market.add_price("ACME", "101.00", self.clock.now())
        self.market.add_quote(_quote(symbol, bid, ask, size, self.clock.now()))

    def stand_apart(self) -> None:
        """From here on orders meet a market of their own, in which nothing trades until it is set.

        What the pipeline sees and what its orders meet are then two things, as they are when the
        market has moved on between a quote and an order.
        """
        self.exchange = FakeMarketData()
        self.broker = PaperBroker(
            self.engine, self.exchange, self.clock, "paper", calendar=self.calendar
        )

    def trade(self, symbol: str, bid: str, ask: str, *, size: int | None = None) -> None:
        """Set what orders meet at the present moment, apart from what the pipeline sees."""
        self.exchange.add_quote(_quote(symbol, bid, ask, size, self.clock.now()))

    def at(self, at: datetime) -> None:
        """Move the clock."""
        self.clock.at = at

    def later(self, minutes: int = 5) -> None:
        """Move the clock to a later tick."""
        self.clock.advance(timedelta(minutes=minutes))

    def tick(self, config: Mapping[str, Any] | None = None) -> TickReport:
        """Run the job once."""
        with dg.DagsterInstance.ephemeral() as on:
            return run_exit_job(config or {}, self.resources, on)

    @property
    def resources(self) -> dict[str, Any]:
        """What the job works with."""
        return {
            "broker": self.broker,
            "calendar": self.calendar,
            "clock": self.clock,
            "database": self.database,
            "market_data": self.market,
            "order_limits": self.limits,
        }

    def position(self, name: str) -> PositionLine:
        """A position as it stands."""
        return next(line for line in self.database.positions.listing() if line.id == name)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

    def rows_changed(self, statement: str) -> None:
        """Change rows as another program of the user would."""
        with self.engine.begin() as connection:
            connection.exec_driver_sql(statement)


def orders(desk: Desk, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of the exit orders, by position, the oldest attempt first."""
    query = f"SELECT {', '.join(columns)} FROM orders ORDER BY refactored_position_id, attempt"
    return [tuple(row.values()) for row in desk.rows(query)]


def alerts(desk: Desk) -> set[tuple[str, str]]:
    """Cause and subject of every alert."""
    rows = desk.rows("SELECT cause, subject FROM alerts")
    return {(row["cause"], row["subject"]) for row in rows}


def decision(report: TickReport, name: str) -> StoredDecision:
    """The decision of one position."""
    return next(one for one in report.decisions if one.position_id == name)


def _quote(symbol: str, bid: str, ask: str, size: int | None, at: datetime) -> Quote:
    return Quote(
        symbol=symbol,
        bid=Decimal(bid),
        ask=Decimal(ask),
        bid_size=size,
        ask_size=size,
        quoted_at=at,
    )
