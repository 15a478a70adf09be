"""Further looks inside a tick at exit orders that work, as far as a policy gives it time."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.ladders import Ladder, OnTimeout
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.instant import MICROSECOND, to_micros
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.quote import MarketSnapshot, QuoteGrade
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.ports import Broker, Database, MarketData, Waiter
from exit_pipeline.services.assemble_book import quote_columns
from exit_pipeline.services.attempts import AttemptPlanner
from exit_pipeline.services.send_order import OrderDesk, desk_of
from exit_pipeline.services.tick import DecidedTick

log = logging.getLogger(__name__)

CONFIRM: Final = timedelta(seconds=1)
"""How long a cancel that the broker has not confirmed is left alone."""

ROOM: Final = timedelta(seconds=15)
"""No step begins when less than this is left until its decision is too old, or the exchange closes:
what is cancelled must still be sent anew, and a broker may take seconds for each answer."""

_AT_WORK: Final = frozenset(
    {OrderStatus.ACCEPTED, OrderStatus.PARTIAL_FILL, OrderStatus.PENDING_CANCEL}
)


@dataclass(slots=True, eq=False)
class _Climber:
    """A position whose exit order goes up a ladder.

    Attributes:
        decision: The tick's.
        position: As it was when it was decided.
        row: Its row in the tick's book.
        ladder: Its ladder.
        worst: The price that no step goes beyond, dollars per share.
        until: No look later than this.
        look_at: The next look.
        is_last: Its last attempt is at work, and is cancelled then.
    """

    decision: StoredDecision
    position: Position
    row: int
    ladder: Ladder
    worst: Decimal
    until: datetime
    look_at: datetime
    is_last: bool = False


class FurtherLooks:
    """The looks of one tick after its first, each a decided tick that can be worked like any.

    A look has its own time, newly read positions and new quotes, which are graded like those of the
    tick. Decisions stay: what was due stays due for the seconds that this takes. Only orders that
    the broker has shown at work take part; one in doubt is the next tick's matter.

    Args:
        decided: The tick.
        broker: Where its orders are.
        database: What is kept.
        clock: By which time is spent.
        market_data: New quotes; only a live source has any.

    Attributes:
        notes: What became of orders at the time-out, by position.
    """

    def __init__(
        self,
        decided: DecidedTick,
        broker: Broker,
        database: Database,
        clock: Waiter,
        market_data: MarketData,
    ) -> None:
        self._decided = decided
        self._broker = broker
        self._database = database
        self._clock = clock
        self._market_data = market_data
        self._runs = {run.run_id: run for run in decided.tick.runs}
        self.notes: dict[str, str] = {}

    def each(self, decision_life: timedelta) -> Iterator[DecidedTick]:
        """Wait and look, until every ladder is climbed or the time is over.

        Args:
            decision_life: From this age on a decision is sent no more.
        """
        climbers = self._begin(decision_life)
        while climbers := self._still_climbing(climbers):
            at = min(climber.look_at for climber in climbers)
            self._clock.wait((at - self._clock.now()).total_seconds())
            due = [climber for climber in climbers if climber.look_at <= at]
            now = self._clock.now()
            for climber in due:
                climber.look_at = now + timedelta(seconds=climber.ladder.seconds_per_step)
            self._time_out([climber for climber in due if climber.is_last])
            climbers = [one for one in climbers if not (one.is_last and one in due)]
            again = self._look([climber for climber in due if not climber.is_last], now)
            if again is not None:
                yield again

    def _begin(self, decision_life: timedelta) -> list[_Climber]:
        """Every exit that has a ladder, and time for it."""
        tick = self._decided.tick
        if not self._market_data.is_live or tick.request.as_of or tick.session is None:
            return []
        planner = AttemptPlanner(
            decided=self._decided,
            broker=self._broker.name,
            environment=self._broker.environment,
            installation="",
            last={},
        )
        rows = {position.id: row for row, position in enumerate(self._decided.decided)}
        now, found = self._clock.now(), []
        for decision in self._decided.stored:
            row = rows.get(decision.position_id)
            ladder, budget = planner.ladder(decision), planner.budget(decision)
            if decision.decision != "EXIT" or row is None or ladder is None or not budget:
                continue
            position = self._decided.decided[row]
            price = planner.price(decision, position, ladder.steps)
            if price is None:
                continue
            last_moment = min(decision.decided_at + decision_life, tick.session.closes_at) - ROOM
            found.append(
                _Climber(
                    decision=decision,
                    position=position,
                    row=row,
                    ladder=ladder,
                    worst=price.worst,
                    until=min(now + budget, last_moment),
                    look_at=now + timedelta(seconds=ladder.seconds_per_step),
                )
            )
        return found

    def _still_climbing(self, climbers: Iterable[_Climber]) -> list[_Climber]:
        """Those whose orders work, have steps left, and time for the next one."""
        orders, left, late = self._orders(), [], []
        for climber in climbers:
            order = orders.get(climber.position.id)
            if order is None or order.status not in _AT_WORK:
                continue
            if order.status is OrderStatus.PENDING_CANCEL:
                climber.look_at = min(climber.look_at, self._clock.now() + CONFIRM)
            climbs = order.step < climber.ladder.steps or _is_being_replaced(climber, order)
            climber.is_last = not climbs and climber.ladder.on_timeout is OnTimeout.CANCEL
            in_time = climber.look_at <= climber.until
            if in_time and (climbs or climber.is_last):
                left.append(climber)
            elif not in_time:
                late.append(climber)
        self._time_out(late)
        return left

    def _time_out(self, climbers: Iterable[_Climber]) -> None:
        """Cancel what is not to work on, now that its time is over."""
        orders = self._orders()
        for climber in climbers:
            order, desk = orders.get(climber.position.id), self._desk(climber)
            if climber.ladder.on_timeout is not OnTimeout.CANCEL or order is None or desk is None:
                continue
            if _is_being_replaced(climber, order) or order.status not in _AT_WORK:
                continue
            ended = desk.cancel(order)
            done = "cancelled" if ended else "to be cancelled, which the broker has not confirmed"
            self.notes[climber.position.id] = f"its time in this tick was over: it is {done}"

    def _look(self, climbers: list[_Climber], now: datetime) -> DecidedTick | None:
        """The tick as it is now, with the decisions of these; None without any, or any quote."""
        if not climbers:
            return None
        tick = self._decided.tick
        symbols = {climber.decision.option_symbol or "" for climber in climbers}
        underlyings = {climber.position.underlying for climber in climbers}
        try:
            market = self._market_data.snapshot(sorted(symbols), sorted(underlyings), now)
        except (UnavailableError, ConfigurationError) as error:
            log.warning("ExitWorker: working orders rest until the next tick: %s", error)
            return None
        orders = self._orders()
        for climber in climbers:
            order, desk = orders.get(climber.position.id), self._desk(climber)
            if order and desk and order.status is not OrderStatus.PENDING_CANCEL:
                desk.read_back(order)
        orders = self._orders()
        positions = self._positions()
        stored = [
            self._renewed(climber, positions[climber.position.id], order, market, now)
            for climber in climbers
            if climber.position.id in positions
            and (order := orders.get(climber.position.id)) is not None
            and order.status in _AT_WORK
        ]
        return replace(
            self._decided,
            tick=replace(tick, at=now, positions=tuple(positions.values())),
            stored=tuple(one for one in stored if (one.exit_quantity or 0) > 0),
            frozen={climber.position.id: climber.worst for climber in climbers},
        )

    def _renewed(
        self,
        climber: _Climber,
        position: Position,
        order: ExitOrder,
        market: MarketSnapshot,
        now: datetime,
    ) -> StoredDecision:
        """A decision with the quote of now, for what has not filled of it since."""
        decision = climber.decision
        filled = climber.position.open_quantity - position.open_quantity
        quantity = (decision.exit_quantity or 0) - filled
        if not _is_being_replaced(climber, order) and order.exit_reason == decision.exit_reason:
            # One that was sent for less than is due stays that: no more was held.
            quantity = min(quantity, order.remaining_quantity)
        policies = (one for one in self._decided.policies if one.hash == decision.policy_hash)
        marks = grade_quotes(self._row(climber, market, now), next(policies).quotes)
        quote = market.quotes.get(decision.option_symbol or "")
        return replace(
            decision,
            exit_quantity=max(quantity, 0),
            bid=quote.bid if quote else None,
            ask=quote.ask if quote else None,
            quoted_at=quote.quoted_at if quote else None,
            quote_flags=int(marks.flags[0]),
            quote_grade=QuoteGrade(int(marks.grade[0])).name,
        )

    def _row(self, climber: _Climber, market: MarketSnapshot, now: datetime) -> Book:
        """A position's row of the tick's book, with the quote of now."""
        row = self._decided.book.take(np.array([climber.row]))
        return replace(
            row,
            decided_at=np.full(1, to_micros(now)),
            feed_age_limit=np.full(1, market.feed_age_limit // MICROSECOND),
            **quote_columns([climber.position], market),
        )

    def _orders(self) -> Mapping[str, ExitOrder]:
        """Exit orders that may still fill, by position."""
        accounts = [run.account for run in self._runs.values() if run.fence is not None]
        live = self._database.orders.live_orders(self._broker.environment, accounts)
        return {order.position_id: order for order in live if order.broker == self._broker.name}

    def _positions(self) -> dict[str, Position]:
        """The tick's positions as they are now; those that have closed are gone."""
        ids = [position.id for position in self._decided.tick.positions]
        found = self._database.positions.open_positions(self._broker.environment, position_ids=ids)
        return {position.id: position for position in found}

    def _desk(self, climber: _Climber) -> OrderDesk | None:
        run = self._runs.get(climber.decision.run_id)
        return desk_of(run, self._broker, self._database, self._clock)


def _is_being_replaced(climber: _Climber, order: ExitOrder) -> bool:
    """Whether the order is on its way out, so that its exit is not at work."""
    return order.status is OrderStatus.PENDING_CANCEL or (
        order.exit_reason != climber.decision.exit_reason
    )
