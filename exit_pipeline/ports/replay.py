"""Recorded decisions in bulk, and what is kept of replays."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from exit_pipeline.core.model.recorded import (
    RecordedDecisions,
    RecordedPosition,
    RecordedRange,
    RecordedShadows,
)
from exit_pipeline.core.model.replayed import (
    ReplayedDay,
    ReplayedRows,
    ReplayedTick,
    ReplayKey,
    ReplayKind,
)


class ReplayWriter(Protocol):
    """One replay of one day, while it takes the place of the one before."""

    def add(self, rows: ReplayedRows) -> None:
        """Add decisions of the day."""
        ...

    def finish(self, day: ReplayedDay) -> None:
        """Say how it ended, which is said once and last."""
        ...


class ReplayStore(Protocol):
    """Recorded decisions in bulk, and what is kept of replays."""

    def recorded(
        self, asked: RecordedRange, chunk: int, *, with_reasoning: bool = False
    ) -> Iterator[RecordedDecisions]:
        """Recorded decisions by time and id, some at a time.

        Each part is of one moment of the database, and nothing is held between two: what is
        recorded meanwhile at a time that was passed is not among them. No tick waits for it.

        Args:
            asked: The range, best of a day, and which runs.
            chunk: Decisions of one part at most, by which memory is bounded; those of one time are
                never parted.
            with_reasoning: Also the sentences that were recorded.
        """
        ...

    def positions(self, asked: RecordedRange) -> Sequence[RecordedPosition]:
        """The positions on which anything was decided in a range, by the first time and id.

        Those that were held at the same time are then read together, from the same pages.
        """
        ...

    def recorded_of(self, asked: RecordedRange, positions: Sequence[str]) -> RecordedDecisions:
        """Recorded decisions of some positions, by position, time and id, all in memory.

        No tick waits for it.
        """
        ...

    def shadows_of(self, asked: RecordedRange, positions: Sequence[str]) -> RecordedShadows:
        """What shadow policies decided on some positions, by name, position and time."""
        ...

    def untimed(self, asked: RecordedRange, zone: ZoneInfo) -> Mapping[date, int]:
        """Decisions without a time of their own, such as users' own, by the day of their making."""
        ...

    def replacing(self, key: ReplayKey) -> AbstractContextManager[ReplayWriter]:
        """Replace the replay of a day as a whole, in one transaction.

        Where the context is left by an error, or the process ends in it, the one before stays.
        """
        ...

    def days(self, kind: ReplayKind, label: str, first: date, last: date) -> Sequence[ReplayedDay]:
        """The replays of a kind and label that are kept of these days, by day."""
        ...

    def ticks(self, key: ReplayKey) -> Sequence[ReplayedTick]:
        """The replay of a day that is kept, counted by time; empty where there is none."""
        ...
