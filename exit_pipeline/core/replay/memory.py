"""What a policy remembers of a position from row to row: counts by rule, and a flip that is due."""

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import MOST_RULES, Book, BoolColumn, HitsColumn
from exit_pipeline.core.model.decision import Decisions, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.replay.paths import Paths, RowIndex, repeated
from exit_pipeline.core.replay.scans import hits_before, latched_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is remembered of each path before one of its rows.

    Attributes:
        hits: For how many rows in a row each rule has fired, in the policy's order.
        latched: A flip is due.
    """

    hits: HitsColumn
    latched: BoolColumn

    @classmethod
    def at_start(cls, paths: Paths, policy: Policy) -> Self:
        """As recorded on first rows; counts of another policy's rules are none of this one's."""
        book, starts = paths.book, paths.starts
        hits = np.zeros((len(paths), MOST_RULES), np.uint8)
        if policy.hash in paths.hashes:
            same = book.policy[starts] == paths.hashes.index(policy.hash)
            hits[same] = book.hits[starts[same]]
        return cls(hits=hits, latched=book.gex_latched[starts].copy())

    def of(self, chosen: RowIndex, renewed: BoolColumn) -> Self:
        """What is remembered of some paths, whose next row may be of another session."""
        hits = self.hits[chosen]
        hits[renewed] = 0
        return type(self)(hits=hits, latched=self.latched[chosen])

    def note(self, paths: RowIndex, decisions: Decisions, rows: RowIndex) -> None:
        """Remember what decisions on some rows leave, one row a path."""
        self.hits[paths] = decisions.hits[rows]
        self.latched[paths] = decisions.gex_latched[rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Consecutive rows of paths, up to and beyond the next row at which contracts leave.

    What is remembered holds up to that row, beyond which another stretch begins.

    Attributes:
        book: The rows, with what is held of each position.
        marks: Of the rows.
        renewed: Rows whose session is not that of the row before.
        starts: The row at which each path's part starts.
        first: What is remembered before it.
    """

    book: Book
    marks: Marks
    renewed: BoolColumn
    starts: RowIndex
    first: Memory

    def remembering(self, policy: Policy) -> Book:
        """The book with what a policy remembers before each row, of what it saw in the others."""
        rows = len(self.book)
        hits, latched = no_hits(rows), repeated(self.first.latched, self.starts, rows)
        counted = [bit for bit, rule in enumerate(policy.rules) if rule.required_hits > 1]
        if counted:
            hits = np.zeros((rows, MOST_RULES), np.uint8)
        for bit, rule in enumerate(policy.rules):
            if rule.latches:
                latched = self._latched(rule, bit)
        book = replace(self.book, hits=hits, gex_latched=latched)
        for bit in counted:
            rule = policy.rules[bit]
            hits[:, bit] = self._hits(rule.evaluate(book, self.marks), bit)
        return book

    def _hits(self, verdict: Verdict, bit: int) -> HitsColumn:
        ended = verdict.evaluable & ~verdict.fired | ~self.marks.alive
        return hits_before(verdict.fired, ended, self.renewed, self.first.hits[:, bit], self.starts)

    def _latched(self, rule: ExitRule, bit: int) -> BoolColumn:
        """Where the rule was due before each row.

        It stays so from where it is due by itself, or has been for enough rows, for as long as it
        would fire if it was due before. Where that ends, the count has ended too.
        """
        off, on = (
            rule.evaluate(replace(self.book, gex_latched=np.full(len(self.book), due)), self.marks)
            for due in (False, True)
        )
        sets = off.fired & self.marks.alive
        if rule.required_hits > 1:
            sets &= self._hits(off, bit) >= rule.required_hits - 1
        keeps = on.fired & self.marks.alive
        return latched_before(sets, keeps, self.first.latched, self.starts)


def marks_of(marks: Marks, rows: slice | RowIndex) -> Marks:
    """The marks of some rows."""
    return Marks(**{one.name: getattr(marks, one.name)[rows] for one in fields(Marks)})


def no_hits(rows: int) -> HitsColumn:
    """Zeros for all rows in the memory of one, for policies that count nothing."""
    return np.broadcast_to(np.zeros((1, MOST_RULES), np.uint8), (rows, MOST_RULES))
