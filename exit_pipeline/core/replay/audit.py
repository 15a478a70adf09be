"""The audit: each recorded decision again, by its own policy, beside what was recorded of it.

A decision is a pure function of its inputs and its policy, so that nothing may differ.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import BoolColumn
from exit_pipeline.core.model.decision import Decisions
from exit_pipeline.core.model.outcome_columns import OutcomeColumns
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.core.replay.look_ahead import look_ahead
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.core.replay.readable import readable

REASONING = "reasoning"
"""The name of what is compared only where the same version of the program decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """Recorded decisions that were made again.

    Attributes:
        recorded: As they were recorded.
        policies: That decided; ``recorded.book.policy`` indexes these.
        decisions: As they are made now.
        made: What came of them now, beside ``recorded.outcome``.
        differing: The columns in which any row differs, and in which rows.
        ahead: The inputs with a time later than their decision's, and in which rows.
        left_out: How many decisions could not be made again, by the reason.
        sentences: What the reasoning is now, by row, where it differs.
    """

    recorded: RecordedDecisions
    policies: Sequence[Policy]
    decisions: Decisions
    made: OutcomeColumns
    differing: Mapping[str, BoolColumn]
    ahead: Mapping[str, BoolColumn]
    left_out: Mapping[str, int]
    sentences: Mapping[int, Sequence[str]]

    def __len__(self) -> int:
        return len(self.recorded)

    @property
    def same(self) -> BoolColumn:
        """Where nothing differs."""
        return ~_any(self.differing, len(self))

    @property
    def is_ahead(self) -> BoolColumn:
        """Where any input is of a later time than its decision."""
        return _any(self.ahead, len(self))

    def cells(self, row: int) -> dict[str, tuple[Any, Any]]:
        """What was recorded of a row and what is made of it now, where that differs, by column.

        Example: ``{"exit_reason": ("STOP_LOSS", None)}``, where nothing is None.
        """
        return {name: self._cell(name, row) for name, where in self.differing.items() if where[row]}

    def _cell(self, name: str, row: int) -> tuple[Any, Any]:
        if name == REASONING:
            told = self.recorded.reasoning or ()
            return " ".join(told[row]), " ".join(self.sentences[row])
        return self.recorded.outcome.stored(name, row), self.made.stored(name, row)


def audit(recorded: RecordedDecisions, code_version: str) -> Audited:
    """Make recorded decisions again, and compare.

    A policy that this version can't read leaves its decisions out, with the sentence that says so.

    Args:
        recorded: The decisions; with their reasoning, if that is to be compared as well.
        code_version: Of this program: the reasoning is prose, and compared only where the same
            version decided.
    """
    recorded, policies, unread = readable(recorded)
    decisions = decide(recorded.book, policies) if policies else Decisions.empty(0, 0)
    made = made_outcome(decisions, policies, recorded.book.policy)
    differing = recorded.outcome.differing(made)
    sentences = {}
    if recorded.reasoning is not None:
        sentences = _other_sentences(recorded, policies, decisions, code_version)
    if sentences:
        differing[REASONING] = np.zeros(len(recorded), np.bool_)
        differing[REASONING][list(sentences)] = True
    return Audited(
        recorded=recorded,
        policies=policies,
        decisions=decisions,
        made=made,
        differing=differing,
        ahead=look_ahead(recorded.book, decisions, policies),
        left_out=Counter(recorded.left_out) + Counter(unread),
        sentences=sentences,
    )


def _other_sentences(
    recorded: RecordedDecisions,
    policies: Sequence[Policy],
    decisions: Decisions,
    code_version: str,
) -> dict[int, Sequence[str]]:
    """The reasoning as it is now, by row, where the same version had another one."""
    versions = np.array([run.code_version == code_version for run in recorded.runs], np.bool_)
    told, explanation = recorded.reasoning or (), Explanation(recorded.book, policies, decisions)
    rows: list[int] = np.flatnonzero(versions[recorded.run]).tolist()
    now = ((row, explanation.sentences(row)) for row in rows)
    return {row: said for row, said in now if tuple(said) != tuple(told[row])}


def _any(columns: Mapping[str, BoolColumn], rows: int) -> BoolColumn:
    found: BoolColumn = np.zeros(rows, np.bool_)
    for column in columns.values():
        found |= column
    return found
