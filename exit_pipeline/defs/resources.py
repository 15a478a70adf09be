"""Resources: typed shells that build the adapters, where the run starts and not before.

No resource holds a secret: adapters take theirs from the environment, since everything that a
resource is configured with can be read over Dagster's GraphQL.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from pydantic import Field

from exit_pipeline.adapters.clocks.fixed import FixedClock
from exit_pipeline.adapters.clocks.system import SystemClock
from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.errors import ConfigurationError, InputError
from exit_pipeline.ports import (
    Broker,
    Calendar,
    CanClose,
    Clock,
    Database,
    MarketData,
    Surroundings,
    Tape,
)
from exit_pipeline.redaction import install
from exit_pipeline.services.arming import LiveKeys, account_setting, start_live
from exit_pipeline.services.tape_recorder import TapeRecorder
from exit_pipeline.services.tick import parse_instant
from exit_pipeline.settings import Settings

A = TypeVar("A")


class ClockResource(dg.ConfigurableResource[Clock]):
    """The run's only source of time."""

    at: str = Field(default="", description="ISO 8601 moment to stand at; empty runs with time.")

    def create_resource(self, context: dg.InitResourceContext) -> Clock:
        """The system's clock, or one that stands where the launch's ``as_of`` puts it."""
        asked = context.run.run_config.get("as_of") if context.run else None
        at = str(asked or self.at)
        try:
            return FixedClock(parse_instant("as_of", at)) if at else SystemClock()
        except InputError:
            # The first op says so in one sentence, and stops; an error here would be a traceback.
            return SystemClock()


class CalendarResource(dg.ConfigurableResource[Calendar]):
    """The exchange's sessions."""

    exchange: str = Field(default="XNYS", description="Market identifier code (ISO 10383).")

    def create_resource(self, context: dg.InitResourceContext) -> Calendar:  # noqa: ARG002
        """The calendar of the exchange."""
        return make_calendar(self.exchange)


class DatabaseResource(dg.ConfigurableResource[Database]):
    """What is kept: the server that ``DATABASE_URL`` names, or else the embedded one."""

    def create_resource(self, context: dg.InitResourceContext) -> Database:  # noqa: ARG002
        """A database whose schema is up to date.

        Raises:
            ConfigurationError: Migrations are pending.
        """
        return open_database(Settings.from_env())


class MarketDataResource(dg.ConfigurableResource[MarketData]):
    """Where quotes come from (``EXIT_MARKET_DATA``)."""

    source: str = Field(
        description="Module of the package adapters/market_data, or modules by need, such as "
        "quotes:tradier|alpaca,indices:cboe."
    )
    tape_dir: str = Field(default="", description="Folder of tapes, for the recorded source.")
    environment: str = Field(description="paper, live, tape or simulated.")
    clock: dg.ResourceDependency[Clock]
    calendar: dg.ResourceDependency[Calendar]

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[MarketData]:
        """The source, whose connections are closed and whose tape is finished after the run."""
        source = self.create_resource(context)
        try:
            yield source
        finally:
            if isinstance(source, CanClose):
                source.close()

    def create_resource(self, context: dg.InitResourceContext) -> MarketData:  # noqa: ARG002
        """The source of that name, or those by need; a live one keeps a tape where one is set."""
        environ = dict(os.environ) | {"EXIT_MARKET_DATA": self.source}
        if self.tape_dir:
            environ["EXIT_TAPE_DIR"] = self.tape_dir
        around = Surroundings(
            environ=environ,
            clock=self.clock,
            calendar=self.calendar,
            environment=self.environment,
            database_url="",
        )

        def part(name: str) -> MarketData:
            return find_adapter("market_data", name, "EXIT_MARKET_DATA", MarketData)(around)

        if ":" not in self.source:
            return _with_tape(part(self.source))
        whole = replace(around, market_source=part)
        return _with_tape(find_adapter("market_data", "composite", "", MarketData)(whole))


class OrderLimitsResource(dg.ConfigurableResource[OrderLimits]):
    """How much may be sent, whatever was decided; see the README, "Environment"."""

    contracts_per_order: int = Field(description="Contracts in one order.")
    orders_per_position: int = Field(
        description="Exits of one position in a day, repriced ones not counted."
    )
    orders_per_tick: int = Field(description="New orders of one account in one tick.")
    notional_per_tick: int = Field(description="What they are worth together, dollars.")

    def create_resource(self, context: dg.InitResourceContext) -> OrderLimits:  # noqa: ARG002
        """The limits."""
        return OrderLimits(
            contracts_per_order=self.contracts_per_order,
            orders_per_position=self.orders_per_position,
            orders_per_tick=self.orders_per_tick,
            notional_per_tick=Decimal(self.notional_per_tick),
        )


