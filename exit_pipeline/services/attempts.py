"""What the next attempt of an exit would be: its step, its price, its intent."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from exit_pipeline.core.engine.ladders import Ladder, OnTimeout
from exit_pipeline.core.engine.price_orders import (
    OrderPrice,
    PriceLimits,
    hold_within,
    price_order,
)
from exit_pipeline.core.engine.spread_guard import Guarding, guard_spread, spread_percent
from exit_pipeline.core.engine.work_orders import TRIES, Due
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.exit_order import LastAttempt, OrderIntent
from exit_pipeline.core.model.order import OrderRequest, OrderSide, OrderStatus
from exit_pipeline.core.model.position import Position, PositionSide
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.services.tick import DecidedTick

_ENDED_UNFILLED = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_NEVER_WORKED = frozenset({OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.ABANDONED})
_MAY_FILL_LATE = _ENDED_UNFILLED | {OrderStatus.ABANDONED}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A decision that is due, with the position that it closes and the price of its next attempt.

    Attributes:
        decision: The decision.
        position: Its position.
        last: The attempt before; None for the first one ever.
        step: How often the exit was repriced by then.
        price: From the tick's quote; None where it gives none, or the exit waits.
        ladder: What it is priced by; None by the usual levels.
        waits: Why it waits for another quote; empty where it does not.
    """

    decision: StoredDecision
    position: Position
    last: LastAttempt | None
    step: int
    price: OrderPrice | None
    ladder: Ladder | None = None
    waits: str = ""

    @property
    def side(self) -> OrderSide:
        """The closing leg."""
        return closing_side(self.position)

    @property
    def urgency(self) -> Urgency:
        """How much it presses."""
        return _urgency(self.decision)

    @property
    def tries(self) -> int:
        """Repriced attempts after which it is a person's matter too: at least its whole ladder."""
        return max(TRIES, self.ladder.steps + 1) if self.ladder else TRIES

    @property
    def follows_unfilled(self) -> bool:
        """Whether the attempt before worked, and may have filled more than is known."""
        return self.last is not None and self.last.status in _MAY_FILL_LATE

    @property
    def far_side(self) -> Decimal | None:
        """The side of the quote that closing hits, dollars per share; None if unknown."""
        selling = self.side is OrderSide.SELL_TO_CLOSE
        return self.decision.bid if selling else self.decision.ask

    def due(self, decided: DecidedTick) -> Due | None:
        """What the decision asks for; None on a HOLD."""
        if self.decision.decision != "EXIT":
            return None
        return Due(
            exit_reason=self.decision.exit_reason or "",
            urgency=self.urgency,
            quantity=self.decision.exit_quantity or 0,
            limit=self.price.limit if self.price else None,
            worst=self.price.worst if self.price else None,
            far_side=self.far_side if self.price else None,
            at=decided.tick.at,
            patience=self._patience(is_first_look=decided.frozen is None),
        )

    def _patience(self, *, is_first_look: bool) -> timedelta | None:
        """How long an attempt of it rests: a step inside a tick, else as its ladder says."""
        if self.ladder is None:
            return None
        if not is_first_look:
            return timedelta(seconds=self.ladder.seconds_per_step)
        return timedelta(0) if self.ladder.on_timeout is OnTimeout.NEXT else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPlanner:
    """Plans the attempts of one tick.

    Attributes:
        decided: The tick.
        broker: Name of the broker.
        environment: Its environment.
        installation: What tells this database from every other.
        last: The newest attempt of each position that has had one.
    """

    decided: DecidedTick
    broker: str
    environment: str
    installation: str
    last: dict[str, LastAttempt]

    def plan(self, decision: StoredDecision, position: Position) -> Attempt:
        """The next attempt of a decision."""
        last = self.last.get(position.id)
        step = self._step(decision, last)
        if last is not None and last.status.is_live:
            step = self._past_equal_rungs(decision, position, last, step)
        waits = self._why_it_waits(decision)
        return Attempt(
            decision=decision,
            position=position,
            last=last,
            step=step,
            price=None if waits else self.price(decision, position, step),
            ladder=self.ladder(decision),
            waits=waits,
        )

    def intent(
        self, attempt: Attempt, price: OrderPrice, quantity: int, fence: int, *, replaces: bool
    ) -> OrderIntent:
        """The intent of an attempt.

        Args:
            attempt: The attempt.
            price: Its price.
            quantity: Contracts, at most what is due.
            fence: Number of the account's lease.
            replaces: The attempt before was cancelled for this one.
        """
        decision, position, last = attempt.decision, attempt.position, attempt.last
        number = (last.attempt if last else 0) + 1
        tick = self.decided.tick
        account = position.account or ""
        return OrderIntent(
            request=OrderRequest(
                client_order_id=client_order_id(
                    self.installation, self.environment, account, position.id, number
                ),
                account=account,
                symbol=decision.option_symbol or "",
                side=attempt.side,
                quantity=quantity,
                limit_price=price.limit,
            ),
            position_id=position.id,
            run_id=decision.run_id,
            decision_id=decision.id,
            decided_at=decision.decided_at,
            exit_action=decision.exit_action or "",
            exit_reason=decision.exit_reason or "",
            urgency=decision.urgency or "",
            attempt=number,
            step=attempt.step,
            replaces=last.order_id if last and (replaces or attempt.step) else None,
            rung=self._rung(decision, last),
            broker=self.broker,
            environment=self.environment,
            worst_price=price.worst,
            intent_at=tick.at,
            day_began_at=tick.session.opens_at if tick.session else tick.at,
            fence=fence,
        )

    def _step(self, decision: StoredDecision, last: LastAttempt | None) -> int:
        """One more than the attempt before, where that was of the same exit and did not fill.

        Read from what is kept, so that a crash between a cancel and the next attempt forgets
        nothing. A new day, and another reason, begin anew.
        """
        session = self.decided.tick.session
        if last is None or session is None or last.exit_reason != decision.exit_reason:
            return 0
        if last.intent_at < session.opens_at:
            return 0
        if last.status in _NEVER_WORKED:
            return last.step
        worked = last.status.is_live or last.status in _ENDED_UNFILLED
        return last.step + 1 if worked else 0

    def _past_equal_rungs(
        self, decision: StoredDecision, position: Position, last: LastAttempt, step: int
    ) -> int:
        """The next rung that goes further than the order at work; several may ask for the same."""
        ladder, selling = self.ladder(decision), closing_side(position) is OrderSide.SELL_TO_CLOSE
        while ladder is not None and last.limit_price is not None and step < ladder.steps:
            price = self.price(decision, position, step)
            if price is None:
                break
            if (price.limit < last.limit_price) if selling else (price.limit > last.limit_price):
                break
            step += 1
        return step

    def _rung(self, decision: StoredDecision, last: LastAttempt | None) -> int:
        """Only inside its tick does a decision have a second order."""
        follows = last is not None and last.decision_id == decision.id
        return last.rung + 1 if last and follows and self.decided.frozen is not None else 0

    def price(self, decision: StoredDecision, position: Position, step: int) -> OrderPrice | None:
        """What an attempt of so many repricings asks for; None where the quote gives no price.

        Inside a tick it goes no further than the tick's first quote would have let it.
        """
        prices, contract = self._prices(decision), position.contract
        if prices is None or contract is None or decision.bid is None or decision.ask is None:
            return None
        if decision.quote_grade == QuoteGrade.BAD.name:
            return None
        side = closing_side(position)
        reach = prices.reach(_pressed(decision, prices), step)
        price = price_order(side, contract.root, decision.bid, decision.ask, reach, prices)
        bound = (self.decided.frozen or {}).get(position.id)
        return hold_within(price, bound, side, contract.root) if price and bound else price

    def ladder(self, decision: StoredDecision) -> Ladder | None:
        """What the exit is priced by; None by the usual levels."""
        prices = self._prices(decision)
        return prices.ladder(_pressed(decision, prices)) if prices else None

    def budget(self, decision: StoredDecision) -> timedelta:
        """How long the tick may take for the steps of its ladder."""
        prices = self._prices(decision)
        return timedelta(seconds=prices.budget_seconds if prices else 0)

    def _why_it_waits(self, decision: StoredDecision) -> str:
        prices, bid, ask = self._prices(decision), decision.bid, decision.ask
        if prices is None or _guard(decision, prices) is not Guarding.DELAYS:
            return ""
        apart = spread_percent(bid or Decimal(0), ask or Decimal(0))
        most = prices.guard_spread_percent or 0
        return f"bid and ask are {apart:.0f} % apart, more than {most:g}"

    def _prices(self, decision: StoredDecision) -> PriceLimits | None:
        known = (one.prices for one in self.decided.policies if one.hash == decision.policy_hash)
        return next(known, None)


def _guard(decision: StoredDecision, prices: PriceLimits) -> Guarding:
    if decision.bid is None or decision.ask is None or decision.decision != "EXIT":
        return Guarding.NONE
    return guard_spread(decision.bid, decision.ask, _urgency(decision), prices.guard_spread_percent)


def _pressed(decision: StoredDecision, prices: PriceLimits) -> Urgency:
    """The urgency that it is priced by: one more where the spread is wide and it can't wait."""
    urgency = _urgency(decision)
    presses = _guard(decision, prices) is Guarding.PRESSES
    return Urgency(min(urgency + 1, Urgency.EMERGENCY)) if presses else urgency


def _urgency(decision: StoredDecision) -> Urgency:
    return Urgency[decision.urgency or "NORMAL"]


def closing_side(position: Position) -> OrderSide:
    """What closes a position."""
    long = position.side is PositionSide.LONG
    return OrderSide.SELL_TO_CLOSE if long else OrderSide.BUY_TO_CLOSE
