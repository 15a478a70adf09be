"""Closing orders as they are kept: the intent, the row, and why one may be denied."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.order import OrderRequest, OrderStatus

SEND_WITHIN: Final = timedelta(seconds=5)
"""How long after it is marked as being sent an order may still be written to the broker."""

DECISION_GOOD_FOR: Final = timedelta(seconds=65)
"""How old a decision may be when its order is marked as being sent: the 60 seconds for which it
passes the last gate, and 5 for the way from there. A process that froze on it sends no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderIntent:
    """A closing order that is about to be sent, with everything that its row carries.

    Attributes:
        request: What will be sent.
        position_id: The position that it closes.
        run_id: The run that decided it.
        decision_id: The decision that it executes.
        decided_at: When that was made.
        exit_action: PARTIAL or FULL.
        exit_reason: The rule's name in capitals.
        urgency: ``Urgency`` name.
        attempt: 1 for the first order of the position, counting up.
        step: How often this exit was repriced before; 0 for its first attempt.
        replaces: Key of the order that was cancelled for it; None for a first attempt.
        rung: How many orders its decision has had before, each cancelled for the next one inside
            the tick. A decision has one order of each rung, and begins with 0.
        broker: Name of the broker.
        environment: Environment of the position.
        worst_price: Dollars per share beyond which this attempt never goes.
        intent_at: When it is recorded, by the pipeline's clock.
        day_began_at: Orders since then are of the same day.
        fence: Number of the lease under which it is recorded.
    """

    request: OrderRequest
    position_id: str
    run_id: str
    decision_id: str
    decided_at: datetime
    exit_action: str
    exit_reason: str
    urgency: str
    attempt: int
    step: int = 0
    replaces: str | None = None
    rung: int = 0
    broker: str
    environment: str
    worst_price: Decimal
    intent_at: datetime
    day_began_at: datetime
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitOrder:
    """One row of ``orders`` that closes a position.

    Attributes:
        id: Key of the row.
        intent_at: When the intent was recorded, by the pipeline's clock.
        run_id: The run that made it.
        position_id: The position that it closes.
        request: What was, or is to be, sent.
        broker: Name of the broker.
        environment: Environment of the position.
        exit_action: PARTIAL or FULL.
        exit_reason: The rule's name in capitals.
        urgency: ``Urgency`` name.
        attempt: 1 for the first order of the position, counting up.
        step: How often this exit was repriced before.
        status: Its state.
        broker_order_id: The broker's key, once it was seen at work; None until then.
        filled_quantity: Contracts filled, from booked fills.
        average_price: Of the booked fills, dollars per share; None without any.
        rejection_reason: The broker's or our own words on a refusal.
        trouble: What went wrong with it while it lives, such as a lost answer.
        denial_code: ``DenialCode`` of an order that was never sent.
        first_missed_at: When the broker first did not show it while nobody held it to send it;
            None once it is shown.
        last_missed_at: When it last did not show it.
    """

    id: str
    intent_at: datetime
    run_id: str
    position_id: str
    request: OrderRequest
    broker: str
    environment: str
    exit_action: str
    exit_reason: str
    urgency: str
    attempt: int
    step: int = 0
    status: OrderStatus
    broker_order_id: str | None = None
    filled_quantity: int = 0
    average_price: Decimal | None = None
    rejection_reason: str | None = None
    trouble: str | None = None
    denial_code: str | None = None
    first_missed_at: datetime | None = None
    last_missed_at: datetime | None = None

    @property
    def remaining_quantity(self) -> int:
        """Contracts that may still fill."""
        return max(self.request.quantity - self.filled_quantity, 0)

    def is_missing(self, since: datetime) -> bool:
        """Whether it was never seen at the broker, also when that was asked since then."""
        is_nowhere = self.status is OrderStatus.UNKNOWN and self.broker_order_id is None
        return is_nowhere and self.last_missed_at is not None and self.last_missed_at >= since


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What is kept about a position and its orders, read while the position is locked.

    Attributes:
        state: What may be sent.
        broker: Who holds the position; None until it is adopted. Likewise environment, account.
        symbol: Compact OCC symbol of the position.
        is_long: Whether it is held rather than sold.
        is_managed: It was adopted, or never imported from a broker's account.
        is_spread_leg: It is probably a leg of a spread.
        free_quantity: Contracts still held and in no live order.
        has_live_order: An exit order of it may still fill.
        orders_today: New exits of it since the day began, without repriced ones.
        same_order_at: When an order of the same side and quantity was last sent for it and not
            refused or cancelled; None if never.
        tick_orders: Orders that the run has sent before, without repriced ones.
        tick_notional: What they are worth together, dollars.
    """

    state: TradingState
    broker: str | None
    environment: str | None
    account: str | None
    symbol: str | None
    is_long: bool
    is_managed: bool
    is_spread_leg: bool
    free_quantity: int
    has_live_order: bool
    orders_today: int
    same_order_at: datetime | None
    tick_orders: int
    tick_notional: Decimal


class DenialCode(StrEnum):
    """Why an order was not let through the last gate."""

    TRADING_HALTED = "TRADING_HALTED"
    OUTSIDE_SESSION = "OUTSIDE_SESSION"
    STALE_DECISION = "STALE_DECISION"
    PRICE_COLLAR = "PRICE_COLLAR"
    OFF_TICK = "OFF_TICK"
    TOO_MANY_CONTRACTS = "TOO_MANY_CONTRACTS"
    TOO_MANY_ORDERS_TODAY = "TOO_MANY_ORDERS_TODAY"
    SAME_ORDER_TOO_SOON = "SAME_ORDER_TOO_SOON"
    TICK_FULL = "TICK_FULL"
    OVER_EXIT = "OVER_EXIT"
    DUPLICATE_EXIT = "DUPLICATE_EXIT"
    WRONG_SIDE = "WRONG_SIDE"
    WRONG_PLACE = "WRONG_PLACE"
    NOT_MANAGED = "NOT_MANAGED"
    SPREAD_LEG = "SPREAD_LEG"


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """An order that is not let through.

    Attributes:
        code: Why, for programs.
        reason: Why, in one sentence.
        halts: It must never happen, so that no other order is sent either until a person resumes.
        defers: Nothing is wrong with the order; the next tick may send it, and it leaves no row.
    """

    code: DenialCode
    reason: str
    halts: bool = False
    defers: bool = False

    @property
    def needs_a_person(self) -> bool:
        """Whether the exit waits for more than the next tick, which would be denied as well."""
        same_again = {DenialCode.TOO_MANY_CONTRACTS, DenialCode.TOO_MANY_ORDERS_TODAY}
        return self.halts or self.code in same_again


@dataclass(frozen=True, slots=True)
class IntentAnswer:
    """What became of an intent.

    Attributes:
        order: The row, PENDING or DENIED; None where it left none.
        denial: Why it is not to be sent; None with an order to send, and also where the account is
            another run's or the decision was executed before.
    """

    order: ExitOrder | None
    denial: Denial | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastAttempt:
    """The newest exit order of a position.

    Attributes:
        attempt: Its number.
        step: How often its exit had been repriced.
        exit_reason: The rule's name in capitals.
        status: Its state.
        intent_at: When it was recorded.
        order_id: Key of the row.
        decision_id: The decision that it executed.
        rung: How many orders that decision had had before.
        limit_price: What it asked for, dollars per share.
    """

    attempt: int
    step: int
    exit_reason: str
    status: OrderStatus
    intent_at: datetime
    order_id: str
    decision_id: str = ""
    rung: int = 0
    limit_price: Decimal | None = None
