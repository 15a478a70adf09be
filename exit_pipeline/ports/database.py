"""Everything that is kept."""

from typing import Protocol, runtime_checkable

from exit_pipeline.ports.audit_trail import AuditTrailStore
from exit_pipeline.ports.context import ContextStore
from exit_pipeline.ports.day import DayStore
from exit_pipeline.ports.exit_rules import ExitRulesStore
from exit_pipeline.ports.notifications import NotificationStore
from exit_pipeline.ports.operation import OperationStore
from exit_pipeline.ports.orders import DecisionStore, OrderStore
from exit_pipeline.ports.positions import ClosingStore, ExitRequestStore, PositionStore
from exit_pipeline.ports.replay import ReplayStore
from exit_pipeline.ports.runs import ControlStore, RunStore
from exit_pipeline.ports.shadow import ShadowStore
from exit_pipeline.ports.signals import OpenInterestStore, SignalStore


@runtime_checkable
class Database(Protocol):
    """Everything that is kept."""

    def installation_id(self) -> str:
        """What tells this database from every other, so that order ids never meet."""
        ...

    @property
    def runs(self) -> RunStore:
        """Ticks."""
        ...

    @property
    def positions(self) -> PositionStore:
        """Positions."""
        ...

    @property
    def closings(self) -> ClosingStore:
        """Contracts that left without an order of ours."""
        ...

    @property
    def signals(self) -> SignalStore:
        """Market signals and context."""
        ...

    @property
    def context(self) -> ContextStore:
        """Daily levels, events, and what earlier ticks knew."""
        ...

    @property
    def open_interest(self) -> OpenInterestStore:
        """Open interest."""
        ...

    @property
    def decisions(self) -> DecisionStore:
        """Decisions."""
        ...

    @property
    def shadow_decisions(self) -> ShadowStore:
        """What other policies would have decided."""
        ...

    @property
    def orders(self) -> OrderStore:
        """Orders and fills."""
        ...

    @property
    def exit_requests(self) -> ExitRequestStore:
        """Positions that a person wants closed."""
        ...

    @property
    def exit_rules(self) -> ExitRulesStore:
        """Thresholds that users keep in a table."""
        ...

    @property
    def control(self) -> ControlStore:
        """The switch that stops trading."""
        ...

    @property
    def replays(self) -> ReplayStore:
        """Recorded decisions in bulk, and what is kept of replays."""
        ...

    @property
    def audit_trail(self) -> AuditTrailStore:
        """The chain of hashes over what was recorded."""
        ...

    @property
    def operation(self) -> OperationStore:
        """How the whole stands, for programs that watch it."""
        ...

    @property
    def day(self) -> DayStore:
        """One trading day as it is kept."""
        ...

    @property
    def notifications(self) -> NotificationStore:
        """Which alerts people were told of."""
        ...
