"""One seed, from the opening of its day to the verdict."""

import logging
from bisect import insort
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import stamina

from exit_pipeline.core.model.contract import parse_contract
from exit_pipeline_tests.simulation.book_checks import check_books
from exit_pipeline_tests.simulation.books import open_alerts
from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.decisions import check_decisions, check_records
from exit_pipeline_tests.simulation.engine import Engine, Launch
from exit_pipeline_tests.simulation.faults import Planned
from exit_pipeline_tests.simulation.history import Violation
from exit_pipeline_tests.simulation.invariants import Invariants
from exit_pipeline_tests.simulation.leaks import LogWatch, check_leaks
from exit_pipeline_tests.simulation.liveness import check_liveness
from exit_pipeline_tests.simulation.person import look_at_everything, look_at_halts
from exit_pipeline_tests.simulation.plan import make_plan
from exit_pipeline_tests.simulation.points import Killed
from exit_pipeline_tests.simulation.schedule import Due, launches_again, make_schedule
from exit_pipeline_tests.simulation.strikes import Strikes
from exit_pipeline_tests.simulation.world import Mutation, World

_TRANSITIONS: Final = """
    SELECT coalesce(from_status, 'new') || ' -> ' || to_status AS transition, count(*) AS times
    FROM order_events WHERE from_status IS DISTINCT FROM to_status GROUP BY 1
"""
_LONGEST_FREEZE: Final = {"freeze": 1_300, "pause": 210}
"""Seconds, besides 20: past every limit of the protocol, or within the lease."""

_WATCHED: Final = ("exit_pipeline", "sqlalchemy.pool", "stamina", "httpx")
"""Loggers that are looked through for keys instead of shown: broken connections are meant."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a seed.

    Attributes:
        seed: The seed.
        violations: What was wrong; empty where nothing was.
        struck: Faults that struck.
        lines: The history.
        counts: Figures by name.
        transitions: Transitions of orders that were seen.
        points: Points that were reached.
        causes: Causes of alerts that were raised.
        recoveries: For each order whose state at the broker was in doubt, for how many runs.
        longest_doubt: Seconds for which one was at most.
        crashed_at: Points at which an engine died.
    """

    seed: int
    broker: str
    violations: tuple[Violation, ...]
    struck: tuple[Planned, ...]
    lines: tuple[str, ...]
    counts: Counter[str] = field(default_factory=Counter)
    transitions: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    recoveries: tuple[int, ...] = ()
    longest_doubt: int = 0
    crashed_at: tuple[str, ...] = ()


def simulate(
    seed: int,
    database: SimDatabase,
    *,
    ticks: int | None = None,
    only: Collection[int] | None = None,
    mutation: Mutation | None = None,
    climbs: bool = False,
    theme: str | None = None,
) -> Outcome:
    """Run one seed.

    Args:
        seed: Fixes everything.
        database: Emptied first.
        ticks: So many ticks of the day, or the whole of it.
        only: Numbers of the planned faults that may strike; None means all.
        mutation: A mistake in the program, for tests of the simulator itself.
        climbs: Exits go up ladders inside their ticks.
        theme: Another than the seed's own, or none.
    """
    plan = make_plan(seed, ticks, theme)
    database.reset()
    world = World(plan, database, mutation, climbs=climbs)
    faults = [one for one in plan.faults if only is None or one.index in only]
    with _undisturbed() as log:
        simulator = _Simulator(world, faults)
        simulator.run()
        check_records(world)
        check_books(world)
        check_leaks(world, log)
    return simulator.outcome()


