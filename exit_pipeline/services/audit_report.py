"""What an audit is asked for, and what it found."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.recorded import EVERYTHING
from exit_pipeline.core.model.replayed import ReplayedDay
from exit_pipeline.services.recorded_days import DAY, RecordedDays

CHUNK: Final = 20_000
"""Decisions in memory at a time, unless told otherwise."""

SHOWN: Final = 50
"""Cells and looks ahead that are told one by one, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest(RecordedDays):
    """What is to be audited.

    Attributes:
        shown: Cells and looks ahead that are told one by one.
        keep: Keep what comes of each day, in place of what is kept of it.
        skip_audited: Take days that this version has audited already as they are kept, without
            what was recorded of them since.
        with_reasoning: Also compare the sentences, where this version decided; making them takes
            longer than all the rest.
    """

    chunk: int = CHUNK
    shown: int = SHOWN
    keep: bool = True
    skip_audited: bool = False
    with_reasoning: bool = False

    def __post_init__(self) -> None:
        RecordedDays.__post_init__(self)
        if self.shown < 0:
            message = f"shown is {self.shown}; expected 0 or more differences"
            raise InputError(message)

    def days(self) -> Iterator[date]:
        """Every day of the range, also those on which the exchange is closed."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + number * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One value that is not what was recorded, or one input of a later time than its decision.

    Attributes:
        decision_id: Key of the decision.
        run_id: Its run.
        position_id: Its position.
        decided_at: Its time.
        column: The column, by the database's name.
        recorded: What was recorded.
        made: What is made of the same inputs now; for a look ahead, the decision's own time.
        code_version: Version of the program that decided.
    """

    decision_id: str
    run_id: str
    position_id: str
    decided_at: datetime
    column: str
    recorded: Any
    made: Any
    code_version: str


@dataclass(slots=True, kw_only=True)
class AuditReport:
    """What an audit found.

    Attributes:
        request: What was asked.
        label: Of which runs, as it is kept.
        code_version: Of this program.
        days: How each day ended that has decisions, by day.
        columns: How many values differ, by column.
        differences: The first of them.
        ahead: The first inputs of a later time than their decision's.
        left_out: How many decisions could not be made again, by the reason.
        audited_before: Days that were audited before.
    """

    request: AuditRequest
    label: str
    code_version: str
    days: list[ReplayedDay] = field(default_factory=list)
    columns: Counter[str] = field(default_factory=Counter)
    differences: list[Cell] = field(default_factory=list)
    ahead: list[Cell] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    audited_before: int = 0

    @property
    def decisions(self) -> int:
        """How many decisions were made again."""
        return sum(day.decisions for day in self.days)

    @property
    def differing(self) -> int:
        """How many of them are not what was recorded."""
        return sum(day.differing for day in self.days)

    @property
    def looking_ahead(self) -> int:
        """How many of them have an input of a later time than their own."""
        return sum(day.ahead for day in self.days)

    @property
    def cells(self) -> int:
        """How many values differ; of days that were audited before, none is known."""
        return self.columns.total()

    @property
    def code_versions(self) -> Mapping[str, int]:
        """How many each version of the program had decided."""
        found: Counter[str] = Counter()
        for day in self.days:
            found.update(day.code_versions)
        return found

    @property
    def is_clean(self) -> bool:
        """Nothing differs and nothing looks ahead."""
        return not self.differing and not self.looking_ahead

    def refuse_nothing(self) -> None:
        """Make of an audit that has found nothing to audit a mistake of who asked for it.

        Raises:
            InputError: No decision is recorded in the range.
        """
        if not self.days:
            asked = self.request
            span = f"from {asked.first} to {asked.last}"
            only = "" if self.label == EVERYTHING else f" ({self.label})"
            message = f"no decision is recorded {span}{only}"
            raise InputError(message)

    def add(self, day: ReplayedDay) -> None:
        """Count a day in."""
        self.days.append(day)
        self.left_out.update(day.left_out)