class BrokerResource(dg.ConfigurableResource[Broker]):
    """Where positions are held and closed (``EXIT_BROKER``, ``EXIT_BROKER_ENV``)."""

    broker: str = Field(description="Module of the package adapters/brokers.")
    environment: str = Field(description="paper, live, tape or simulated.")
    clock: dg.ResourceDependency[Clock]
    calendar: dg.ResourceDependency[Calendar]
    market_data: dg.ResourceDependency[MarketData]

    def create_resource(self, context: dg.InitResourceContext) -> Broker:  # noqa: ARG002
        """The broker of that name; for live money only with both of its keys.

        Raises:
            ConfigurationError: It may not be used here, as the sentence says.
            UnavailableError: A live broker does not answer.
        """
        refuse_unreal_data(self.broker, self.market_data)
        build = find_adapter("brokers", self.broker, "EXIT_BROKER", Broker)
        if self.environment != "live":
            return build(self._around())
        refuse_plain_text(Settings.from_env())
        account = os.environ.get(account_setting(self.broker), "").strip()
        keys = LiveKeys(broker=self.broker, account=account, arm=Settings.from_env().live_arm)
        # The system's clock: the run's own may stand where a launch puts it, before an arm's end.
        return start_live(keys, lambda: build(self._around()), SystemClock().now())

    def _around(self) -> Surroundings:
        return Surroundings(
            environ=dict(os.environ),
            clock=self.clock,
            calendar=self.calendar,
            environment=self.environment,
            database_url=database_url(Settings.from_env()),
            market_data=self.market_data,
        )


def _with_tape(source: MarketData) -> MarketData:
    """A live source keeps what ticks see of it, where ``EXIT_TAPE_OUT`` says so."""
    location = Settings.from_env().tape_out
    if not (location and source.is_live):
        return source
    from exit_pipeline.adapters.clients.tape_writer import FolderTapeWriter

    return TapeRecorder(source, FolderTapeWriter(location))


def refuse_unreal_data(broker: str, market_data: MarketData) -> None:
    """Any broker but paper trades on the real market of now, in any environment.

    Raises:
        ConfigurationError: It is given simulated or recorded market data.
    """
    if broker != "paper" and not market_data.is_live:
        message = (
            f"EXIT_BROKER is {broker!r} and EXIT_MARKET_DATA is {market_data.source!r}; only the "
            f"paper broker may trade on market data that is not of now"
        )
        raise ConfigurationError(message)


def refuse_plain_text(settings: Settings) -> None:
    """Live money is not decided over a database that anybody in between could read and change.

    Raises:
        ConfigurationError: A URL goes through the internet with a mode that allows plain text.
    """
    from exit_pipeline.adapters.clients.postgres_tls import tls_of

    urls = {
        "DATABASE_URL": settings.database_url,
        "DAGSTER_POSTGRES_URL": settings.dagster_postgres_url,
    }
    for name, url in urls.items():
        if url and (tls := tls_of(url, os.environ)).must_not_be:
            message = f"EXIT_BROKER_ENV is 'live' and {name} {tls.say()}"
            raise ConfigurationError(message)


def make_calendar(exchange: str = "XNYS") -> Calendar:
    """The calendar of an exchange."""
    from exit_pipeline.adapters.calendars.exchange import ExchangeCalendar

    return ExchangeCalendar(exchange)


def make_clock() -> Clock:
    """The computer's clock, for commands that need nothing else of a run."""
    from exit_pipeline.adapters.clocks.system import SystemClock

    return SystemClock()


def open_tape(folder: Path) -> Tape:
    """A tape of past days.

    Raises:
        ConfigurationError: There is no such folder.
    """
    from exit_pipeline.adapters.market_data.recorded import RecordedMarketData

    return RecordedMarketData(folder)


def database_url(settings: Settings, database: str = "exit_pipeline") -> str:
    """The plain ``postgresql://`` URL of the project's database; starts the embedded server."""
    from exit_pipeline.adapters.clients.embedded_postgres import start

    return settings.database_url or start(settings.home).url(database)


