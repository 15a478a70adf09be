"""Everything that one seed consists of."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline.core.model.order import OrderRequest
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline_tests.simulation import engine
from exit_pipeline_tests.simulation.alpaca_venue import AlpacaVenue
from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.faults import Planned
from exit_pipeline_tests.simulation.feed import SimFeed
from exit_pipeline_tests.simulation.history import History
from exit_pipeline_tests.simulation.holdings import adjusted_position, make_positions
from exit_pipeline_tests.simulation.market import STEP, Level, SimMarket
from exit_pipeline_tests.simulation.network import HttpWire, Wire
from exit_pipeline_tests.simulation.paper_venue import PaperVenue
from exit_pipeline_tests.simulation.plan import Plan
from exit_pipeline_tests.simulation.points import Points
from exit_pipeline_tests.simulation.postings import Postings
from exit_pipeline_tests.simulation.sessions import SessionFaults
from exit_pipeline_tests.simulation.streams import stream
from exit_pipeline_tests.simulation.timeline import Timeline, WallClock
from exit_pipeline_tests.simulation.tradier_venue import TradierVenue
from exit_pipeline_tests.simulation.venues import Posted

Mutation = Callable[[str, Callable[..., Any]], Callable[..., Any]]
"""Puts a mistake between the services and a store, by the method's name such as ``orders.book``."""

LADDERS: Final = (
    "prices.normal=start:0|worst:150|steps:4|seconds:5|timeout:next,"
    " prices.fast=start:50|worst:200|steps:3|seconds:3|timeout:cancel,"
    " prices.emergency=start:150|worst:350|steps:2|seconds:2, prices.budget_seconds=30"
)
"""Prices of positions that go up ladders."""

_GEX = """
    INSERT INTO refactored_gex_signals (id, symbol, timeframe, strength, direction, timestamp)
    VALUES (%s, %s, '15m', 0.6, %s, %s), (%s, %s, '15m', 0.6, %s, %s)
"""


