"""What was decided, row by row of a book."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import (
    MOST_RULES,
    BoolColumn,
    FlagColumn,
    FloatColumn,
    HitsColumn,
    IntColumn,
    SmallColumn,
)


class Outcome(IntEnum):
    """Keep the position, leave in part, or leave in full."""

    HOLD = 0
    PARTIAL = 1
    FULL = 2


class Urgency(IntEnum):
    """How far a closing order leans towards the other side of the market."""

    PATIENT = 0
    NORMAL = 1
    FAST = 2
    EMERGENCY = 3


MaskColumn = NDArray[np.unsignedinteger[Any]]

NO_RULE = -1
"""Value of ``Decisions.rule`` on a HOLD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A rule's answer over the whole book.

    Attributes:
        fired: The rule asks to leave; only where it is evaluable.
        evaluable: Every input that the rule needs is known and usable.
        quantity: Contracts to close where it fired; None closes all that is held.
        urgency: Urgency by row; None takes the rule's own.
    """

    fired: BoolColumn
    evaluable: BoolColumn
    quantity: IntColumn | None = None
    urgency: SmallColumn | None = None

    @classmethod
    def any_of(cls, rows: int, conditions: Sequence[Self]) -> Self:
        """The answer of a rule that fires on any of several conditions.

        One that is met is enough; that none is can only be said where each could be judged. Without
        a condition nothing can.
        """
        if not conditions:
            return cls(fired=np.zeros(rows, np.bool_), evaluable=np.zeros(rows, np.bool_))
        fired, evaluable = conditions[0].fired, conditions[0].evaluable
        for condition in conditions[1:]:
            fired = fired | condition.fired
            evaluable = evaluable & condition.evaluable
        return cls(fired=fired, evaluable=evaluable | fired)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTrace:
    """How a rule came to its answer, row by row.

    Attributes:
        observed: The value that was judged, in `unit`; NaN where not known.
        threshold: The value at which the rule fires, in `unit`.
        distance: What is missing until it fires, in `unit`; 0 where it has fired, NaN unknown.
        progress: The same as a share of the way, 0..1; NaN unknown.
        unit: ``%``, ``$``, ``minutes``, ``days``, ``strength`` or empty; one, or one a row.
        note: Why the rule is not evaluable or ignored what it saw; empty otherwise.
        sentence: The row's own sentence, in a rule that has several; None takes the rule's.
    """

    observed: FloatColumn
    threshold: FloatColumn
    distance: FloatColumn
    progress: FloatColumn
    unit: str | NDArray[np.object_]
    note: NDArray[np.object_]
    sentence: NDArray[np.object_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The outcome for each row of a book.

    Attributes:
        outcome: ``Outcome`` by row.
        rule: Index of the deciding rule in its policy's order; ``NO_RULE`` on a HOLD.
        quantity: Contracts to close; 0 on a HOLD.
        urgency: ``Urgency`` by row; PATIENT on a HOLD.
        fired_mask: Bit i is set where rule i of the policy fired.
        evaluable_mask: Bit i is set where rule i of the policy could be judged.
        flags: ``QuoteFlag`` bits.
        grade: ``QuoteGrade`` by row.
        mark: Price that the position is judged at, units of 1/10,000 dollar; UNKNOWN if none.
        pnl_percent: Profit or loss on the entry price at the mark, in percent; NaN if no mark.
        gex_latched: The gamma flip is due after this decision.
        hits: For how many ticks in a row each rule has fired now, ``MOST_RULES`` columns; counted
            only for rules that ask for more than one.
    """

    outcome: SmallColumn
    rule: SmallColumn
    quantity: NDArray[np.int32]
    urgency: SmallColumn
    fired_mask: MaskColumn
    evaluable_mask: MaskColumn
    flags: FlagColumn
    grade: SmallColumn
    mark: IntColumn
    pnl_percent: FloatColumn
    gex_latched: BoolColumn
    hits: HitsColumn

    @classmethod
    def empty(cls, rows: int, rules: int) -> Self:
        """Room for `rows` decisions under policies of up to `rules` rules, each a HOLD."""
        # Masks are as narrow as the number of rules allows: a replay writes millions of them.
        mask = np.dtype(np.min_scalar_type((1 << rules) - 1))
        kinds = {"fired_mask": mask, "evaluable_mask": mask, **_KINDS}
        kinds = {
            c.name: np.dtype(kinds.get(c.name, np.int8)) for c in fields(cls) if c.name != "hits"
        }
        # One piece of memory, the widest columns first, for which the system needs fewer pages.
        memory = np.zeros(rows * sum(kind.itemsize for kind in kinds.values()), np.int8)
        room: dict[str, NDArray[Any]] = {}
        start = 0
        for name, kind in sorted(kinds.items(), key=lambda item: -item[1].itemsize):
            end = start + rows * kind.itemsize
            room[name] = memory[start:end].view(kind)
            start = end
        room["hits"] = np.zeros((rows, MOST_RULES), np.uint8)
        room["rule"].fill(NO_RULE)
        return cls(**room)

    def view(self, rows: slice | NDArray[np.intp]) -> Self:
        """The decisions of some rows; of a slice, sharing their memory."""
        return type(self)(**{c.name: getattr(self, c.name)[rows] for c in fields(self)})

    def __len__(self) -> int:
        return len(self.outcome)


_KINDS: Final[dict[str, Any]] = {
    "quantity": np.int32,
    "mark": np.int64,
    "flags": np.int16,
    "pnl_percent": np.float64,
    "gex_latched": np.bool_,
}
