"""How each fault comes about: what is armed, arranged or switched when its tick begins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline_tests.simulation.engine import ask_to_close
from exit_pipeline_tests.simulation.faults import Planned
from exit_pipeline_tests.simulation.feed import QUOTE_FAULTS
from exit_pipeline_tests.simulation.invariants import OURS
from exit_pipeline_tests.simulation.person import has_switch, switch
from exit_pipeline_tests.simulation.venues import LedgerOrder
from exit_pipeline_tests.simulation.world import World

_SLOT: Final = timedelta(minutes=5)
_TRIES: Final = 40
_TICKS_HIDDEN: Final = 12
"""For so many ticks at most a broker does not show what has filled, which outlasts any quarantine:
only that less is held tells of it. It shows everything before the session ends."""

_SWITCH: Final = {"halt_new": "HALT_NEW", "cancel_all": "CANCEL_ALL", "frozen_switch": "FREEZE"}


class Strikes:
    """Lets the planned faults of a tick come about.

    Args:
        world: Where.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._is_over = False
        self._ended_at: dict[str, datetime] = {}

    def begin(self, planned: Planned) -> None:
        """A fault's tick begins."""
        ways: dict[str, Callable[[Planned], None]] = {
            "wire": self._world.wire.arm,
            "session": self._world.session_faults.arm,
            "point": self._world.points.arm,
            "manner": self._manner,
            "ledger": self._ledger,
            "feed": self._feed,
            "clock": self._clock,
            "switch": self._switch,
            "request": self._ask_to_close,
        }
        if planned.kind.site in ways:
            ways[planned.kind.site](planned)

    def end(self) -> None:
        """All of it is over."""
        self._is_over = True
        for planned in self._world.plan.faults:
            if planned.kind.site == "manner":
                self._set_manner(planned, on=False)
        self._world.calm()

    def _for_ticks(self, planned: Planned, most: int, end: Callable[[], None]) -> None:
        ticks = 1 + int(planned.amount * most)
        self._world.timeline.after(
            _SLOT.total_seconds() * ticks - 60, lambda: None if self._is_over else end()
        )

    def _manner(self, planned: Planned) -> None:
        timeline, most = self._world.timeline, 4
        shown_by = self._world.plan.sessions[0].closes_at - 3 * _SLOT
        if planned.kind.what == "hides_filled":
            if timeline.at >= shown_by:
                return
            most = _TICKS_HIDDEN
            timeline.arrange(shown_by, lambda: self._set_manner(planned, on=False))
        if self._set_manner(planned, on=True):
            self._world.strike(planned)
            self._for_ticks(planned, most, lambda: self._set_manner(planned, on=False))

    def _set_manner(self, planned: Planned, *, on: bool) -> bool:
        world = self._world
        known: bool = world.venue.set_manner(planned.kind.what, on=on, amount=planned.amount)
        if known and not on and planned.kind.what == "cancel_not_confirmed":
            for order in self._orders():
                if order.is_open and order.status == "pending_cancel":
                    if planned.pick % 2:
                        world.venue.execute(order.broker_order_id, order.left)
                    else:
                        world.venue.end(order.broker_order_id, "canceled")
        return known

    def _feed(self, planned: Planned) -> None:
        world, what = self._world, planned.kind.what
        world.strike(planned)
        if what in QUOTE_FAULTS:
            world.feed.spoiled[what] = self._symbols(planned)
            self._for_ticks(planned, 5, lambda: world.feed.spoiled.pop(what, None))
        elif what == "feed_down":
            world.feed.is_down = True
            self._for_ticks(planned, 4, lambda: setattr(world.feed, "is_down", False))
        elif what == "vix_missing":
            world.feed.lacks |= {"VIX", "VIX3M"}
            self._for_ticks(planned, 6, world.feed.lacks.clear)
        else:
            self._stop_underlying(planned, what)

    def _stop_underlying(self, planned: Planned, what: str) -> None:
        world = self._world
        names = sorted({parse_contract(one).underlying for one in world.first_holdings})
        name = names[planned.pick % len(names)]
        if what == "feed_stands_still":
            world.feed.stands_still.add(name)
            self._for_ticks(planned, 4, lambda: world.feed.stands_still.discard(name))
            return
        if what == "untraded":
            gone = set(names) if planned.amount > 0.5 else {name}
            world.untraded |= gone
            world.move_market()
            self._for_ticks(planned, 14, lambda: world.untraded.difference_update(gone))
            return
        world.market.halts[name] = world.timeline.at
        world.move_market()
        self._for_ticks(planned, 5, lambda: world.market.halts.pop(name, None))

    def _symbols(self, planned: Planned) -> frozenset[str]:
        """One contract, those of one underlying, or all."""
        known = sorted(self._world.first_holdings)
        one = known[planned.pick % len(known)]
        if planned.amount < 0.5:
            return frozenset({one})
        name = parse_contract(one).underlying
        return frozenset(
            symbol
            for symbol in known
            if planned.amount > 0.85 or parse_contract(symbol).underlying == name
        )

    def _clock(self, planned: Planned) -> None:
        world = self._world
        seconds = 3600 if planned.pick % 2 else 3 + planned.amount * 90
        world.strike(planned)
        ahead = 1 if planned.kind.what == "clock_ahead" else -1
        world.wall.offset = ahead * timedelta(seconds=int(seconds))

        def mend() -> None:
            world.wall.offset = timedelta(0)

        self._for_ticks(planned, 4, mend)

    def _switch(self, planned: Planned) -> None:
        world = self._world
        if not has_switch(world):
            return

        def halt() -> None:
            if not self._is_over:
                world.strike(planned)
                switch(world, _SWITCH[planned.kind.what], "the simulation")

        world.timeline.after(planned.amount * 30, halt)
        self._for_ticks(planned, 5, lambda: switch(world, "ACTIVE", "the simulation"))

    def _ask_to_close(self, planned: Planned) -> None:
        """A person asks for a position to be closed, for half an hour to two hours."""
        world = self._world
        name = f"p{1 + planned.pick % world.plan.positions}"
        expires = timedelta(minutes=30 + int(planned.amount * 90))

        def ask() -> None:
            if not self._is_over and ask_to_close(world, name, expires):
                world.strike(planned)
                world.history.note("person", f"asks for {name} to be closed")

        world.timeline.after(planned.pick % 200, ask)

    def _ledger(self, planned: Planned) -> None:
        self._world.timeline.after(
            3 + planned.amount * 250, lambda: self._try_ledger(planned, _TRIES)
        )

    def _try_ledger(self, planned: Planned, tries: int) -> None:
        """Strike once there is something to strike, a minute apart."""
        if self._is_over or not tries:
            return
        ways: dict[str, Callable[[Planned], bool]] = {
            "partial_then_cancel": self._partial_then_cancel,
            "late_fill_after_cancel": self._late_fill,
            "rejected_while_working": self._reject,
            "closed_by_hand": lambda one: self._trade_by_hand(one, fills=True),
            "order_by_hand": lambda one: self._trade_by_hand(one, fills=False),
        }
        self._world.tell_time()
        if ways[planned.kind.what](planned):
            self._world.strike(planned)
        else:
            self._world.timeline.after(60, lambda: self._try_ledger(planned, tries - 1))

    def _orders(self) -> list[LedgerOrder]:
        orders: list[LedgerOrder] = self._world.venue.orders()
        return [one for one in orders if one.client_order_id.startswith(OURS)]

    def _open(self, planned: Planned) -> LedgerOrder | None:
        found = [one for one in self._orders() if one.is_open]
        return found[planned.pick % len(found)] if found else None

    def _partial_then_cancel(self, planned: Planned) -> bool:
        order, venue = self._open(planned), self._world.venue
        if order is None:
            return False
        if order.left > 1:
            venue.execute(order.broker_order_id, 1)
        venue.end(order.broker_order_id, "canceled")
        return True

    def _reject(self, planned: Planned) -> bool:
        order = self._open(planned)
        if order is not None:
            self._world.venue.end(order.broker_order_id, "rejected")
        return order is not None

    def _late_fill(self, planned: Planned) -> bool:
        """The exchange had filled what the broker has cancelled, and says so minutes later.

        Only while no newer order could close the same contracts: nobody could prevent that.
        """
        ended = [
            one
            for one in self._orders()
            if one.status == "canceled" and self._is_fresh(one) and self._has_room(one)
        ]
        if not ended:
            self._partial_then_cancel(planned)
            return False
        self._world.venue.execute(ended[planned.pick % len(ended)].broker_order_id, 1)
        return True

    def _is_fresh(self, order: LedgerOrder) -> bool:
        """Exchanges tell minutes late, not hours."""
        now = self._world.timeline.at
        since = self._ended_at.setdefault(order.broker_order_id, now)
        return order.filled < order.quantity and now - since < 2 * _SLOT

    def _has_room(self, order: LedgerOrder) -> bool:
        names = self._world.database.rows(
            "SELECT o.client_order_id, p.quantity FROM orders o JOIN refactored_positions p"
            " ON p.id = o.refactored_position_id WHERE o.refactored_position_id ="
            " (SELECT refactored_position_id FROM orders WHERE client_order_id = %s)",
            order.client_order_id,
        )
        ours = {row["client_order_id"] for row in names}
        closing = sum(one.filled + one.left for one in self._orders()
                      if one.client_order_id in ours)  # fmt: skip
        held = abs(self._world.venue.holdings().get(order.symbol, 0))
        working = sum(one.left for one in self._orders() if one.symbol == order.symbol)
        return bool(names) and closing < names[0]["quantity"] and held > working

    def _trade_by_hand(self, planned: Planned, *, fills: bool) -> bool:
        world = self._world
        held = sorted((symbol, size) for symbol, size in world.venue.holdings().items() if size)
        held = [one for one in held if one[0] in world.first_holdings]
        if not held or world.plan.calendar.why_closed(world.timeline.at):
            return False
        symbol, size = held[planned.pick % len(held)]
        if parse_contract(symbol).is_adjusted:
            return False
        quantity = 1 + int(planned.amount * (abs(size) - 1))
        done: bool = world.venue.trade_by_hand(symbol, quantity, fills=fills)
        if done:
            word = "closes" if fills else "places an order to close"
            world.history.note("person", f"{word} {quantity} {symbol} by hand")
        if done and not fills:
            self._for_ticks(planned, 5, self._take_back)
        return done

    def _take_back(self) -> None:
        orders: list[Any] = self._world.venue.orders()
        for one in orders:
            if not one.client_order_id and one.is_open:
                self._world.venue.end(one.broker_order_id, "canceled")
