"""Send one recorded order, or ask for its cancel, and book what the broker says of it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.exit_order import DECISION_GOOD_FOR, SEND_WITHIN, ExitOrder
from exit_pipeline.core.model.order import HeldPosition, OrderReport, OrderRequest, OrderStatus
from exit_pipeline.core.model.record import Alert, RunHandle
from exit_pipeline.ports import Broker, Clock, Database
from exit_pipeline.services.broker_calls import CallLog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDesk:
    """The only place from which a broker is written to.

    Attributes:
        broker: Where orders go.
        database: What is kept.
        clock: Now.
        run_id: The run that sends.
        account: The broker's account that it works.
        fence: Number of its lease.
    """

    broker: Broker
    database: Database
    clock: Clock
    run_id: str
    account: str
    fence: int

    def send(self, order: ExitOrder) -> str:
        """Send an order once, and book the answer; returns why it was not sent, or nothing.

        Whatever goes wrong once it may have left makes it UNKNOWN, never refused: the next look at
        the broker tells. Its row was committed before, and it is marked as being sent under the
        lease's number before the first byte leaves. Where it is sent again, a refusal proves
        nothing: the first one may have arrived, or still be on its way.
        """
        now = self.clock.now()
        is_again = order.status is OrderStatus.UNKNOWN
        if not is_again and now - order.intent_at > DECISION_GOOD_FOR:
            age = (now - order.intent_at).total_seconds()
            reason = f"not sent: its decision is {age:.0f} seconds old by now"
            self.database.orders.give_up(order, self.fence, OrderStatus.ABANDONED, reason)
            return reason
        with self.database.orders.sending(order, self.fence, now) as may_send:
            if not may_send:
                return "not sent: trading was halted, or another run has taken the account over"
            try:
                report = self._submit(order.request, now + SEND_WITHIN)
            except Exception as error:  # whatever went wrong, the order may exist
                return self._lost(order, str(error) or type(error).__name__)
        if is_again and report.status in {OrderStatus.REJECTED, OrderStatus.UNKNOWN}:
            return self._lost(order, f"sent again: {report.reason}")
        self._book(order, report)
        return self._say(order, report)

    def cancel(self, order: ExitOrder) -> ExitOrder | None:
        """Ask for an order's cancel and book what the broker says; the order, once it has ended.

        None as long as the broker has not confirmed an end: nothing else may be sent until then.
        """
        if not self.database.orders.begin_cancel(order.id):
            return None
        request = order.request
        try:
            report = self._calls().call(
                lambda: self.broker.cancel(request.account, request.client_order_id),
                "cancel",
                request.client_order_id,
                describe,
            )
        except Exception as error:  # it stays PENDING_CANCEL, and is asked for again
            log.warning("ExitWorker: cancel of %s: %s", request.client_order_id, error)
            message = f"the cancel of {request.client_order_id} is not confirmed: {error}"
            self.alert("WARNING", "CANCEL_NOT_CONFIRMED", order.position_id, message)
            return None
        self._book(order, report)
        (now,) = self.database.orders.under_ids([request.client_order_id])
        return None if now.status.is_live else now

    def read_back(self, order: ExitOrder) -> None:
        """Look once more at an order that was just sent, and book what has filled.

        That it is not shown is the first of the looks that may prove that it was never placed.
        """
        request = order.request
        try:
            report = self._find(request)
        except Exception as error:  # whatever went wrong, the next tick reads it
            log.warning("ExitWorker: second look at %s: %s", request.client_order_id, error)
            return
        if report is None:
            # Nobody sends it any more: it was this run, which has come back from sending.
            self.database.orders.record_missed(
                order.id, self.fence, self.clock.now(), nobody_sends=True
            )
        elif report.answers(request):
            self._book(order, report)

    def read_positions(self) -> Sequence[HeldPosition]:
        """What the broker says that the account holds.

        Raises:
            UnavailableError: No answer; nothing is known, in particular not that it is flat.
        """
        return self._calls().call(
            lambda: self.broker.positions(self.account),
            "positions",
            describe=lambda found: f"{len(found)} contracts",
        )

    def alert(self, severity: str, cause: str, subject: str, message: str) -> None:
        """Raise an alert for a person."""
        alert = Alert(
            severity=severity, cause=cause, subject=subject, message=message, run_id=self.run_id
        )
        self.database.runs.raise_alerts([alert])

    def _calls(self) -> CallLog:
        return CallLog(
            broker=self.broker,
            runs=self.database.runs,
            run_id=self.run_id,
            account=self.account,
            at=self.clock.now(),
        )

    def _book(self, order: ExitOrder, report: OrderReport) -> None:
        self.database.orders.book(order, report)
        if report.doubt:
            self.alert("WARNING", "ORDER_DOUBTFUL", order.position_id, report.doubt)
        if report.status is OrderStatus.REJECTED:
            self.alert("WARNING", "ORDER_REFUSED", order.position_id, say_refused(order, report))

    def _say(self, order: ExitOrder, report: OrderReport) -> str:
        """Tell a person what is not as it should be with a report."""
        if report.status is OrderStatus.UNKNOWN:
            self.alert("WARNING", "ORDER_UNKNOWN", order.position_id, report.reason)
            return report.reason
        is_refused = report.status is OrderStatus.REJECTED
        return f"refused: {report.reason}" if is_refused else report.doubt

    def _lost(self, order: ExitOrder, why: str) -> str:
        name = order.request.client_order_id
        log.warning("ExitWorker: submit of %s: %s", name, why)
        self.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, why)
        message = f"the broker's answer to {name} is lost: {why}"
        self.alert("WARNING", "ORDER_UNKNOWN", order.position_id, message)
        return message

    def _submit(self, request: OrderRequest, send_by: datetime) -> OrderReport:
        """What the broker has of the order: a refusal may mean that it was placed before."""
        try:
            report = self._calls().call(
                lambda: self.broker.submit(request, send_by),
                "submit",
                request.client_order_id,
                describe,
            )
        except ConfigurationError as error:
            # Keys that are refused place nothing, so the position need not wait for an answer.
            return _refused(request, str(error), self.clock)
        if report.status is not OrderStatus.REJECTED or report.was_never_sent:
            return report
        existing = self._find(request)
        if existing is None and report.is_duplicate:
            # It exists, so that a new one in its place would be a second one.
            message = f"the broker has {request.client_order_id} and does not show it yet"
            raise UnavailableError(message)
        if existing is not None and not existing.answers(request):
            message = f"the broker has another order under {request.client_order_id}"
            raise UnavailableError(message)
        return existing or report

    def _find(self, request: OrderRequest) -> OrderReport | None:
        return self._calls().call(
            lambda: self.broker.find_order(request.account, request.client_order_id),
            "find_order",
            request.client_order_id,
            lambda found: describe(found) if found else "not found",
        )


def desk_of(
    run: RunHandle | None, broker: Broker, database: Database, clock: Clock
) -> OrderDesk | None:
    """The desk of a run's account; None where the run does not hold it."""
    if run is None or run.fence is None:
        return None
    return OrderDesk(
        broker=broker,
        database=database,
        clock=clock,
        run_id=run.run_id,
        account=run.account,
        fence=run.fence,
    )


def say_refused(order: ExitOrder, report: OrderReport) -> str:
    """That a broker refuses an exit, at once or after it had taken it, for a person."""
    return f"{order.exit_reason} is due and its order was refused: {report.reason}"


def describe(report: OrderReport) -> str:
    """A report in the few words that a log needs."""
    return f"{report.status} {report.filled_quantity}/{report.quantity} {report.reason}".strip()


def _refused(request: OrderRequest, reason: str, clock: Clock) -> OrderReport:
    return OrderReport(
        client_order_id=request.client_order_id,
        broker_order_id="",
        symbol=request.symbol,
        side=request.side,
        quantity=request.quantity,
        status=OrderStatus.REJECTED,
        submitted_at=clock.now(),
        reason=reason,
    )
