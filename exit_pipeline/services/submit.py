"""Execute a tick's decisions: new exits are recorded and sent, working ones are managed."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from exit_pipeline.core.engine.check_orders import Moment, OrderLimits, check_order
from exit_pipeline.core.engine.work_orders import Handling, handle_working, has_waited_long
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.core.model.exit_order import Denial, ExitOrder
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.record import Alert, RunHandle, StoredDecision
from exit_pipeline.ports import Broker, Clock, Database, MarketData, Waiter
from exit_pipeline.services.attempts import Attempt, AttemptPlanner
from exit_pipeline.services.clock_skew import SkewGate
from exit_pipeline.services.further_looks import FurtherLooks
from exit_pipeline.services.holdings import read_again
from exit_pipeline.services.send_order import OrderDesk, desk_of
from exit_pipeline.services.stock import Stock
from exit_pipeline.services.tick import DecidedTick, ExecutedTick

DELAYED_TICKS: Final = 3
"""Ticks in a row at which an exit was due, from which on a person is told that it waits."""


def execute_tick(
    decided: DecidedTick,
    *,
    broker: Broker,
    database: Database,
    clock: Clock,
    limits: OrderLimits,
    market_data: MarketData | None = None,
) -> ExecutedTick:
    """Send every exit that is due and manage those that work, most urgent first.

    One position's fault is its own: what a broker refuses or does not answer leaves the others to
    be sent. An order that can't be priced is deferred with an alert. A dry run sends none. Where a
    policy gives it time, working orders are looked at again inside the tick, and each look does
    what the first one does.

    Args:
        decided: The tick.
        broker: Where orders go.
        database: What is kept.
        clock: Now; time for further looks passes only by a ``Waiter``.
        limits: How much may be sent.
        market_data: Where further looks get their quotes; None takes none.
    """
    tick = decided.tick
    due = [decision for decision in decided.stored if decision.decision == "EXIT"]
    if tick.request.dry_run:
        notes = {decision.position_id: "dry run: nothing is sent" for decision in due}
        return ExecutedTick(decided=decided, notes=notes)
    notes = _look(decided, broker, database, clock, limits)
    if market_data is not None and isinstance(clock, Waiter):
        looks = FurtherLooks(decided, broker, database, clock, market_data)
        for again in looks.each(timedelta(seconds=limits.decision_seconds)):
            notes |= _look(again, broker, database, clock, limits)
        notes |= looks.notes
    return ExecutedTick(decided=decided, notes={name: note for name, note in notes.items() if note})


def _look(
    decided: DecidedTick, broker: Broker, database: Database, clock: Clock, limits: OrderLimits
) -> dict[str, str]:
    """Do what decisions ask for; why nothing was sent, by position, or nothing."""
    tick, working = decided.tick, _working(decided, broker, database)
    wanted = [one for one in decided.stored if one.decision == "EXIT" or one.position_id in working]
    if not wanted:
        return {}
    wanted.sort(key=lambda one: (-Urgency[one.urgency or "PATIENT"], one.position_id))
    last = database.orders.last_attempts([decision.position_id for decision in wanted])
    executor = _Executor(
        decided=decided,
        broker=broker,
        database=database,
        clock=clock,
        limits=limits,
        planner=AttemptPlanner(
            decided=decided,
            broker=broker.name,
            environment=broker.environment,
            installation=database.installation_id(),
            last=last,
        ),
        working=working,
        positions={position.id: position for position in tick.positions},
        runs={run.run_id: run for run in tick.runs},
        stock=Stock(tick.held, working.values()),
        skew=SkewGate(tick, broker, database),
    )
    notes = {decision.position_id: executor.work(decision) for decision in wanted}
    executor.read_back()
    return notes


def _working(decided: DecidedTick, broker: Broker, database: Database) -> dict[str, ExitOrder]:
    """Exit orders that may still fill, by position."""
    accounts = [run.account for run in decided.tick.runs if run.fence is not None]
    orders = database.orders.live_orders(broker.environment, accounts)
    return {order.position_id: order for order in orders if order.broker == broker.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Executor:
    """Executes one tick's decisions, one at a time."""

    decided: DecidedTick
    broker: Broker
    database: Database
    clock: Clock
    limits: OrderLimits
    planner: AttemptPlanner
    working: dict[str, ExitOrder]
    positions: dict[str, Position]
    runs: dict[str, RunHandle]
    stock: Stock
    skew: SkewGate
    sent: list[tuple[OrderDesk, ExitOrder]] = field(default_factory=list)

    def work(self, decision: StoredDecision) -> str:
        """Do what one decision asks for; returns why nothing was sent, or nothing.

        A row that somebody holds locked is one position's fault; no database at all ends the tick.
        """
        try:
            return self._work(decision)
        except UnavailableError as error:
            self._tell("CRITICAL", "EXIT_BLOCKED", decision, f"can't be worked: {error}")
            return f"not worked: {error}"

    def _work(self, decision: StoredDecision) -> str:
        position = self.positions.get(decision.position_id)
        if position is None:
            return "the position is no longer open"
        if why := self._why_not(decision, position):
            return f"not sent: {why}"
        desk = self._desk(decision)
        if desk is None:
            return "not sent: this run does not hold the account"
        attempt = self.planner.plan(decision, position)
        order = self.working.get(position.id)
        if order is not None:
            return self._manage(order, attempt, desk)
        return self._exit(attempt, desk, decision.exit_quantity or 0, replaces=False)

    def read_back(self) -> None:
        """Look once more at what was sent and may still fill, so that fills are booked at once."""
        desks = {order.request.client_order_id: desk for desk, order in self.sent}
        for order in self.database.orders.under_ids(list(desks)) if desks else ():
            if order.status.is_live:
                desks[order.request.client_order_id].read_back(order)

    def _manage(self, order: ExitOrder, attempt: Attempt, desk: OrderDesk) -> str:
        """Keep, reprice, pre-empt or send again an order that is still working."""
        due = attempt.due(self.decided)
        handling = handle_working(order, due, may_send_again=self._may_send_again(order))
        if handling is Handling.SEND_AGAIN:
            return desk.send(order) or ("the order before it was sent again" if due else "")
        if handling is Handling.KEEP:
            if due is None:
                return ""
            if has_waited_long(order, due.at):
                _escalate(attempt, f"has worked since {order.intent_at:%H:%M} UTC", desk)
            return "an exit order of it is working"
        ended = desk.cancel(order)
        if ended is None:
            # Asked for by an earlier tick: what a broker confirms late it does within seconds.
            is_late = handling is Handling.FINISH_CANCEL and self.decided.frozen is None
            if is_late and due is not None and has_waited_long(order, due.at):
                what = f"waits: the order of {order.intent_at:%H:%M} UTC is not seen cancelled"
                _escalate(attempt, what, desk)
            return "waiting for the broker to confirm the cancel of the order before"
        # What it holds is read anew, since a fill may show there before it shows as a fill.
        self.stock.end(order)
        held = read_again(desk, self.decided.tick.held.get(desk.account, {}))
        if held is None:
            return "waiting for the broker to say what is held after the cancel"
        self.stock.renew(desk.account, held)
        left = (due.quantity if due else 0) - (ended.filled_quantity - order.filled_quantity)
        nothing_left = "what was due has filled under the order before" if due else ""
        return self._exit(attempt, desk, left, replaces=True) if left > 0 else nothing_left

    def _exit(self, attempt: Attempt, desk: OrderDesk, quantity: int, *, replaces: bool) -> str:
        """Record and send a new attempt."""
        reason, position = attempt.decision.exit_reason, attempt.position
        if attempt.waits:
            return self._delay(attempt, desk)
        if attempt.price is None:
            message = f"{reason} is due and the quote gives no price to close at"
            desk.alert("WARNING", "ORDER_NOT_PRICED", position.id, message)
            return f"deferred: {message}"
        if attempt.step >= attempt.tries:
            _escalate(attempt, f"has not filled in {attempt.step} repriced attempts", desk)
        within, why = self._within_what_is_held(attempt, quantity)
        if within <= 0:
            desk.alert("CRITICAL", "EXIT_BLOCKED", position.id, f"{reason} is due, but {why}")
            return f"not sent: {why}"
        intent = self.planner.intent(attempt, attempt.price, within, desk.fence, replaces=replaces)
        moment = partial(
            Moment,
            session=self.decided.tick.session,
            worst_price=attempt.price.worst,
            far_side=attempt.far_side or Decimal(0),
        )
        # The time is taken at the gate itself: a process may freeze on the way to it.
        answer = self.database.orders.record_intent(
            intent,
            lambda facts: check_order(intent, facts, self.limits, moment(at=self.clock.now())),
        )
        if answer.denial is not None:
            return _denied(answer.denial, desk, position)
        if answer.order is None:
            return "not sent: the decision was executed before, or the account is another run's"
        self.stock.take(answer.order)
        self.sent.append((desk, answer.order))
        return desk.send(answer.order)

    def _desk(self, decision: StoredDecision) -> OrderDesk | None:
        return desk_of(self.runs.get(decision.run_id), self.broker, self.database, self.clock)

    def _delay(self, attempt: Attempt, desk: OrderDesk) -> str:
        """Wait for a narrower spread; after some ticks a person is told, once."""
        message = f"{attempt.decision.exit_reason} is due, but {attempt.waits}"
        session, reason = self.decided.tick.session, attempt.decision.exit_reason or ""
        since = session.opens_at if session else self.decided.tick.at
        ticks = self.database.decisions.due_in_a_row(attempt.position.id, reason, since)
        if ticks >= DELAYED_TICKS:
            desk.alert("WARNING", "EXIT_DELAYED", attempt.position.id, message)
        return f"delayed: {attempt.waits}"

    def _may_send_again(self, order: ExitOrder) -> bool:
        """Whether a second POST of its id can't make a second order, and may help.

        One that was seen at the broker is there, so that a second POST could only be refused.
        """
        return self.broker.ids_are_unique and order.is_missing(self.decided.tick.opened_at)

    def _within_what_is_held(self, attempt: Attempt, quantity: int) -> tuple[int, str]:
        """How many of them the broker holds for this position; with why, where that is none.

        An account that the broker did not answer for is not flat: what presses is sent as the books
        have it, unless an attempt before ended unfilled, whose late fills would not be seen.
        """
        account, symbol = attempt.position.account or "", attempt.decision.option_symbol or ""
        if account in self.stock.accounts:
            return self.stock.within(account, symbol, attempt.position.open_quantity, quantity)
        if attempt.urgency >= Urgency.FAST and not attempt.follows_unfilled:
            return quantity, ""
        return 0, "the broker did not say what the account holds"

    def _why_not(self, decision: StoredDecision, position: Position) -> str:
        """Why nothing of a position is sent to this broker; empty where it may be."""
        if (position.broker, position.environment) != (self.broker.name, self.broker.environment):
            return self._why_elsewhere(decision, position)
        if not position.managed:
            return "imported and not managed yet (exit-pipeline positions adopt)"
        why = self.decided.tick.not_ours.get(position.account or "")
        if why is None and position.spread_leg:
            message = position.say_spread(self.positions.values())
            self._tell("WARNING", "SPREAD_LEG", decision, f"is not sent: {message}")
            return message
        why = why or self.skew.check().removeprefix("not sent: ")
        if why and decision.decision == "EXIT":
            self._tell("CRITICAL", "EXIT_BLOCKED", decision, f"is due, but {why}")
        return why

    def _why_elsewhere(self, decision: StoredDecision, position: Position) -> str:
        if position.broker is None:
            return "it belongs to no broker yet (exit-pipeline positions adopt)"
        why = f"it is held at {position.broker}, and this run works {self.broker.name}"
        if decision.decision == "EXIT" and position.environment == "live":
            self._tell("CRITICAL", "EXIT_BLOCKED", decision, f"is due, but {why}")
        return why

    def _tell(self, severity: str, cause: str, decision: StoredDecision, what: str) -> None:
        self.database.runs.raise_alerts([
            Alert(
                severity=severity,
                cause=cause,
                subject=decision.position_id,
                message=f"{decision.exit_reason or 'its order'} {what}",
                run_id=decision.run_id,
            )
        ])  # fmt: skip


def _escalate(attempt: Attempt, what: str, desk: OrderDesk) -> None:
    message = f"{attempt.decision.exit_reason} {what}"
    desk.alert("CRITICAL", "EXIT_ESCALATED", attempt.position.id, message)


def _denied(denial: Denial, desk: OrderDesk, position: Position) -> str:
    severity = "CRITICAL" if denial.needs_a_person else "WARNING"
    desk.alert(severity, f"ORDER_{denial.code}", position.id, denial.reason)
    return f"{'deferred' if denial.defers else 'denied'}: {denial.reason}"
