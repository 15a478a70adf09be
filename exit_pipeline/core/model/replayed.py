"""Decisions that were made again, as they are kept day by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from exit_pipeline.core.model.book import BoolColumn, IntColumn
from exit_pipeline.core.model.outcome_columns import Codes, OutcomeColumns, Text


class ReplayKind(StrEnum):
    """AUDIT by the recorded policies, WHAT_IF by another one, SHADOW by what was decided beside."""

    AUDIT = "AUDIT"
    WHAT_IF = "WHAT_IF"
    SHADOW = "SHADOW"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayKey:
    """What is replaced as a whole: one replay of one day.

    Attributes:
        trading_day: In the exchange's time.
        kind: What was asked.
        label: Of which decisions or by which policy; one day has one replay of a kind and label.
    """

    trading_day: date
    kind: ReplayKind
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRows:
    """Decisions that were made again, as columns of equal length.

    Attributes:
        ids: Key of the decision that was recorded.
        positions: Its position's id.
        run: Index of its run in `runs`.
        runs: Keys of the runs.
        decided_at: The decision's own time, microseconds since the epoch.
        outcome: What came of it now.
        same: That is what was recorded.
        differences: By the index of each row that is not the same, what was recorded and what was
            made, as JSON by column.
    """

    ids: Text
    positions: Text
    run: Codes
    runs: Sequence[str]
    decided_at: IntColumn
    outcome: OutcomeColumns
    same: BoolColumn
    differences: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedTick:
    """What is kept of one replay of a day, counted at one time.

    Attributes:
        at: When it was decided; aware, UTC.
        exits: How many decisions are exits when they are made again.
        holds: How many are not.
        differing: How many of both are not what was recorded.
    """

    at: datetime
    exits: int
    holds: int
    differing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedDay:
    """How a replay of a day ended.

    Attributes:
        key: The day, the kind and the label.
        code_version: Of the program that made the decisions again.
        policy_hash: Of the policy that decided; None where each decision had its own.
        decisions: How many were made again.
        differing: How many of them differ from what was recorded.
        ahead: How many have an input of a later time than their own.
        left_out: How many could not be made again, by the reason.
        code_versions: How many each version of the program had decided.
        figures: Profit and loss and the like, by name.
        finished_at: When it was kept; None before.
    """

    key: ReplayKey
    code_version: str
    policy_hash: str | None = None
    decisions: int = 0
    differing: int = 0
    ahead: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    code_versions: Mapping[str, int] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    finished_at: datetime | None = None
