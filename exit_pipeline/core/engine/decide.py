"""The decision: every rule over the whole book, one outcome per row.

The same code decides one live tick and a million replayed rows. It works in blocks that fit the
processor's cache, so a replay costs little more than reading its columns once.
"""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.decision import (
    Decisions,
    MaskColumn,
    Outcome,
    Urgency,
    Verdict,
)
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule

BLOCK = 131_072
"""Rows per block: a column of 8 bytes is one megabyte."""


def decide(book: Book, policies: Sequence[Policy], block: int = BLOCK) -> Decisions:
    """Decide each row of a book under its policy.

    All rules are evaluated, so that the masks tell of each. The fired rule that comes first in the
    policy's order decides; where it closes only a part and any other fired rule closes all, the
    first of those decides. A contract that no longer trades is never exited, nor is a position of
    which nothing is left.

    Args:
        book: The inputs, one row per position.
        policies: ``book.policy`` indexes this list.
        block: Rows per pass.

    Example: 10 lots at +60 % leave 5 under PROFIT_TARGET; at the time exit they leave in full.
    """
    rules = max(len(policy.rules) for policy in policies)
    decisions = Decisions.empty(len(book), rules)
    for start in range(0, len(book), block):
        rows = slice(start, start + block)
        _decide_block(book.take(rows), policies, decisions.view(rows))
    return decisions


def decide_graded(book: Book, policy: Policy, marks: Marks) -> Decisions:
    """Decide each row of a book whose quotes are graded already, under one policy.

    Args:
        book: The inputs; it is decided in one piece.
        policy: The policy.
        marks: What ``grade_quotes`` makes of the book under the policy's quote limits. They hang on
            no other state of a position, so that they serve for many decisions on one row.
    """
    decisions = Decisions.empty(len(book), len(policy.rules))
    _decide_on(marks, policy, book, decisions)
    return replace(
        decisions,
        flags=marks.flags,
        grade=marks.grade,
        mark=marks.mark,
        pnl_percent=marks.pnl_percent,
    )


def _decide_block(book: Book, policies: Sequence[Policy], into: Decisions) -> None:
    if len(policies) == 1:
        _decide_under(policies[0], book, into)
        return
    for index in np.unique(book.policy):
        rows = np.flatnonzero(book.policy == index)
        part = Decisions.empty(len(rows), len(policies[index].rules))
        _decide_under(policies[index], book.take(rows), part)
        for column in fields(Decisions):
            getattr(into, column.name)[rows] = getattr(part, column.name)


def _decide_under(policy: Policy, book: Book, into: Decisions) -> None:
    """Write the decisions of a block under one policy into empty rows."""
    _decide_on(grade_quotes(book, policy.quotes, into), policy, book, into)


def _decide_on(marks: Marks, policy: Policy, book: Book, into: Decisions) -> None:
    """Write what is decided on graded quotes."""
    verdicts = [
        _confirm(rule, rule.evaluate(book, marks), bit, book, into)
        for bit, rule in enumerate(policy.rules)
    ]
    _gather([verdict.fired for verdict in verdicts], into.fired_mask)
    _gather([verdict.evaluable for verdict in verdicts], into.evaluable_mask)
    stuck = np.flatnonzero(~marks.alive | (book.open_quantity <= 0))
    into.fired_mask[stuck] = 0
    into.evaluable_mask[stuck] = 0
    into.hits[stuck] = 0
    if not any(rule.latches for rule in policy.rules):
        # A rule that is off for one launch does not forget what is due.
        into.gex_latched[:] = book.gex_latched
    _select(policy, verdicts, book.open_quantity, into)


def _confirm(rule: ExitRule, verdict: Verdict, bit: int, book: Book, into: Decisions) -> Verdict:
    """A verdict that fires only where it has been due for enough ticks in a row.

    A tick at which it can't be judged neither counts nor breaks the row. What is latched was
    confirmed when it was latched.
    """
    if rule.required_hits == 1:
        return verdict
    before = book.hits[:, bit]
    unchanged = np.where(verdict.evaluable, np.uint8(0), before)
    into.hits[:, bit] = hits = np.where(verdict.fired, np.minimum(before, 254) + 1, unchanged)
    confirmed = hits >= rule.required_hits
    if rule.latches:
        confirmed |= book.gex_latched
    return replace(verdict, fired=verdict.fired & confirmed)


def _select(policy: Policy, verdicts: Sequence[Verdict], held: IntColumn, into: Decisions) -> None:
    """Write the choice among the fired rules: the first in order, a full exit before a part."""
    rules, stated = policy.rules, dict(policy.urgencies)
    rows = np.flatnonzero(into.fired_mask != 0)
    fired, held = into.fired_mask[rows], held[rows]
    asked, closes_all = {}, fired.copy()
    for bit, verdict in enumerate(verdicts):
        if verdict.quantity is not None:
            asked[bit] = np.minimum(verdict.quantity[rows], held)
            closes_all[asked[bit] < held] &= ~fired.dtype.type(1 << bit)
    rule = _lowest_bit(np.where(closes_all != 0, closes_all, fired))
    usual = [stated.get(one.name, one.urgency) for one in rules]
    quantity, urgency = held.copy(), np.array(usual, np.int8)[rule]
    for bit, verdict in enumerate(verdicts):
        if verdict.quantity is not None:
            chosen = rule == bit
            quantity[chosen] = asked[bit][chosen]
        if verdict.urgency is not None:
            chosen = rule == bit
            # What a row presses for beyond its rule's usual urgency, it does under any policy.
            least = usual[bit] if rules[bit].name in stated else Urgency.PATIENT
            urgency[chosen] = np.maximum(verdict.urgency[rows[chosen]], np.int8(least))
        if rules[bit].latches:
            into.gex_latched[rows] = verdict.fired[rows]
    into.outcome[rows] = np.where(quantity < held, np.int8(Outcome.PARTIAL), np.int8(Outcome.FULL))
    into.rule[rows] = rule
    into.quantity[rows] = quantity
    into.urgency[rows] = urgency


def _lowest_bit(masks: MaskColumn) -> SmallColumn:
    """The index of the lowest bit that is set: 0b0110 has 1."""
    # A mask less one turns its lowest set bit off and all below it on.
    index: SmallColumn = np.bitwise_count(~masks & (masks - 1)).astype(np.int8)
    return index


def _gather(columns: Sequence[BoolColumn], mask: MaskColumn) -> None:
    """Set bit i where column i is true, eight columns at a time, since bytes are fast."""
    for start in range(0, len(columns), 8):
        byte = np.zeros(len(mask), np.uint8)
        for index, column in enumerate(columns[start : start + 8]):
            # A product is several times faster than a shift here, and the same number.
            byte |= column.view(np.uint8) * np.uint8(1 << index)
        mask |= byte.astype(mask.dtype, copy=False) * mask.dtype.type(1 << start)
