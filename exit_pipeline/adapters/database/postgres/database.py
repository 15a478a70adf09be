"""Everything that is kept, as one resource."""

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.audit_trail import PostgresAuditTrail
from exit_pipeline.adapters.database.postgres.closings import PostgresClosings
from exit_pipeline.adapters.database.postgres.context import PostgresContext
from exit_pipeline.adapters.database.postgres.control import PostgresControl
from exit_pipeline.adapters.database.postgres.day import PostgresDay
from exit_pipeline.adapters.database.postgres.decisions import PostgresDecisions
from exit_pipeline.adapters.database.postgres.exit_requests import PostgresExitRequests
from exit_pipeline.adapters.database.postgres.exit_rules import PostgresExitRules
from exit_pipeline.adapters.database.postgres.notifications import PostgresNotifications
from exit_pipeline.adapters.database.postgres.open_interest import PostgresOpenInterest
from exit_pipeline.adapters.database.postgres.operation import PostgresOperation
from exit_pipeline.adapters.database.postgres.orders import PostgresOrders
from exit_pipeline.adapters.database.postgres.positions import PostgresPositions
from exit_pipeline.adapters.database.postgres.replays import PostgresReplays
from exit_pipeline.adapters.database.postgres.runs import PostgresRuns
from exit_pipeline.adapters.database.postgres.shadow_decisions import PostgresShadowDecisions
from exit_pipeline.adapters.database.postgres.signals import PostgresSignals


class PostgresDatabase:
    """The stores over one PostgreSQL database, on which the files of ``sql`` are applied.

    Args:
        engine: From ``make_engine``; shared by all stores and by whoever else uses the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._runs = PostgresRuns(engine)
        self._positions = PostgresPositions(engine)
        self._closings = PostgresClosings(engine)
        self._signals = PostgresSignals(engine)
        self._context = PostgresContext(engine)
        self._open_interest = PostgresOpenInterest(engine)
        self._decisions = PostgresDecisions(engine)
        self._shadow_decisions = PostgresShadowDecisions(engine)
        self._orders = PostgresOrders(engine)
        self._exit_requests = PostgresExitRequests(engine)
        self._exit_rules = PostgresExitRules(engine)
        self._control = PostgresControl(engine)
        self._replays = PostgresReplays(engine)
        self._audit_trail = PostgresAuditTrail(engine)
        self._operation = PostgresOperation(engine)
        self._day = PostgresDay(engine)
        self._notifications = PostgresNotifications(engine)

    def installation_id(self) -> str:
        """What tells this database from every other, so that order ids never meet.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine) as connection:
            found = run(connection, "SELECT CAST(id AS text) FROM exit_pipeline_installation")
            return str(found.scalar_one())

    @property
    def runs(self) -> PostgresRuns:
        """Ticks."""
        return self._runs

    @property
    def positions(self) -> PostgresPositions:
        """Positions."""
        return self._positions

    @property
    def closings(self) -> PostgresClosings:
        """Contracts that left without an order of ours."""
        return self._closings

    @property
    def signals(self) -> PostgresSignals:
        """Market signals and context."""
        return self._signals

    @property
    def context(self) -> PostgresContext:
        """Daily levels, events, and what earlier ticks knew."""
        return self._context

    @property
    def open_interest(self) -> PostgresOpenInterest:
        """Open interest."""
        return self._open_interest

    @property
    def decisions(self) -> PostgresDecisions:
        """Decisions."""
        return self._decisions

    @property
    def shadow_decisions(self) -> PostgresShadowDecisions:
        """What other policies would have decided."""
        return self._shadow_decisions

    @property
    def orders(self) -> PostgresOrders:
        """Orders and fills."""
        return self._orders

    @property
    def exit_requests(self) -> PostgresExitRequests:
        """Positions that a person wants closed."""
        return self._exit_requests

    @property
    def exit_rules(self) -> PostgresExitRules:
        """Thresholds that users keep in a table."""
        return self._exit_rules

    @property
    def control(self) -> PostgresControl:
        """The switch that stops trading."""
        return self._control

    @property
    def replays(self) -> PostgresReplays:
        """Recorded decisions in bulk, and what is kept of replays."""
        return self._replays

    @property
    def audit_trail(self) -> PostgresAuditTrail:
        """The chain of hashes over what was recorded."""
        return self._audit_trail

    @property
    def operation(self) -> PostgresOperation:
        """How the whole stands, for programs that watch it."""
        return self._operation

    @property
    def day(self) -> PostgresDay:
        """One trading day as it is kept."""
        return self._day

    @property
    def notifications(self) -> PostgresNotifications:
        """Which alerts people were told of."""
        return self._notifications

    def dispose(self) -> None:
        """Close the pooled connections; the next use opens new ones."""
        self._engine.dispose()
