"""What is kept about the market."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from exit_pipeline.core.model.context import GexHistory
from exit_pipeline.core.model.quote import OpenInterest


class SignalStore(Protocol):
    """What other programs, and our own context, have written about the market."""

    def gex_history(self, underlyings: Sequence[str], at: datetime) -> dict[str, GexHistory]:
        """The newest gamma signal and the one before it, by underlying, none later than `at`."""
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
