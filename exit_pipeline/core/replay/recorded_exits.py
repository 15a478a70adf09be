"""The exits that were decided, read from the record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, BoolColumn, SmallColumn
from exit_pipeline.core.model.decision import NO_RULE, Decisions
from exit_pipeline.core.replay.closable import can_close, last_worth, waits
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.paths import Paths, RowIndex, repeated
from exit_pipeline.core.replay.scans import best_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What decisions on some rows told to close.

    Attributes:
        reasons: What `reason` indexes: rules in capitals, and an empty one.
        closes: Contracts to close; 0 on a HOLD.
        reason: Why.
        grade: ``QuoteGrade`` of the row's quote under the policy that decided.
        urgency: ``Urgency``; of a HOLD it may be anything below NORMAL.
    """

    reasons: tuple[str, ...]
    closes: NDArray[np.integer[Any]]
    reason: RowIndex
    grade: SmallColumn
    urgency: SmallColumn

    @classmethod
    def of_names(
        cls,
        closes: NDArray[np.integer[Any]],
        names: NDArray[np.bytes_],
        grade: SmallColumn,
        urgency: SmallColumn,
    ) -> Self:
        """Of columns as they are stored: the reason of each row in capitals, empty on a HOLD."""
        found, reason = np.unique(names, return_inverse=True)
        reasons = tuple(name.decode() for name in found.tolist())
        return cls(
            reasons=reasons,
            closes=closes,
            reason=reason.astype(np.intp),
            grade=grade,
            urgency=urgency,
        )

    @classmethod
    def of_decisions(
        cls,
        decisions: Decisions,
        policies: Sequence[Policy],
        policy_of_row: NDArray[np.integer[Any]],
    ) -> Self:
        """Of decisions that were just made.

        Args:
            decisions: What ``decide`` made of a book.
            policies: Those that it was given.
            policy_of_row: Index of each row's policy among them.
        """
        every = dict.fromkeys(reason for policy in policies for reason in policy.reasons)
        reasons = (*every, "")
        reason = np.full(len(decisions), len(reasons) - 1, np.intp)
        for index, policy in enumerate(policies):
            places = np.array([reasons.index(one) for one in policy.reasons], np.intp)
            here = np.flatnonzero((policy_of_row == index) & (decisions.rule != NO_RULE))
            reason[here] = places[decisions.rule[here]]
        return cls(
            reasons=reasons,
            closes=decisions.quantity,
            reason=reason,
            grade=decisions.grade,
            urgency=decisions.urgency,
        )


def recorded_exits(paths: Paths, told: Told, guards: Sequence[float | None] = ()) -> Exits:
    """The exits that recorded decisions ask for, each counted once and made as a replay makes it.

    An exit that is due is decided again at every tick until its order has filled, and a partial
    fill leaves less to ask for. So what counts is how many of the opened contracts should be gone:
    those that are, and those that the decision closes. Only where that rises beyond what it was at
    any row before do contracts leave, at that row's closing price. Where that is not known, or the
    policy's guard has the exit wait, no order was sent: what is still due at the next row is
    decided there. Orders that were never sent or filled for other causes (of a dry run, or of a
    shadow policy) count like all others. Contracts that came to a position after its first row
    count in no way.

    Args:
        paths: Recorded rows.
        told: What was decided on each row, by its own policy or by a shadow policy.
        guards: The policies' ``prices.guard_spread_percent``, which ``paths.book.policy`` indexes;
            empty where none has one.

    Example: 10 contracts are told to close 5, of which 2 fill, and at the next row to close 3, then
    all 5 that are left: 5 leave at the first row and 5 at the last one.
    """
    book, starts = paths.book, paths.starts
    gone = book.quantity - book.open_quantity
    sent = (told.closes > 0) & can_close(book, told.grade) & ~_waits(book, told, guards)
    opened = repeated(book.quantity[starts], starts, len(book))
    due = np.where(sent, np.minimum(gone + told.closes, opened), 0)
    quantity = due - best_before(due, gone[starts], starts)
    row = np.flatnonzero(quantity > 0)
    return Exits(
        reasons=told.reasons,
        row=row,
        quantity=quantity[row],
        reason=told.reason[row],
        held=np.maximum(book.open_quantity[starts], 0),
        worth=last_worth(told.grade, starts),
    )


def _waits(book: Book, told: Told, guards: Sequence[float | None]) -> BoolColumn:
    waiting = np.zeros(len(book), np.bool_)
    for index, limit in enumerate(guards):
        if limit is not None:
            waiting |= (book.policy == index) & waits(book, told.urgency, limit)
    return waiting
