"""What the brokers of crash runs have in common, as they stand outside the killed process."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.services.import_book import import_book
from exit_pipeline_tests.crash.scenarios import Held, Step
from exit_pipeline_tests.desk import MORNING
from exit_pipeline_tests.fakes import FakeCalendar, FakeMarketData, FixedClock


@dataclass(frozen=True, kw_only=True)
class BrokerOrder:
    """An order as the broker's own books have it.

    Attributes:
        fills: Contracts and price of each.
    """

    client_order_id: str
    symbol: str
    side: str
    quantity: int
    limit: Decimal
    is_open: bool
    fills: tuple[tuple[int, Decimal], ...]

    @property
    def filled(self) -> int:
        return sum(quantity for quantity, _ in self.fills)

    @property
    def at_stake(self) -> int:
        """Contracts that it has closed or may still close."""
        return self.quantity if self.is_open else self.filled


class Desk(Protocol):
    """One broker with one account.

    Besides what is here it has one method for each event that its scenarios name.

    Attributes:
        name: Of its adapter.
        account: The broker's.
        clock: Its time.
    """

    name: str
    account: str
    clock: FixedClock

    @property
    def environ(self) -> dict[str, str]:
        """The environment of a client."""
        ...

    def hold(self, name: str, held: Held) -> None:
        """Put a position into the broker's books and into ours."""
        ...

    def trade_at(self, step: Step) -> None:
        """Move the market that orders fill against."""
        ...

    def drain(self) -> None:
        """Let the server finish what a client that is dead has sent."""
        ...

    def orders(self) -> list[BrokerOrder]:
        """Every order that the broker has."""
        ...

    def holdings(self) -> dict[str, int]:
        """Contracts that the broker holds, by symbol, negative when short."""
        ...


def signed(held: Held) -> int:
    """Contracts, negative when short."""
    return held.quantity if held.side == "LONG" else -held.quantity


def take_in(desk: Desk, database_url: str, name: str, held: Held) -> None:
    """Put a position into our books, and into the paper broker's where it holds them."""
    engine, calendar = make_engine(database_url), FakeCalendar()
    position = NewPosition(
        id=name,
        symbol=held.symbol,
        side=held.side,
        quantity=held.quantity,
        entry_price=Decimal(held.entry),
        entry_time=MORNING - timedelta(days=1),
        account=desk.account,
        broker=desk.name,
        environment="paper",
    )
    database = PostgresDatabase(engine)
    if desk.name == "paper":
        broker = PaperBroker(engine, FakeMarketData(), desk.clock, "paper", calendar=calendar)
        import_book([position], broker=broker, database=database)
    else:
        database.positions.import_positions([position])
    engine.dispose()
