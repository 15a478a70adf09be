"""What is kept about the market."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from exit_pipeline.core.model.context import GexHistory
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.quote import OpenInterest
from exit_pipeline.core.model.signal import Signal


class SignalStore(Protocol):
    """What other programs, and our own context, have written about the market."""

    def gex_history(
        self, underlyings: Sequence[str], at: datetime, mode: str = ""
    ) -> dict[str, GexHistory]:
        """The newest gamma signal and the one before it, by underlying, none later than `at`.

        Both are of one series: of other programs, or our own of the mode.
        """
        ...

    def entry_directions(
        self, entries: Mapping[str, tuple[str, datetime]], at: datetime, mode: str
    ) -> dict[str, Direction]:
        """The direction in force when positions were entered, or that of the first signal after.

        Args:
            entries: Underlying and time of entry by position id.
            at: No signal is later than this.
            mode: Of our own signals; those of others go first.
        """
        ...

    def recent_signals(self, symbols: Sequence[str], since: datetime, at: datetime) -> list[Signal]:
        """Signals of strategies about symbols, later than `since` and none later than `at`."""
        ...

    def newest_trend(self, at: datetime) -> tuple[str, datetime] | None:
        """The newest trend that was recorded, none later than `at`, with its time."""
        ...

    def record_context(self, run_ids: Sequence[str], snapshot: Mapping[str, object]) -> None:
        """Keep the context that runs saw in ``refactored_context_snapshots``, once per run."""
        ...

    def import_gex_signals(self, rows: Sequence[Mapping[str, object]]) -> int:
        """Add gamma signals by their ids; returns how many were new."""
        ...


class OpenInterestStore(Protocol):
    """Open interest that was asked for."""

    def told_on(self, session_day: date, symbols: Sequence[str]) -> dict[str, int | None]:
        """What was told on a session day, by symbol; None where the source had none.

        A symbol that was not asked about on that day is absent.
        """
        ...

    def record(
        self,
        source: str,
        session_day: date,
        told: Sequence[OpenInterest],
        without: Sequence[str] = (),
    ) -> None:
        """Keep an answer: what was told of contracts, and the symbols that it has none of."""
        ...
