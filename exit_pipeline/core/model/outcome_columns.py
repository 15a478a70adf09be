"""What came of decisions as columns, by the names and with the meaning of the database's.

Texts that repeat are codes, and texts that don't are NumPy bytes in UTF-8: a year of ticks is a
million rows, so nothing here is an object per row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, HitsColumn, IntColumn
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
