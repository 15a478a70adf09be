"""Recorded decisions as columns: their inputs, what came of them, and whose they were.

A year of ticks is a million rows, so nothing here is an object per row: texts that repeat are
codes, and texts that don't are NumPy bytes in UTF-8.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import Book, BoolColumn, FloatColumn, HitsColumn, IntColumn
from exit_pipeline.core.model.decision import Outcome, Urgency
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.model.quote import QuoteGrade

Text = NDArray[np.bytes_]
Codes = NDArray[np.int32]
Words = NDArray[np.int8]

NOT_STORED: Final = -1
"""Code of a word, a count of bits or a mask where the database has nothing."""

FOREIGN: Final = 99
"""Code of a word that this version does not know."""

EVERYTHING: Final = "all"
"""The label of decisions of all runs."""

_WORDS: Final[Mapping[str, Mapping[int, str | None]]] = {
    "quote_grade": {grade.value: grade.name for grade in QuoteGrade},
    "decision": {0: "HOLD", 1: "EXIT"},
    "exit_action": {
        Outcome.HOLD: None,
        Outcome.PARTIAL: Outcome.PARTIAL.name,
        Outcome.FULL: Outcome.FULL.name,
    },
    "urgency": {urgency.value: urgency.name for urgency in Urgency},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeColumns:
    """What came of decisions, by the database's column names.

    Attributes:
        mark: Units of 1/10,000 dollar; UNKNOWN if none.
        pnl_percent: On the entry price at the mark; NaN if none.
        quote_flags: ``QuoteFlag`` bits; NOT_STORED if none are stored, and likewise below.
        quote_grade: ``QuoteGrade``.
        decision: 1 EXIT, 0 HOLD.
        exit_reason: The deciding rule's name in capitals; empty on a HOLD.
        exit_action: ``Outcome``; 0 on a HOLD.
        exit_quantity: Contracts to close; 0 on a HOLD.
        urgency: ``Urgency``; NOT_STORED on a HOLD.
        fired_mask: Bit i is set where rule i of the policy fired.
        evaluable_mask: Bit i is set where rule i of the policy could be judged.
        gex_latched_after: 1 where the gamma flip is due after the decision.
        rule_hits_after: For how many ticks in a row each rule has fired now.
    """

    mark: IntColumn
    pnl_percent: FloatColumn
    quote_flags: Codes
    quote_grade: Words
    decision: Words
    exit_reason: Text
    exit_action: Words
    exit_quantity: Codes
    urgency: Words
    fired_mask: IntColumn
    evaluable_mask: IntColumn
    gex_latched_after: Words
    rule_hits_after: HitsColumn

    def __len__(self) -> int:
        return len(self.mark)

    def take(self, rows: slice | NDArray[np.intp] | BoolColumn) -> Self:
        """The outcome of some rows."""
        return type(self)(**{c.name: getattr(self, c.name)[rows] for c in fields(self)})

    def differing(self, other: Self) -> dict[str, BoolColumn]:
        """The columns in which two outcomes differ anywhere, and where; NaN equals NaN.

        Floats are compared bit by bit, so that a zero equals no negative zero.
        """
        found = {}
        for column in fields(self):
            one, two = getattr(self, column.name), getattr(other, column.name)
            differs = one != two
            if column.name == "pnl_percent":
                differs = one.view(np.int64) != two.view(np.int64)
                differs &= ~(np.isnan(one) & np.isnan(two))
            if differs.any():
                found[column.name] = differs if differs.ndim == 1 else differs.any(axis=1)
        return found

    def stored(self, column: str, row: int) -> Any:
        """One value as the database keeps it; None is nothing, or not so.

        Example: a ``quote_grade`` of 2 is ``"BAD"``, a ``mark`` of 11,500 ``Decimal("1.1500")``.
        """
        value = getattr(self, column)[row]
        form: Callable[[str, Any], Any] = _STORED.get(column, _count)
        return form(column, value)


def _word(column: str, code: Any) -> str | None:
    if code == NOT_STORED:
        return None
    return _WORDS[column].get(int(code), "a word that this version does not know")


def _count(column: str, count: Any) -> int | None:
    nothing = 0 if column == "exit_quantity" else NOT_STORED
    return None if count == nothing else int(count)


_STORED: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    **dict.fromkeys(_WORDS, _word),
    "mark": lambda _, units: to_dollars(int(units)),
    "pnl_percent": lambda _, percent: None if np.isnan(percent) else float(percent),
    "exit_reason": lambda _, reason: reason.decode() or None,
    "gex_latched_after": lambda _, flag: None if flag == NOT_STORED else bool(flag),
    "rule_hits_after": lambda _, hits: hits.tolist() if hits.any() else None,
}
"""The stored form of a value of a column; every other one is a count."""


def words_of(column: str) -> Mapping[int, str | None]:
    """The words of a column of words by their codes; None is stored as nothing."""
    return _WORDS[column]


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
    """Decisions that can be made again, one row each, by time and id.

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
class RecordedRange:
    """Which recorded decisions are asked for.

    Attributes:
        start: Decided at this time or later.
        end: Decided before this time.
        environment: Only of this environment; None means all.
        mode: Only of this mode, such as ``live``; None means all.
        dry_run: Only of dry runs, or of none; None means all.
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
