"""Recorded decisions as columns: their inputs, what came of them, and whose they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.outcome_columns import Codes, OutcomeColumns, Text, Words

EVERYTHING: Final = "all"
"""The label of decisions of all runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """The run that decisions were made in.

    Attributes:
        id: Key of the run.
        environment: ``paper``, ``live``, ``tape`` or ``simulated``.
        account: The broker's account.
        mode: ``live`` for market data of then, or the name of the source that was replayed.
        dry_run: It was one.
        code_version: Version of the program that decided.
    """

    id: str
    environment: str
    account: str
    mode: str
    dry_run: bool
    code_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPolicy:
    """A policy as it is kept.

    Attributes:
        hash: SHA-256 of its canonical JSON.
        text: That JSON, in any order and spacing.
    """

    hash: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecisions:
    """Decisions that can be made again, one row each, by time and id, or by position before that.

    Attributes:
        book: Their inputs; ``book.policy`` indexes `policies`.
        outcome: What was recorded of them.
        ids: Key of each row.
        positions: Its position's id.
        run: Index of its run in `runs`.
        runs: The runs.
        policies: The policies that decided.
        left_out: Decisions of the same range that can't be made again, counted by the reason.
        reasoning: The sentences that were recorded, by row; None where they were not asked for.
    """

    book: Book
    outcome: OutcomeColumns
    ids: Text
    positions: Text
    run: Codes
    runs: Sequence[RecordedRun]
    policies: Sequence[RecordedPolicy]
    left_out: Mapping[str, int] = field(default_factory=dict)
    reasoning: Sequence[Sequence[str]] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.intp]) -> Self:
        """Some rows, with all runs and policies, and nothing that is left out."""
        kept = self.reasoning
        return type(self)(
            book=self.book.take(rows),
            outcome=self.outcome.take(rows),
            ids=self.ids[rows],
            positions=self.positions[rows],
            run=self.run[rows],
            runs=self.runs,
            policies=self.policies,
            reasoning=kept and [kept[row] for row in rows.tolist()],
        )

    def position_codes(self) -> tuple[Codes, tuple[str, ...]]:
        """Each row's position as a code, and the positions' ids by their codes, sorted."""
        ids, codes = np.unique(self.positions, return_inverse=True)
        return codes.astype(np.int32), tuple(one.decode() for one in ids.tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPosition:
    """A position on which anything was decided in a range.

    Attributes:
        id: The position's; empty for all decisions that were kept without one.
        decisions: How many there are.
        symbol: Compact OCC symbol of its contract; None where that is not known.
    """

    id: str
    decisions: int
    symbol: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedShadows:
    """What shadow policies decided beside recorded decisions, one row each.

    Attributes:
        beside: Key of the decision of the same run and position.
        name: Index of the shadow policy's name in `names`.
        names: The names, sorted.
        policy: Index of what the name stood for in `policies`.
        policies: The policies.
        exit_reason: The deciding rule's name in capitals; empty on a HOLD.
        exit_quantity: Contracts to close; 0 on a HOLD.
        urgency: ``Urgency``; NOT_STORED on a HOLD.
    """

    beside: Text
    name: Codes
    names: Sequence[str]
    policy: Codes
    policies: Sequence[RecordedPolicy]
    exit_reason: Text
    exit_quantity: Codes
    urgency: Words

    def __len__(self) -> int:
        return len(self.beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRange:
    """Which recorded decisions are asked for.

    Attributes:
        start: Decided at this time or later.
        end: Decided before this time.
        environment: Only of this environment; None means all.
        mode: Only of this mode, such as ``live``; None means all.
        dry_run: Only of dry runs, or of none, as what no run decided is; None means all.
    """

    start: datetime
    end: datetime
    environment: str | None = None
    mode: str | None = None
    dry_run: bool | None = None

    @property
    def label(self) -> str:
        """What the range is restricted to, in words; EVERYTHING where it is to nothing.

        Example: ``paper, no dry runs``.
        """
        said = [one for one in (self.environment, self.mode and f"mode {self.mode}") if one]
        if self.dry_run is not None:
            said.append("dry runs" if self.dry_run else "no dry runs")
        return ", ".join(said) or EVERYTHING