def ensure_schema(url: str, schema: str) -> None:
    """Create a schema in a database if it has none of that name.

    Raises:
        ConfigurationError: The URL is malformed.
        UnavailableError: The server does not answer.
    """
    from sqlalchemy.schema import CreateSchema

    from exit_pipeline.adapters.clients.postgres_engine import run, shared_engine, transaction

    with transaction(shared_engine(url)) as connection:
        # Asked first: even to make one that is there takes a right that the program doesn't need.
        found = run(connection, "SELECT to_regnamespace(:schema) IS NOT NULL", schema=schema)
        if not found.scalar_one():
            connection.execute(CreateSchema(schema, if_not_exists=True))


def open_database(settings: Settings) -> Database:
    """The project's database; the embedded one is brought up to date, another must be.

    Raises:
        ConfigurationError: Migrations are pending.
    """
    return _database(database_url(settings), settings.database_url is None)


def keep_secrets_out() -> None:
    """Keep the secrets of the environment out of logs, errors and whatever is written.

    Every process of Dagster's comes by here: each of them opens the instance's storage.
    """
    from exit_pipeline.adapters.clients.masked_writes import mask_writes

    install()
    mask_writes()


def newest_migration() -> str:
    """The name of the newest migration of this program."""
    from exit_pipeline.adapters.clients.migrations import newest

    return newest()


@cache
def _database(url: str, is_embedded: bool) -> Database:  # noqa: FBT001 part of the cache's key
    # Once per process: a day's ticks would otherwise look for migrations before each.
    from exit_pipeline.adapters.clients.migrations import migrate, pending
    from exit_pipeline.adapters.clients.postgres_engine import shared_engine
    from exit_pipeline.adapters.database.postgres.database import PostgresDatabase

    if is_embedded:
        migrate(url)
    elif missing := pending(url):
        message = f"the database lacks {', '.join(missing)}; run: exit-pipeline migrate"
        raise ConfigurationError(message)
    return PostgresDatabase(shared_engine(url))


def find_adapter(
    kind: str, name: str, setting: str, port: Callable[..., A] | type[A]
) -> Callable[[Surroundings], A]:
    """The ``build`` function of the adapter module `name`, found by listing its package."""
    package = importlib.import_module(f"exit_pipeline.adapters.{kind}")
    known = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    if name not in known:
        message = f"{setting} is {name!r}; expected one of {', '.join(known)}"
        raise ConfigurationError(message)
    module: Any = importlib.import_module(f"{package.__name__}.{name}")

    def build(around: Surroundings) -> A:
        adapter: A = module.build(around)
        if not isinstance(adapter, port):  # type: ignore[arg-type]
            message = f"adapter {kind}/{name} lacks methods of its port"
            raise TypeError(message)
        return adapter

    return build


def environment_of(settings: Settings, environment: str | None = None) -> str:
    """Where positions live; with recorded data always ``tape``, else the broker's unless named."""
    if settings.market_data == "recorded":
        return "tape"
    return environment or settings.broker_env


def resources(
    settings: Settings,
    *,
    at: str = "",
    tape_dir: Path | None = None,
    environment: str | None = None,
) -> dict[str, Any]:
    """The resources of a code location or of one command.

    Args:
        settings: From the environment.
        at: Moment that the clock stands at; empty runs with time.
        tape_dir: Read this tape instead of the configured source.
        environment: Where positions live; by default the broker's environment. Whenever recorded
            data is read it is ``tape``, so that no tape run touches a live tick's positions.
    """
    source = "recorded" if tape_dir else settings.market_data
    where = "tape" if tape_dir else environment_of(settings, environment)
    clock, calendar = ClockResource(at=at), CalendarResource()
    market_data = MarketDataResource(
        source=source,
        tape_dir=str(tape_dir or settings.tape_dir or ""),
        environment=where,
        clock=clock,
        calendar=calendar,
    )
    broker = BrokerResource(
        broker=settings.broker,
        environment=where,
        clock=clock,
        calendar=calendar,
        market_data=market_data,
    )
    return {
        "broker": broker,
        "calendar": calendar,
        "clock": clock,
        "database": DatabaseResource(),
        # Values pass between ops in memory and nowhere else, so that no old decision can be loaded
        # and executed later; Dagster then refuses to re-execute a run from its failure.
        "io_manager": dg.mem_io_manager,
        "market_data": market_data,
        "order_limits": OrderLimitsResource(
            contracts_per_order=settings.max_contracts_per_order,
            orders_per_position=settings.max_orders_per_position,
            orders_per_tick=settings.max_orders_per_tick,
            notional_per_tick=settings.max_notional_per_tick,
        ),
    }
