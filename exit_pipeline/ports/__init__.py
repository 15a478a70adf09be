"""What the use cases need of the outside: one Protocol per kind of adapter.

Ports name no vendor and no framework. Each adapter kind has a contract test that runs over every
adapter of that kind and over its fakes.
"""

from exit_pipeline.ports.audit_trail import AuditTrailStore
from exit_pipeline.ports.broker import (
    Broker,
    TakesDeposits,
    TellsClosings,
    TellsEntries,
    TellsSkew,
    TellsTime,
)
from exit_pipeline.ports.context import ContextStore
from exit_pipeline.ports.database import Database
from exit_pipeline.ports.day import DayStore
from exit_pipeline.ports.exit_rules import ExitRulesStore
from exit_pipeline.ports.market_data import (
    IsDelayed,
    KeepsTape,
    MarketData,
    Tape,
    TapeWriter,
    TellsChains,
    TellsOpenInterest,
)
from exit_pipeline.ports.notifications import NotificationStore
from exit_pipeline.ports.notifier import NoticeRefusedError, Notifier
from exit_pipeline.ports.operation import OperationStore
from exit_pipeline.ports.orders import DecisionStore, OrderStore
from exit_pipeline.ports.positions import ClosingStore, ExitRequestStore, PositionStore
from exit_pipeline.ports.replay import ReplayStore, ReplayWriter
from exit_pipeline.ports.runs import ControlStore, RunStore
from exit_pipeline.ports.shadow import ShadowStore
from exit_pipeline.ports.signals import OpenInterestStore, SignalStore
from exit_pipeline.ports.surroundings import CanClose, Surroundings
from exit_pipeline.ports.time import Calendar, Clock, Waiter

__all__ = [
    "AuditTrailStore",
    "Broker",
    "Calendar",
    "CanClose",
    "Clock",
    "ClosingStore",
    "ContextStore",
    "ControlStore",
    "Database",
    "DayStore",
    "DecisionStore",
    "ExitRequestStore",
    "ExitRulesStore",
    "IsDelayed",
    "KeepsTape",
    "MarketData",
    "NoticeRefusedError",
    "NotificationStore",
    "Notifier",
    "OpenInterestStore",
    "OperationStore",
    "OrderStore",
    "PositionStore",
    "ReplayStore",
    "ReplayWriter",
    "RunStore",
    "ShadowStore",
    "SignalStore",
    "Surroundings",
    "TakesDeposits",
    "Tape",
    "TapeWriter",
    "TellsChains",
    "TellsClosings",
    "TellsEntries",
    "TellsOpenInterest",
    "TellsSkew",
    "TellsTime",
    "Waiter",
]
