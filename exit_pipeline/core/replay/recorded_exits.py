"""The exits that were decided, read from the record."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, BoolColumn
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome
from exit_pipeline.core.replay.closable import can_close, last_worth, waits
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.paths import Paths, RowIndex
from exit_pipeline.core.replay.scans import best_before

NOT_KNOWN: Final = "NOT_KNOWN"
"""Stands for the reason of a recorded exit by a rule that its policy has not."""


def recorded_exits(paths: Paths, decisions: Decisions, policies: Sequence[Policy]) -> Exits:
    """The exits that recorded decisions ask for, each counted once and made as a replay makes it.

    An exit that is due is decided again at every tick until its order has filled, and a partial
    fill leaves less to ask for. So what counts is how many of the opened contracts should be gone:
    those that are, and those that the decision closes. Only where that rises beyond what it was at
    any row before do contracts leave, at that row's closing price; where that is not known or the
    policy's guard has exits wait, at the next row's that has one. Orders that were never sent or
    filled (of a dry run, or of a shadow policy) count like all others.

    Args:
        paths: Recorded rows.
        decisions: What was decided on each row, by its own policy or by a shadow policy.
        policies: Those that decided; ``paths.book.policy`` indexes them.

    Example: 10 contracts are told to close 5, of which 2 fill, and at the next row to close 3, then
    all 5 that are left: 5 leave at the first row and 5 at the last one.
    """
    book, starts = paths.book, paths.starts
    gone = book.quantity - book.open_quantity
    decided = decisions.outcome != Outcome.HOLD
    asked = np.where(decided, np.minimum(gone + decisions.quantity, book.quantity), 0)
    asked_before = best_before(asked, gone[starts], starts)
    due = np.maximum(asked_before, asked)
    closable = can_close(book, decisions.grade) & ~_waits(book, decisions, policies)
    left_before = best_before(np.where(closable, due, 0), gone[starts], starts)
    quantity = np.where(closable, due - left_before, 0)
    row = np.flatnonzero(quantity > 0)
    raised = np.maximum.accumulate(np.where(asked > asked_before, np.arange(len(book)), 0))
    reasons, reason = _reasons(book, decisions, policies, raised[row])
    return Exits(
        reasons=reasons,
        row=row,
        quantity=quantity[row],
        reason=reason,
        held=np.maximum(book.open_quantity[starts], 0),
        worth=last_worth(decisions.grade, starts),
    )


def _waits(book: Book, decisions: Decisions, policies: Sequence[Policy]) -> BoolColumn:
    waiting = np.zeros(len(book), np.bool_)
    for index, policy in enumerate(policies):
        limit = policy.prices.guard_spread_percent
        if limit is not None:
            waiting |= (book.policy == index) & waits(book, decisions.urgency, limit)
    return waiting


def _reasons(
    book: Book, decisions: Decisions, policies: Sequence[Policy], rows: RowIndex
) -> tuple[tuple[str, ...], RowIndex]:
    """The reason of the decisions on some rows, as an index of the reasons of all policies."""
    every = dict.fromkeys(reason for policy in policies for reason in policy.reasons)
    reasons = (*every, NOT_KNOWN)
    found = np.full(len(rows), len(reasons) - 1, np.intp)
    for index, policy in enumerate(policies):
        places = np.array([reasons.index(one) for one in policy.reasons], np.intp)
        here = (book.policy[rows] == index) & (decisions.rule[rows] != NO_RULE)
        found[here] = places[decisions.rule[rows[here]]]
    return reasons, found
