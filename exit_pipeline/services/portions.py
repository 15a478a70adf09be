"""Positions in portions that bound memory, and results portion by portion."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from exit_pipeline.core.model.recorded import RecordedPosition, RecordedRange
from exit_pipeline.core.replay.comparison import Comparison
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.join_results import join_results
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.result import Result
from exit_pipeline.ports import ReplayStore
from exit_pipeline.services.recorded_paths import RecordedPaths, recorded_paths
from exit_pipeline.services.what_if_report import Tracked, Tried
from exit_pipeline.services.what_if_request import Named


@dataclass(slots=True, kw_only=True)
class Portions:
    """Results portion by portion; of the rows themselves nothing is held.

    Attributes:
        fee: Dollars for closing one contract.
        seed: Of the resampling.
        rows: Of each portion.
        tracked: By path, over all portions.
        baseline: What is compared with, of each portion.
        others: What is tried: of each policy, of each portion.
    """

    fee: Decimal
    seed: int
    rows: list[int] = field(default_factory=list)
    tracked: list[Tracked] = field(default_factory=list)
    baseline: list[Result] = field(default_factory=list)
    others: list[list[Result]] = field(default_factory=list)

    def add(
        self, paths: Paths, tracked: Sequence[Tracked], baseline: Exits, others: Iterable[Exits]
    ) -> None:
        """Take a portion to account."""
        self.rows.append(len(paths.book))
        self.tracked += tracked
        self.baseline.append(Result.of(paths, baseline, self.fee))
        results = [Result.of(paths, exits, self.fee) for exits in others]
        self.others = self.others or [[] for _ in results]
        for known, result in zip(self.others, results, strict=True):
            known.append(result)

    def tried(self, names: Sequence[Named]) -> list[Tried]:
        """All portions together, by policy."""
        if not self.rows:
            return []
        baseline = join_results(self.baseline, self.rows)
        comparisons = (
            Comparison.of(baseline, join_results(results, self.rows)) for results in self.others
        )
        return [
            Tried.of(name, self.tracked, comparison, self.seed)
            for name, comparison in zip(names, comparisons, strict=True)
        ]


def portions_of(
    positions: Sequence[RecordedPosition], chunk: int
) -> Iterator[list[RecordedPosition]]:
    """Positions in portions of at most so many decisions, where no single one has more."""
    part: list[RecordedPosition] = []
    held = 0
    for one in positions:
        if part and held + one.decisions > chunk:
            yield part
            part, held = [], 0
        part.append(one)
        held += one.decisions
    if part:
        yield part


def read_paths(
    store: ReplayStore, asked: RecordedRange, part: Sequence[RecordedPosition]
) -> RecordedPaths:
    """The recorded paths of some positions."""
    recorded = store.recorded_of(asked, [one.id for one in part])
    return recorded_paths(recorded, {one.id: one.symbol for one in part})
