"""The last gate: every closing order passes here, with its position locked, or is not sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.engine.price_orders import tick_size
from exit_pipeline.core.model.contract import SHARES_PER_CONTRACT, parse_contract
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.exit_order import (
    SEND_WITHIN,
    Denial,
    DenialCode,
    OrderFacts,
    OrderIntent,
)
from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.session import Session


class OrderLimits(BaseModel):
    """How much may be sent, whatever was decided.

    The defaults are starting values, far above what the exits of a small desk need: they stop a
    program that has gone wrong, not a busy day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    contracts_per_order: int = Field(default=500, ge=1, description="Contracts in one order.")
    orders_per_position: int = Field(
        default=10, ge=1, description="Exits of one position in a day, repriced ones not counted."
    )
    orders_per_tick: int = Field(
        default=500, ge=1, description="New orders of one account in one tick."
    )
    notional_per_tick: Decimal = Field(
        default=Decimal(5_000_000), gt=0, description="What they are worth together, dollars."
    )
    same_order_seconds: int = Field(
        default=60, ge=0, description="Time between two equal orders of one position."
    )
    decision_seconds: int = Field(
        default=60, ge=1, description="Age from which a decision is made anew instead of sent."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When and in what market an order would be sent.

    Attributes:
        at: Now.
        session: Today's trading hours; None when the exchange is closed.
        worst_price: Beyond this it never goes, from the newest quote, dollars per share.
        far_side: The side of the quote that closing hits, dollars per share.
    """

    at: datetime
    session: Session | None
    worst_price: Decimal
    far_side: Decimal


def check_order(
    intent: OrderIntent, facts: OrderFacts, limits: OrderLimits, moment: Moment
) -> Denial | None:
    """Why an order must not be sent; None where it may be.

    What must never happen (another position's contract, the wrong side, more than is held, a second
    exit) also halts all other orders. A full tick only defers.

    Args:
        intent: The order.
        facts: What is kept, read while the position is locked.
        limits: How much may be sent.
        moment: When and in what market.

    Example: 3 contracts of a position that has 2 free are denied as OVER_EXIT, and trading halts.
    """
    return (
        _impossible(intent, facts)
        or _halted(facts)
        or _too_late(intent, limits, moment)
        or _priced_badly(intent, moment)
        or _too_much(intent, facts, limits)
        or _tick_is_full(intent, facts, limits)
    )


def _impossible(  # noqa: PLR0911 - one return for each thing that must not be
    intent: OrderIntent, facts: OrderFacts
) -> Denial | None:
    request = intent.request
    wanted = (intent.broker, intent.environment, request.account, request.symbol)
    if wanted != (facts.broker, facts.environment, facts.account, facts.symbol):
        reason = (
            f"the order is for {' / '.join(wanted)} and the position is in "
            f"{facts.broker} / {facts.environment} / {facts.account} / {facts.symbol}"
        )
        return Denial(code=DenialCode.WRONG_PLACE, reason=reason, halts=True)
    if facts.is_long != (request.side is OrderSide.SELL_TO_CLOSE):
        side = "long" if facts.is_long else "short"
        reason = f"{request.side} does not close a {side} position"
        return Denial(code=DenialCode.WRONG_SIDE, reason=reason, halts=True)
    if not facts.is_managed:
        reason = "the position was imported and nobody has adopted it"
        return Denial(code=DenialCode.NOT_MANAGED, reason=reason)
    if facts.is_spread_leg:
        reason = "the position is probably a leg of a spread"
        return Denial(code=DenialCode.SPREAD_LEG, reason=reason)
    if facts.has_live_order:
        reason = "another exit order of the position may still fill"
        return Denial(code=DenialCode.DUPLICATE_EXIT, reason=reason, halts=True)
    if not 0 < request.quantity <= facts.free_quantity:
        reason = f"{request.quantity} contracts are more than the {facts.free_quantity} free ones"
        return Denial(code=DenialCode.OVER_EXIT, reason=reason, halts=True)
    return None


def _halted(facts: OrderFacts) -> Denial | None:
    if facts.state is TradingState.ACTIVE:
        return None
    return Denial(code=DenialCode.TRADING_HALTED, reason=f"trading is in {facts.state}")


def _too_late(intent: OrderIntent, limits: OrderLimits, moment: Moment) -> Denial | None:
    session = moment.session
    # It may still be written for a while, and what comes after the close waits for the next open.
    if session is None or not session.opens_at <= moment.at < session.closes_at - SEND_WITHIN:
        reason = "the exchange is closed, where an order would wait for the open at an old price"
        return Denial(code=DenialCode.OUTSIDE_SESSION, reason=reason)
    age = moment.at - intent.decided_at
    if age > timedelta(seconds=limits.decision_seconds):
        reason = (
            f"the decision is {age.total_seconds():.0f} seconds old, more than "
            f"{limits.decision_seconds}; the next tick decides anew"
        )
        return Denial(code=DenialCode.STALE_DECISION, reason=reason, defers=True)
    return None


def _priced_badly(intent: OrderIntent, moment: Moment) -> Denial | None:
    request = intent.request
    limit, worst = request.limit_price, moment.worst_price
    is_beyond = limit < worst if request.side is OrderSide.SELL_TO_CLOSE else limit > worst
    if is_beyond or limit <= 0:
        reason = f"the limit {limit} is beyond the worst price {worst}"
        return Denial(code=DenialCode.PRICE_COLLAR, reason=reason)
    tick = tick_size(parse_contract(request.symbol).root, limit)
    # The far side as quoted is a legal price whatever the series' grid.
    if limit % tick and limit != moment.far_side:
        reason = f"the limit {limit} is not on the grid of {tick}"
        return Denial(code=DenialCode.OFF_TICK, reason=reason)
    return None


def _too_much(intent: OrderIntent, facts: OrderFacts, limits: OrderLimits) -> Denial | None:
    quantity, most = intent.request.quantity, limits.contracts_per_order
    if quantity > most:
        reason = f"{quantity} contracts are more than the {most} that one order may have"
        return Denial(code=DenialCode.TOO_MANY_CONTRACTS, reason=reason)
    if intent.replaces is not None:
        return None
    if facts.orders_today >= limits.orders_per_position:
        reason = f"the position has had {facts.orders_today} exit orders today"
        return Denial(code=DenialCode.TOO_MANY_ORDERS_TODAY, reason=reason)
    pause = timedelta(seconds=limits.same_order_seconds)
    if facts.same_order_at is not None and intent.intent_at - facts.same_order_at < pause:
        reason = f"the same order was sent less than {limits.same_order_seconds} seconds ago"
        return Denial(code=DenialCode.SAME_ORDER_TOO_SOON, reason=reason)
    return None


def _tick_is_full(intent: OrderIntent, facts: OrderFacts, limits: OrderLimits) -> Denial | None:
    if intent.replaces is not None:
        return None
    if facts.tick_orders >= limits.orders_per_tick:
        reason = f"this tick has sent {facts.tick_orders} orders, which is all that it may"
        return Denial(code=DenialCode.TICK_FULL, reason=reason, defers=True)
    request = intent.request
    worth = facts.tick_notional + request.limit_price * request.quantity * SHARES_PER_CONTRACT
    # The first order of a tick is never too large: it would be deferred for ever.
    if facts.tick_orders and worth > limits.notional_per_tick:
        reason = f"this tick's orders would be worth {worth:.0f} dollars, which is more than it may"
        return Denial(code=DenialCode.TICK_FULL, reason=reason, defers=True)
    return None
