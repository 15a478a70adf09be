"""One process of the program, run tick by tick; the only file here that calls the program.

A tick goes through the services as the six ops of the Dagster job do, without Dagster: each step
gets what the one before it gave, and a step that fails gives the accounts back.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import event

from exit_pipeline.adapters.brokers.alpaca import AlpacaBroker
from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.brokers.tradier import TradierBroker
from exit_pipeline.adapters.clients.alpaca import AlpacaTrading
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.clients.tradier import connect
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.errors import ExitPipelineError, InputError, UnavailableError
from exit_pipeline.core.model.order import OrderRequest, OrderStatus
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.ports import Broker, Surroundings
from exit_pipeline.services import ask_to_close as close
from exit_pipeline.services.ask_to_close import Wish
from exit_pipeline.services.close_tick import close_tick
from exit_pipeline.services.context import build_context
from exit_pipeline.services.decide_tick import decide_tick
from exit_pipeline.services.import_book import import_book
from exit_pipeline.services.market import fetch_market
from exit_pipeline.services.open_tick import open_tick
from exit_pipeline.services.submit import execute_tick
from exit_pipeline.services.tick import TickRequest
from exit_pipeline_tests.simulation.network import SimTransport
from exit_pipeline_tests.simulation.paper_wire import PaperWire
from exit_pipeline_tests.simulation.points import Killed, Probed
from exit_pipeline_tests.simulation.sessions import Sessions

STORES: Final = (
    "runs",
    "positions",
    "signals",
    "context",
    "open_interest",
    "decisions",
    "orders",
    "control",
)
CANARIES: Final = ("EXIT_CANARY_9f3b7c", "canary-key-Zq81xVb7", "fake-fake-fake-fake")
"""What must never be seen: parts of the keys that the engines hold."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One run of the job.

    Attributes:
        key: The run's id.
        tick_at: The scheduled time; None for a launch by hand.
        dry_run: Decide and record only.
        position_ids: Only these positions; None means all.
    """

    key: str
    tick_at: datetime | None = None
    dry_run: bool = False
    position_ids: Sequence[str] | None = None


class Engine:
    """A process: a pool of connections, a clock, and from launch to launch new adapters.

    Args:
        world: What it lives in.
        name: For the history.
        is_probed: Whether faults may strike it between its steps.

    Attributes:
        wall: Its machine's clock.
        is_dead: Its process is gone.
    """

    def __init__(self, world: Any, name: str, *, is_probed: bool = True) -> None:
        self.name = name
        self.is_probed = is_probed
        self.is_dead = False
        self.wall = world.wall
        self._world = world
        self._doing = "connection"
        self._pool = make_engine(world.database.url)
        self._sessions = Sessions(
            self._pool,
            world.session_faults,
            lambda point: self.gate(f"{self._doing}:{point}"),
            world.database.end_sessions,
            self._begin,
        )
        self._database = PostgresDatabase(self._pool)

    def gate(self, point: str) -> None:
        """Pass a point, or end here."""
        if self.is_dead:
            raise Killed
        self._doing = point.partition(":")[0]
        self._world.points.reach(self, point)
        if self.is_dead:
            raise Killed

    def note(self, what: str) -> None:
        self._world.history.note(self.name, what)

    def run(self, launch: Launch) -> str:
        """One run; how it ended, in a few words.

        Raises:
            Killed: The process died in it.
        """
        database = Probed(self._database, "database", self.gate, STORES, self._world.mutation)
        try:
            return self._tick(launch, self._broker(), database)
        except Killed:
            raise
        except Exception as error:
            if self.is_dead:
                raise Killed from None
            if not isinstance(error, ExitPipelineError):
                message = f"run {launch.key} ended by {type(error).__name__}: {error}"
                self._world.history.violate("STRANGE", message[:300])
            with suppress(UnavailableError):
                database.runs.fail(launch.key, str(error))
            return f"failed: {error}"

    def die(self) -> None:
        """Lose everything that is in memory; the server rolls back what was open."""
        self.is_dead = True
        self._sessions.end(self._sessions.pids)

    def freeze(self) -> None:
        """Stand still for minutes: the server ends what is open, the rest stays as it is."""
        idle = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s) AND xact_start IS NOT NULL"
        found = self._world.database.rows(idle, self._sessions.pids)
        self._sessions.end([row["pid"] for row in found])

    def close(self) -> None:
        self._pool.dispose()

    def _tick(self, launch: Launch, broker: Broker, database: Any) -> str:
        world = self._world
        request = TickRequest(
            run_key=launch.key,
            dry_run=launch.dry_run,
            tick_at=launch.tick_at,
            position_ids=launch.position_ids,
        )
        calendar = world.plan.calendar
        tick = open_tick(
            request,
            broker=broker,
            database=database,
            market_data=world.feed,
            calendar=calendar,
            clock=self.wall,
        )
        self.gate("open_tick:done")
        seen = fetch_market(tick, market_data=world.feed, database=database, clock=self.wall)
        self.gate("fetch_market:done")
        known = build_context(seen, market_data=world.feed, database=database, calendar=calendar)
        self.gate("build_context:done")
        decided = decide_tick(known, database=database, calendar=calendar)
        self.gate("decide_tick:done")
        executed = execute_tick(
            decided,
            broker=broker,
            database=database,
            clock=self.wall,
            limits=OrderLimits(),
            market_data=world.feed if world.climbs else None,
        )
        self.gate("execute_tick:done")
        report = close_tick(executed, database=database)
        self.gate("close_tick:done")
        ends = ", ".join(run.reason or run.status.value for run in report.runs)
        return f"{ends}; {dict(report.counts)}"

    def _broker(self) -> Broker:
        world = self._world
        name = world.plan.broker
        if name == "paper":
            return paper_broker(world, self._pool, self.wall, self.gate)
        world.venue.limit.begin()
        transport = SimTransport(
            world.http_wire,
            world.venue,
            self.gate,
            world.timeline,
            self.note,
            world.postings.judge,
        )
        environ, monotonic = world.venue.environ, world.timeline.monotonic
        if name == "alpaca":
            api = AlpacaTrading(
                environ, "paper", self.wall, transport=transport, monotonic=monotonic
            )
            return AlpacaBroker(api, "paper", self.wall, world.feed)
        around = Surroundings(
            environ=environ,
            clock=self.wall,
            calendar=world.plan.calendar,
            environment="paper",
            database_url="",
            market_data=world.feed,
        )
        client = connect(around, transport=transport, monotonic=monotonic)
        return TradierBroker(client, world.venue.owner.account, "paper", self.wall)

    def _begin(self) -> None:
        if self.is_dead:
            raise Killed
        self._world.tell_time()


def paper_broker(world: Any, pool: Any, clock: Any, gate: Callable[[str], None]) -> Any:
    """The paper broker behind a wire that loses what is sent over it."""
    broker = PaperBroker(pool, world.true_feed, clock, "paper", calendar=world.plan.calendar)
    return Probed(PaperWire(broker, world.wire, world), "paper", gate)


def ask_to_close(world: Any, position_id: str, expires: timedelta) -> bool:
    """Ask for a position to be closed, as a person does; whether that could be asked for."""
    pool = _pool_of_a_person(world)
    wish = Wish(
        position_ids=[position_id], reason="out of it", requested_by="a person", expires=expires
    )
    try:
        close.ask_to_close(
            wish,
            database=PostgresDatabase(pool),
            calendar=world.plan.calendar,
            clock=world.timeline,
        )
    except InputError:
        return False
    finally:
        pool.dispose()
    return True


def take_in(world: Any, positions: Sequence[NewPosition]) -> None:
    """Import positions as a person does, before the day begins."""
    pool = _pool_of_a_person(world)
    broker = PaperBroker(
        pool, world.true_feed, world.timeline, "paper", calendar=world.plan.calendar
    )
    database = PostgresDatabase(pool)
    is_paper = world.plan.broker == "paper"
    import_book(positions, broker=broker if is_paper else world.venue, database=database)
    pool.dispose()


def place_by_hand(world: Any, request: OrderRequest) -> bool:
    """Place an order at the paper broker as somebody else does; whether it was taken."""
    pool = _pool_of_a_person(world)
    broker = PaperBroker(
        pool, world.true_feed, world.timeline, "paper", calendar=world.plan.calendar
    )
    report = broker.submit(request)
    pool.dispose()
    return report.status is not OrderStatus.REJECTED


def _pool_of_a_person(world: Any) -> Any:
    pool = make_engine(world.database.url)
    event.listen(pool, "begin", lambda _connection: world.tell_time())
    return pool
