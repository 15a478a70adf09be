"""Simulate seeds with a mutant in the program until one of them finds it."""

from collections.abc import Iterable
from dataclasses import dataclass

from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.mutants.mutant import Mutant
from exit_pipeline_tests.simulation.mutants.shows import SHOWS_IN
from exit_pipeline_tests.simulation.plan import BROKERS
from exit_pipeline_tests.simulation.simulator import simulate
from exit_pipeline_tests.simulation.themes import theme_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """How a mutant was found.

    Attributes:
        seed: The seed that found it.
        broker: Its personality.
        invariants: Those that the seed breaks with the mutant and keeps without it.
        message: The first of those violations.
    """

    seed: int
    broker: str
    invariants: tuple[str, ...]
    message: str


class Sound:
    """What seeds break without any mutant, each simulated once.

    Args:
        ticks: So many ticks of each day, or the whole of it.
    """

    def __init__(self, ticks: int | None = None) -> None:
        self.ticks = ticks
        self._known: dict[int, frozenset[str]] = {}

    def breaks(self, seed: int, database: SimDatabase) -> frozenset[str]:
        """The invariants that a seed breaks; none, in a sound program."""
        if seed not in self._known:
            found = simulate(seed, database, ticks=self.ticks).violations
            self._known[seed] = frozenset(one.invariant for one in found)
        return self._known[seed]


def hunt(mutant: Mutant, seeds: Iterable[int], database: SimDatabase, sound: Sound) -> Kill | None:
    """The first of the seeds that finds a mutant; None where none does.

    Seeds of a personality in which it can make no difference are passed over, and those without the
    theme that brings it out (``shows``). What the program breaks without the mutant too
    is not held against the mutant.

    Args:
        mutant: The mistake.
        seeds: In order.
        database: Emptied for each.
        sound: The same seeds without it.
    """
    for seed in seeds:
        if not _may_show(mutant, seed):
            continue
        with mutant.applied(database):
            outcome = simulate(seed, database, ticks=sound.ticks)
        if not outcome.violations:
            continue
        known = sound.breaks(seed, database)
        found = [one for one in outcome.violations if one.invariant not in known]
        if found:
            return Kill(
                seed=seed,
                broker=outcome.broker,
                invariants=tuple(sorted({one.invariant for one in found})),
                message=str(found[0]),
            )
    return None


def _may_show(mutant: Mutant, seed: int) -> bool:
    is_at_its_broker = BROKERS[seed % len(BROKERS)] in mutant.brokers
    return is_at_its_broker and SHOWS_IN.get(mutant.name) in {None, theme_of(seed)}