class World:
    """A seed's clock, market, broker, database, and what waits to go wrong.

    Args:
        plan: What happens in it.
        database: An emptied one.
        mutation: A mistake to be found, for tests of the simulator itself.
        climbs: Exits go up ladders inside their ticks.

    Attributes:
        struck: Faults that have struck.
        untraded: Underlyings in whose options nobody trades, whatever is quoted.
    """

    def __init__(
        self,
        plan: Plan,
        database: SimDatabase,
        mutation: Mutation | None = None,
        *,
        climbs: bool = False,
    ) -> None:
        self.plan = plan
        self.database = database
        self.mutation = mutation
        self.climbs = climbs
        self.timeline = Timeline(plan.slots[0] - timedelta(minutes=4))
        self.wall = WallClock(self.timeline)
        self.history = History(self.timeline)
        self.market = SimMarket(plan.seed, plan.sessions)
        self.feed = SimFeed(self.market, self.timeline, timedelta(seconds=3))
        self.true_feed = SimFeed(self.market, self.timeline)
        self.struck: set[int] = set()
        self.untraded: set[str] = set()
        self.venue: Any = self._make_venue()
        self.wire = Wire(self.timeline, self.strike)
        self.http_wire = HttpWire(self.wire, self.venue, self.timeline)
        self.session_faults = SessionFaults(self.strike)
        self.points = Points(lambda *_: None)
        self.postings = Postings(self)
        self._told: datetime | None = None
        self.positions = self._make_positions()
        self.first_holdings = self._first_holdings()

    @property
    def doubled(self) -> set[str]:
        """Ids of orders that the network has delivered twice."""
        return self.http_wire.doubled

    @property
    def under_way(self) -> list[Posted]:
        """Orders that will arrive later."""
        return self.http_wire.under_way

    def tell_time(self) -> None:
        """Let the database know what time it is."""
        if self._told != self.timeline.at:
            self._told = self.timeline.at
            self.database.set_time(self.timeline.at)

    def strike(self, planned: Planned) -> None:
        """A fault strikes."""
        if planned.index not in self.struck:
            self.struck.add(planned.index)
            self.history.note("FAULT", str(planned))

    def begin(self) -> None:
        """Take the positions in, and let the market move."""
        self.tell_time()
        self.venue.hold(self.positions)
        engine.take_in(self, self.positions)
        for one in self.positions:
            self.history.note(
                "book",
                f"{one.id} {one.side} {one.quantity} {one.symbol} at {one.entry_price}"
                f" {one.timeframe or '-'}",
            )
        self._arrange_market()
        self._arrange_gamma()

    def move_market(self) -> None:
        """Let the broker see the prices of now."""
        self.venue.move({symbol: self._level(symbol) for symbol in self.first_holdings})

    def calm(self) -> None:
        """All faults are over, and everything trades in size."""
        self.wire.disarm()
        self.session_faults.disarm()
        self.points.disarm()
        self.market.is_calm = True
        self.market.halts.clear()
        self.untraded.clear()
        self.wall.offset = timedelta(0)
        for feed in (self.feed, self.true_feed):
            feed.spoiled.clear()
            feed.stands_still.clear()
            feed.lacks.clear()
            feed.is_down = False

    def _level(self, symbol: str) -> Level | None:
        contract = parse_contract(symbol)
        trades = contract.underlying not in self.market.halts.keys() | self.untraded
        if contract.is_adjusted or not trades:
            return None
        return self.market.level(symbol, self.timeline.at)

    def _make_venue(self) -> Any:
        if self.plan.broker == "alpaca":
            return AlpacaVenue(self.timeline, guards=self.plan.guards)
        if self.plan.broker == "tradier":
            return TradierVenue(self.timeline, guards=self.plan.guards)
        return PaperVenue(self.database, self._by_hand)

    def _by_hand(self, request: OrderRequest) -> bool:
        return engine.place_by_hand(self, request)

    def _make_positions(self) -> Sequence[NewPosition]:
        plan = self.plan
        made = make_positions(plan.seed, self.venue.owner, self.market, plan.positions)
        if plan.has_adjusted and plan.broker != "paper":
            made.append(adjusted_position(len(made) + 1, self.venue.owner, plan.sessions[0]))
        return [replace(one, policy=LADDERS) for one in made] if self.climbs else made

    def _first_holdings(self) -> dict[str, int]:
        held: Counter[str] = Counter()
        for one in self.positions:
            held[one.symbol] += one.quantity if one.side == "LONG" else -one.quantity
        return dict(held)

    def _arrange_market(self) -> None:
        self.move_market()
        for number, session in enumerate(self.plan.sessions):
            at = session.opens_at
            while at < session.closes_at:
                # A second after the step, so that a tick at the same time saw the prices before.
                self.timeline.arrange(at + timedelta(seconds=1), self.move_market)
                at += STEP
            if number == 0:
                self.timeline.arrange(session.closes_at + timedelta(minutes=15), self._end_day)

    def _end_day(self) -> None:
        self.history.note("broker", "the day ends")
        day = self.plan.sessions[0].day
        values: dict[str, Decimal] = {}
        for symbol in self.first_holdings:
            contract = parse_contract(symbol)
            if contract.expiration <= day and not contract.is_adjusted:
                price = self.market.price(contract.underlying, self.timeline.at)
                values[symbol] = contract.intrinsic(price)
        self.venue.end_day(values)

    def _arrange_gamma(self) -> None:
        """Once or twice a day the newest gamma signal turns against somebody."""
        chance = stream(self.plan.seed, "gamma")
        for number in range(chance.randint(0, 3)):
            slot = chance.choice(self.plan.slots)
            name = chance.choice(sorted({parse_contract(one).underlying for one in
                                         self.first_holdings}))  # fmt: skip
            ways = chance.choice((("CALL", "PUT"), ("PUT", "CALL")))
            self.timeline.arrange(
                slot - timedelta(seconds=30),
                lambda number=number, name=name, ways=ways: self._signal(number, name, ways),
            )

    def _signal(self, number: int, name: str, ways: tuple[str, str]) -> None:
        at = self.timeline.at
        self.history.note("gamma", f"{name} turns from {ways[0]} to {ways[1]}")
        self.database.rows(
            _GEX,
            f"g{number}a", name, ways[0], at - timedelta(minutes=15),
            f"g{number}b", name, ways[1], at,
        )  # fmt: skip