class _Simulator:
    """Runs what is due, with one engine at a time and sometimes another one inside it."""

    def __init__(self, world: World, faults: list[Planned]) -> None:
        self._world = world
        self._faults = faults
        self._strikes = Strikes(world)
        self._invariants = Invariants(world)
        self._queue = make_schedule(world.plan, faults)
        self._counts: Counter[str] = Counter()
        self._causes: Counter[str] = Counter()
        self._crashed_at: list[str] = []
        self._impatient: list[Planned] = []
        self._lives = 0
        self._runs = 0
        world.points = type(world.points)(self._at_point)
        self._engine = self._new_engine()

    def run(self) -> None:
        world = self._world
        world.begin()
        while self._queue:
            due = self._queue.pop(0)
            world.timeline.advance_to(due.at)
            if due.is_calm and not self._counts["calm"]:
                self._begin_calm()
            self._do(due, self._engine)
        books = self._invariants.check()
        check_liveness(world, books, world.plan.calm_slots[0])
        self._note_causes()
        self._engine.close()

    def outcome(self) -> Outcome:
        world = self._world
        struck = tuple(one for one in self._faults if one.index in world.struck)
        plan = world.plan
        counts = self._counts | Counter(
            invariants=self._invariants.evaluated,
            orders_sent=world.postings.count,
            broker_calls=sum(
                times for point, times in world.points.reached.items() if _is_call(point)
            ),
            half_days=bool(plan.calendar.early_closes),
            overnight=plan.ends_overnight,
            expiring_positions=sum(
                parse_contract(one.symbol).expiration == plan.sessions[0].day
                for one in world.positions
            ),
        )
        return Outcome(
            seed=world.plan.seed,
            broker=world.plan.broker,
            violations=tuple(world.history.violations),
            struck=struck,
            lines=tuple(world.history.lines),
            counts=counts,
            transitions=self._transitions(),
            points=world.points.reached,
            causes=self._causes,
            recoveries=tuple(self._invariants.recoveries),
            longest_doubt=self._invariants.longest_doubt,
            crashed_at=tuple(self._crashed_at),
        )

    def _transitions(self) -> Counter[str]:
        """From the events of orders, where they are kept, else as they were seen after steps."""
        if "order_events" not in self._world.database.tables:
            return self._invariants.transitions
        rows = self._world.database.rows(_TRANSITIONS)
        return Counter({row["transition"]: row["times"] for row in rows})

    def _do(self, due: Due, engine: Engine) -> None:
        """One launch, and what is wrong after it."""
        for planned in due.begins:
            self._strikes.begin(planned)
            if planned.kind.site == "patience":
                self._impatient.append(planned)
        if due.strikes is not None:
            self._world.strike(due.strikes)
        if due.launch is None:
            return
        ending = self._launch(due.launch, engine)
        if due.is_calm and ending.startswith("failed"):
            self._world.history.violate("L3", f"a run after all faults {ending}")
        elif self._impatient and not due.is_calm and self._invariants.any_in_doubt:
            self._lose_patience(self._impatient.pop(0))

    def _lose_patience(self, planned: Planned) -> None:
        """An order is in doubt, and somebody launches the job again and again."""
        calm = next(due.at for due in self._queue if due.is_calm)
        for due in launches_again(planned, self._world.timeline.at, calm):
            insort(self._queue, due, key=lambda one: one.at)

    def _launch(self, launch: Launch, engine: Engine) -> str:
        """One run and what is wrong after it; how it ended."""
        world, launch = self._world, self._named(launch)
        engine.note(f"run {launch.key}{' dry' if launch.dry_run else ''}")
        self._counts["runs"] += 1
        try:
            ending = engine.run(launch)
        except Killed:
            engine.note(ending := "is gone")
            engine.close()
            self._engine = self._new_engine()
        else:
            engine.note(ending)
            self._counts["runs_failed"] += ending.startswith("failed")
        world.tell_time()
        self._invariants.check()
        check_decisions(world, launch)
        self._counts["halts"] += look_at_halts(world)
        return ending

    def _named(self, launch: Launch) -> Launch:
        """Every run has an id of its own."""
        self._runs += 1
        return Launch(**{**vars(launch), "key": f"{launch.key}-{self._runs}"})

    def _at_point(self, planned: Planned, engine: Engine, point: str) -> None:
        """An engine has reached the point at which a fault waits."""
        world, what = self._world, planned.kind.what
        world.strike(planned)
        engine.note(f"{what} at {point}")
        if what == "crash":
            self._crashed_at.append(point)
            engine.die()
            return
        self._invariants.check()
        other = Engine(world, f"{engine.name}'", is_probed=False)
        if what in _LONGEST_FREEZE:
            engine.freeze()
            self._work_until(other, world.timeline.at + self._frozen_for(planned))
            engine.note("wakes up")
        else:
            self._launch(Launch(key="other"), other)
        other.close()

    @staticmethod
    def _frozen_for(planned: Planned) -> timedelta:
        return timedelta(seconds=20 + planned.amount * _LONGEST_FREEZE[planned.kind.what])

    def _work_until(self, engine: Engine, until: datetime) -> None:
        """Another engine does what is due in the meantime."""
        while self._queue and self._queue[0].at <= until and not self._queue[0].is_calm:
            due = self._queue.pop(0)
            self._world.timeline.advance_to(due.at)
            self._do(due, engine)
        self._world.timeline.advance_to(min(until, self._last_moment()))

    def _last_moment(self) -> datetime:
        """A frozen engine wakes up while there are still faults."""
        return max(self._world.plan.slots[-1] + timedelta(minutes=4), self._world.timeline.at)

    def _begin_calm(self) -> None:
        """Faults end, what was under way arrives, a person looks at everything and resumes."""
        world = self._world
        self._counts["calm"] += 1
        world.history.note("FAULT", "all faults are over")
        self._strikes.end()
        self._engine.close()
        self._engine = self._new_engine()
        self._note_causes()
        look_at_everything(world)
        world.move_market()

    def _note_causes(self) -> None:
        for alert in open_alerts(self._world.database):
            self._causes[alert["cause"]] += 1

    def _new_engine(self) -> Engine:
        self._lives += 1
        return Engine(self._world, f"A{self._lives}")


def _is_call(point: str) -> bool:
    kind, _, side = point.partition(":")
    return (kind.startswith("http.") and side == "before_write") or (
        kind.startswith("paper.") and side == "before"
    )


@contextmanager
def _undisturbed() -> Iterator[LogWatch]:
    """Retries that don't wait, and logs that are looked through instead of shown."""
    watch = LogWatch()
    watched = [logging.getLogger(name) for name in _WATCHED]
    before = [(one, one.level, one.propagate) for one in watched]
    for one in watched:
        one.setLevel(logging.INFO)
        one.addHandler(watch)
        one.propagate = False
    try:
        with stamina.set_testing(True, attempts=4, cap=True):
            yield watch
    finally:
        for one, level, propagates in before:
            one.removeHandler(watch)
            one.setLevel(level)
            one.propagate = propagates
