"""One account's books while a tick brings them up to date: what is read, and who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.order import HeldPosition, OrderReport, OrderStatus
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert, RunHandle
from exit_pipeline.ports import Broker, Calendar, Clock, Database
from exit_pipeline.services.broker_calls import CallLog
from exit_pipeline.services.send_order import OrderDesk

_MAY_BE_ON_THE_WAY: Final = frozenset({OrderStatus.SUBMITTED, OrderStatus.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the parts of reconciling an account work with.

    Attributes:
        broker: Where its positions are held.
        database: What is kept.
        clock: Now.
        calendar: Tells which contracts have ended.
        run: The run that works the account.
        at: The tick's moment.
    """

    broker: Broker
    database: Database
    clock: Clock
    calendar: Calendar
    run: RunHandle
    at: datetime

    @property
    def calls(self) -> CallLog:
        """Makes the broker calls, each logged."""
        return CallLog(
            broker=self.broker,
            runs=self.database.runs,
            run_id=self.run.run_id,
            account=self.run.account,
            at=self.at,
        )

    @property
    def desk(self) -> OrderDesk:
        """Writes to the broker."""
        return OrderDesk(
            broker=self.broker,
            database=self.database,
            clock=self.clock,
            run_id=self.run.run_id,
            account=self.run.account,
            fence=self.run.fence or 0,
        )

    def open_positions(self) -> list[Position]:
        """The account's open positions at this broker, as they stand now."""
        rows = self.database.positions.open_positions(self.broker.environment, [self.run.account])
        return [position for position in rows if position.broker == self.broker.name]

    def nobody_sends(self, orders: Sequence[ExitOrder]) -> set[str]:
        """Those of the orders, by key, that may be on their way and that no process holds."""
        under_way = (one for one in orders if one.status in _MAY_BE_ON_THE_WAY)
        return {one.id for one in under_way if not self.database.orders.is_being_sent(one)}

    def read_holdings(self) -> Mapping[str, HeldPosition]:
        """What the broker says that the account holds, by symbol.

        Raises:
            UnavailableError: No answer; nothing is known, in particular not that it is flat.
        """
        return {one.symbol: one for one in self.desk.read_positions()}

    def read_working(self) -> list[OrderReport]:
        """The closing orders of the account that may still fill, whoever sent them.

        Raises:
            UnavailableError: No answer; nothing is known, in particular not that there are none.
        """
        answer = self.calls.call(
            lambda: self.broker.working_orders(self.run.account),
            "working_orders",
            describe=lambda found: f"{len(found)} orders",
        )
        return list(answer)

    def alert(self, severity: str, cause: str, subject: str, message: str) -> None:
        """Raise an alert for a person."""
        alert = Alert(
            severity=severity,
            cause=cause,
            subject=subject,
            message=message,
            run_id=self.run.run_id,
        )
        self.database.runs.raise_alerts([alert])
