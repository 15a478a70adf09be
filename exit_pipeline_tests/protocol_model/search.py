"""Breadth-first search through every state of a variant."""

from collections.abc import Collection
from dataclasses import dataclass, field

from exit_pipeline_tests.protocol_model.model import (
    Violation,
    initial,
    moves,
    violations,
    violations_at_rest,
)
from exit_pipeline_tests.protocol_model.rules import Variant
from exit_pipeline_tests.protocol_model.state import State, canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a search has found.

    Attributes:
        states: How many states were seen; all that there are, where the search was exhaustive.
        ends: How many of them nothing follows from.
        traces: By violation, the shortest history to it, as sentences.
        happened: Every kind of step that occurred, as ``Move.what``.
    """

    states: int
    ends: int
    traces: dict[Violation, list[str]]
    happened: frozenset[str]

    @property
    def is_safe(self) -> bool:
        """Nothing was violated."""
        return not self.traces

    def __str__(self) -> str:
        if self.is_safe:
            return f"safe, {self.states:,} states"
        return "\n".join(
            f"{violation} in {len(trace)} steps\n"
            + "\n".join(f"{number:4}. {step}" for number, step in enumerate(trace, 1))
            for violation, trace in self.traces.items()
        )


def search(variant: Variant, wanted: Collection[Violation] = ()) -> Answer:
    """Visit every state, the nearest first, until what is wanted was found.

    Args:
        variant: Protocol and world.
        wanted: Violations to look for, on through others; the search is exhaustive where one of
            them never comes. Without any, the first violation ends it.
    """
    seen = _Seen(variant)
    frontier = [seen.start]
    while frontier and not seen.has_answer(wanted):
        following = []
        for state in frontier:
            following += seen.expand(state)
            if seen.has_answer(wanted):
                break
        frontier = following
    return Answer(
        states=len(seen.parents),
        ends=seen.ends,
        traces={
            violation: seen.trace(end)
            for violation, end in seen.violated.items()
            if not wanted or violation in wanted
        },
        happened=frozenset(seen.happened),
    )


@dataclass(slots=True)
class _Seen:
    """The states seen so far, each with the one before it."""

    variant: Variant
    parents: dict[State, State | None] = field(default_factory=dict)
    violated: dict[Violation, State] = field(default_factory=dict)
    happened: set[str] = field(default_factory=set)
    ends: int = 0

    def __post_init__(self) -> None:
        self.parents[self.start] = None

    @property
    def start(self) -> State:
        return canonical(initial(self.variant))

    def has_answer(self, wanted: Collection[Violation]) -> bool:
        if wanted:
            return all(one in self.violated for one in wanted)
        return bool(self.violated)

    def expand(self, state: State) -> list[State]:
        """The states that follow a state and were not seen before, judged."""
        new = []
        move = None
        for move in moves(self.variant, state):
            self.happened.add(move.what)
            following = canonical(move.to)
            if following not in self.parents:
                self.parents[following] = state
                new.append(following)
                for violation in violations(self.variant, following):
                    self.violated.setdefault(violation, following)
        if move is None:
            self.ends += 1
            for violation in violations_at_rest(state):
                self.violated.setdefault(violation, state)
        return new

    def trace(self, end: State) -> list[str]:
        """The way from the start to a state, with the same names for the workers all along.

        The states that were kept have their workers sorted, so the way is walked again from the
        start with the workers in their places.
        """
        way = [end]
        while (before := self.parents[way[-1]]) is not None:
            way.append(before)
        state, sentences = initial(self.variant), []
        for following in reversed(way[:-1]):
            move = next(one for one in moves(self.variant, state) if canonical(one.to) == following)
            sentences.append(str(move))
            state = move.to
        return sentences
