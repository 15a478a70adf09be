"""Send the closing orders of a tick, each recorded before it is sent."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.price_orders import OrderPrice, price_order
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    UnavailableError,
)
from exit_pipeline.core.model.order import OrderReport, OrderRequest, OrderSide, OrderStatus
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.model.record import Alert, ExitOrder, OrderIntent, StoredDecision
from exit_pipeline.ports import Broker, Database
from exit_pipeline.services.broker_calls import CallLog
from exit_pipeline.services.clock_skew import SkewGate
from exit_pipeline.services.own_accounts import why_not_ours
from exit_pipeline.services.tick import DecidedTick, ExecutedTick

log = logging.getLogger(__name__)


def client_order_id(
    installation: str, environment: str, account: str, position_id: str, attempt: int
) -> str:
    """The id of a closing order: a pure function of the position and the attempt.

    A retry of the same attempt therefore meets the order that it may have placed. It has at most 48
    characters of ``[a-z0-9-]``, the narrowest limit among the brokers (Alpaca, older limit).

    Example: ``em-paper-5f1c0d2ab34e6f708192-1``.
    """
    name = "\x1f".join((installation, environment, account, position_id))
    return f"em-{environment}-{hashlib.sha256(name.encode()).hexdigest()[:20]}-{attempt}"


def execute_tick(decided: DecidedTick, *, broker: Broker, database: Database) -> ExecutedTick:
    """Send every exit that is due, most urgent first; a dry run sends none.

    One position's fault is its own: what a broker refuses or does not answer leaves the others to
    be sent. An order that can't be priced is deferred with an alert. An account that the broker
    does not say is ours is sent none, and nothing is sent where this machine's clock is far from
    the broker's.
    """
    due = [decision for decision in decided.stored if decision.decision == "EXIT"]
    if decided.tick.request.dry_run:
        notes = {decision.position_id: "dry run: nothing is sent" for decision in due}
        return ExecutedTick(decided=decided, notes=notes)
    due.sort(key=lambda one: (-Urgency[one.urgency or "PATIENT"], one.position_id))
    positions = {position.id: position for position in decided.tick.positions}
    sender = _Sender(
        decided=decided,
        broker=broker,
        database=database,
        positions=positions,
        strangers=why_not_ours(
            _runs(due, positions, broker), broker=broker, database=database, at=decided.tick.at
        ),
        policies={policy.hash: policy for policy in decided.policies},
        attempts=database.orders.attempts([decision.position_id for decision in due]),
        installation=database.installation_id() if due else "",
        skew=SkewGate(decided.tick, broker, database),
    )
    notes = {decision.position_id: sender.send(decision) for decision in due}
    sender.skew.check()  # also where nothing was due, or only the last order's answer told of it
    return ExecutedTick(
        decided=decided, notes={position: note for position, note in notes.items() if note}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sender:
    """Sends one tick's orders, one at a time."""

    decided: DecidedTick
    broker: Broker
    database: Database
    positions: dict[str, Position]
    strangers: dict[str, str]
    policies: dict[str, Policy]
    attempts: dict[str, int]
    installation: str
    skew: SkewGate

    def send(self, decision: StoredDecision) -> str:
        """Record, send and book one order; returns why it was not sent, or nothing."""
        position = self.positions.get(decision.position_id)
        if position is None:
            return "the position is no longer open"
        if reason := self._why_not(decision, position) or self.skew.check():
            return reason
        price = self._price(decision, position)
        if price is None:
            message = f"{decision.exit_reason} is due and the quote gives no price to close at"
            self._alert("ORDER_NOT_PRICED", decision, message)
            return f"deferred: {message}"
        order = self.database.orders.record_intent(
            self._intent(decision, position, price), self.decided.tick.request.run_key
        )
        if order is None:
            return self._not_recorded(decision)
        return self._submit(order, decision)

    def _why_not(self, decision: StoredDecision, position: Position) -> str:
        """Why no exit of a position is sent by this broker; empty where it may be."""
        if (position.broker, position.environment) != (self.broker.name, self.broker.environment):
            return "not sent: it belongs to no broker yet (exit-pipeline positions adopt)"
        if position.account in self.strangers:
            return f"not sent: {self.strangers[position.account]}"
        if not position.managed:
            return "not sent: imported and not managed yet (exit-pipeline positions adopt)"
        if not position.spread_leg:
            return ""
        message = f"not sent: {position.say_spread(self.positions.values())}"
        self._alert("SPREAD_LEG", decision, f"{decision.exit_reason} is {message}")
        return message

    def _not_recorded(self, decision: StoredDecision) -> str:
        message = "not sent: an exit order is already working, or the account is another run's"
        if Urgency[decision.urgency or "PATIENT"] >= Urgency.FAST:
            self._alert("EXIT_BLOCKED", decision, f"{decision.exit_reason} is {message}")
        return message

    def _price(self, decision: StoredDecision, position: Position) -> OrderPrice | None:
        contract = position.contract
        if contract is None or decision.bid is None or decision.ask is None:
            return None
        if decision.quote_grade == QuoteGrade.BAD.name:
            return None
        return price_order(
            _closing_side(position),
            contract.root,
            decision.bid,
            decision.ask,
            Urgency[decision.urgency or "NORMAL"],
            self.policies[decision.policy_hash or ""].prices,
        )

    def _intent(
        self, decision: StoredDecision, position: Position, price: OrderPrice
    ) -> OrderIntent:
        attempt = self.attempts.get(position.id, 0) + 1
        account, environment = position.account or "", self.broker.environment
        return OrderIntent(
            request=OrderRequest(
                client_order_id=client_order_id(
                    self.installation, environment, account, position.id, attempt
                ),
                account=account,
                symbol=decision.option_symbol or "",
                side=_closing_side(position),
                quantity=decision.exit_quantity or 0,
                limit_price=price.limit,
            ),
            position_id=position.id,
            run_id=decision.run_id,
            decision_id=decision.id,
            exit_action=decision.exit_action or "",
            exit_reason=decision.exit_reason or "",
            urgency=decision.urgency or "",
            attempt=attempt,
            broker=self.broker.name,
            environment=environment,
            worst_price=price.worst,
            intent_at=self.decided.tick.at,
        )

    def _submit(self, order: ExitOrder, decision: StoredDecision) -> str:
        calls = CallLog(
            broker=self.broker,
            runs=self.database.runs,
            run_id=decision.run_id,
            account=order.request.account,
            at=self.decided.tick.at,
        )
        if not self.database.orders.begin_sending(order.id, self.decided.tick.request.run_key):
            return "not sent: another run has taken the account over"
        try:
            report = self._send(calls, order)
        except Exception as error:  # whatever went wrong, the order may exist
            # What is outside may fail as it likes; only a fault of ours needs its traceback.
            is_ours = not isinstance(error, ExitPipelineError)
            name = order.request.client_order_id
            log.warning("ExitWorker: submit of %s: %s", name, error, exc_info=is_ours)
            self.database.orders.mark_status(order.id, OrderStatus.UNKNOWN, str(error))
            message = f"the broker's answer to {order.request.client_order_id} is lost: {error}"
            self._alert("ORDER_UNKNOWN", decision, message)
            return message
        self.database.orders.book(order, report)
        if report.status is OrderStatus.UNKNOWN:
            self._alert("ORDER_UNKNOWN", decision, report.reason)
            return report.reason
        if report.doubt:
            self._alert("ORDER_DOUBTFUL", decision, report.doubt)
            return report.doubt
        if report.status is not OrderStatus.REJECTED:
            return ""
        message = f"{decision.exit_reason} is due and its order was refused: {report.reason}"
        self._alert("ORDER_REFUSED", decision, message)
        return f"refused: {report.reason}"

    def _send(self, calls: CallLog, order: ExitOrder) -> OrderReport:
        """What the broker has of the order: a refusal may mean that it was placed before."""
        request = order.request
        try:
            report = calls.call(
                lambda: self.broker.submit(request), "submit", request.client_order_id, _describe
            )
        except ConfigurationError as error:
            # Keys that are refused place nothing, so the position need not wait for an answer.
            return self._refused(request, str(error))
        if report.status is not OrderStatus.REJECTED or report.was_never_sent:
            return report
        existing = calls.call(
            lambda: self.broker.find_order(request.account, request.client_order_id),
            "find_order",
            request.client_order_id,
            lambda found: _describe(found) if found else "not found",
        )
        if existing is not None and not existing.answers(request):
            message = f"the broker has another order under {request.client_order_id}"
            raise UnavailableError(message)
        return existing or report

    def _refused(self, request: OrderRequest, reason: str) -> OrderReport:
        return OrderReport(
            client_order_id=request.client_order_id,
            broker_order_id="",
            symbol=request.symbol,
            side=request.side,
            quantity=request.quantity,
            status=OrderStatus.REJECTED,
            submitted_at=self.decided.tick.at,
            reason=reason,
        )

    def _alert(self, cause: str, decision: StoredDecision, message: str) -> None:
        alert = Alert(
            severity="WARNING",
            cause=cause,
            subject=decision.position_id,
            message=message,
            run_id=decision.run_id,
        )
        self.database.runs.raise_alerts([alert])


def _runs(
    due: Sequence[StoredDecision], positions: Mapping[str, Position], broker: Broker
) -> dict[str, str]:
    """The run of each account that this broker is to be sent something for."""
    held = ((positions.get(decision.position_id), decision) for decision in due)
    return {
        position.account: decision.run_id
        for position, decision in held
        if position is not None and position.account and position.broker == broker.name
    }


def _closing_side(position: Position) -> OrderSide:
    long = position.side is PositionSide.LONG
    return OrderSide.SELL_TO_CLOSE if long else OrderSide.BUY_TO_CLOSE


def _describe(report: OrderReport) -> str:
    return f"{report.status} {report.filled_quantity}/{report.quantity} {report.reason}".strip()
