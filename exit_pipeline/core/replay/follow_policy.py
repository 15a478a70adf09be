"""Follow a policy along recorded paths: every exit that it would have made, one after another.

Per position this is the same as going from tick to tick: decide, take out what leaves, decide the
next row on what is left. It is done in rounds instead, each over all rows of many positions: what
a row is decided on hangs on the rows before it only through contracts that have left, counts of
ticks in a row, a flip that is due and the best mark, and all but the first of these can be worked
out for whole stretches at once. So a round decides a stretch of each path as if nothing left in it,
finds the first row at which contracts do leave, and the next round begins after that row.

The first stretch is the whole path. After an exit they are short at first, since a ladder's next
rung may be near, and become longer while nothing happens: so each exit costs some rows decided in
vain, not the whole rest of its path.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from exit_pipeline.core.engine.decide import BLOCK, decide_graded
from exit_pipeline.core.engine.grade import QuoteLimits
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.engine.raised_stops import TARGET
from exit_pipeline.core.model.book import BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.decision import Decisions, Outcome
from exit_pipeline.core.replay.closable import last_worth, waits
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.graded_paths import GradedPaths
from exit_pipeline.core.replay.memory import Memory, Stretch, marks_of, no_hits
from exit_pipeline.core.replay.paths import Paths, RowIndex, repeated, rows_of, spans

_AFTER_EXIT: Final = 64
"""Rows of the first stretch after an exit ..."""

_LONGER: Final = 4
"""... and how much longer each further stretch is."""


def follow_policies(paths: Paths, policies: Sequence[Policy], block: int = BLOCK) -> list[Exits]:
    """The exits that each of several policies makes, each alone, over all of the same paths.

    A path is taken up in the state that its first row records: contracts held and closed at
    targets, the best mark, a flip that is due, and, where the policy is the recorded one, counts of
    ticks in a row. From then on only the path counts, not what was done: of the columns that
    outcomes move, those of the position are carried along, while ``day_pnl``, ``drawdown``,
    ``force_close`` and all context stay as recorded, although other exits would have moved the
    account's figures.

    Where an exit is due it is made in full at the row's closing price. Where that row's quote is
    BAD, nobody bids for a LONG position, or the policy's guard has it wait for a narrower spread,
    nothing leaves, and the next row is decided anew. A contract that no longer trades is never
    exited. What other causes took from a position (an assignment, a trade by hand) is not known
    here and counts as held.

    Args:
        paths: Recorded rows.
        policies: Each is followed on every path.
        block: Rows worked on at a time; a longer path is not split.

    Example: with 10 contracts, a target of +50 % for half of them and a stop at -30 %, a path of
    +10, +55, +60 and -31 % has two exits: 5 at +55 % and 5 at -31 %.
    """
    found: list[list[Exits]] = [[] for _ in policies]
    places = []
    for first, row, part in paths.blocks(block):
        places.append(np.arange(first, first + len(part)))
        graded: dict[QuoteLimits, GradedPaths] = {}
        for index, policy in enumerate(policies):
            if policy.quotes not in graded:
                graded[policy.quotes] = GradedPaths.of(part, policy.quotes)
            walk = _Walk.along(part, graded[policy.quotes], policy)
            found[index].append(walk.exits().shifted(row))
    return [Exits.merged(parts, places) for parts in found]


def follow_own_policies(
    paths: Paths, policies: Sequence[Policy], own: RowIndex, block: int = BLOCK
) -> Exits:
    """The exits where each path has a policy of its own.

    Args:
        paths: Recorded rows.
        policies: Those that paths have.
        own: Index of each path's policy among them.
        block: As in ``follow_policies``, like all the rest.
    """
    parts, places = [], []
    for index, policy in enumerate(policies):
        chosen = np.flatnonzero(own == index)
        part, rows = paths.select(chosen)
        (exits,) = follow_policies(part, [policy], block)
        parts.append(exits.placed(rows))
        places.append(chosen)
    return Exits.merged(parts, places)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Walk:
    """How far a policy has come along each path of a portion; changed in place on the way.

    Attributes:
        policy: The policy.
        graded: The rows under its quote limits.
        starts: The first row of each path.
        ends: The row after the last one.
        at: The next row to be decided.
        reach: How many rows from there the next stretch has.
        held: Contracts held before it.
        profited: Contracts closed at profit targets before it.
        memory: What the policy remembers before it.
    """

    policy: Policy
    graded: GradedPaths
    starts: RowIndex
    ends: RowIndex
    at: RowIndex
    reach: RowIndex
    held: IntColumn
    profited: IntColumn
    memory: Memory

    @classmethod
    def along(cls, paths: Paths, graded: GradedPaths, policy: Policy) -> Self:
        book, starts = paths.book, paths.starts
        return cls(
            policy=policy,
            graded=graded,
            starts=starts,
            ends=paths.ends,
            at=starts.copy(),
            reach=paths.ends - starts,
            held=np.maximum(book.open_quantity[starts], 0),
            profited=book.profit_exited[starts].copy(),
            memory=Memory.at_start(paths, policy),
        )

    def exits(self) -> Exits:
        """Walk to the end of every path."""
        held, rounds = self.held.copy(), list(self._rounds())
        row, quantity, reason = (
            np.concatenate([np.zeros(0, np.intp), *columns])
            for columns in (zip(*rounds, strict=True) if rounds else ((), (), ()))
        )
        order = np.argsort(row, kind="stable")
        return Exits(
            reasons=self.policy.reasons,
            row=row[order],
            quantity=quantity[order],
            reason=reason[order],
            held=held,
            worth=last_worth(self.graded.marks.grade, self.starts),
        )

    def _rounds(self) -> Iterator[tuple[RowIndex, IntColumn, RowIndex]]:
        """Of each round the rows at which contracts leave, how many, and by which rule."""
        while len(walking := np.flatnonzero((self.held > 0) & (self.at < self.ends))):
            ends = np.minimum(self.at[walking] + self.reach[walking], self.ends[walking])
            rows, starts = spans(self.at[walking], ends)
            decisions, closable = self._decide(walking, rows, starts)
            exits = np.flatnonzero((decisions.outcome != Outcome.HOLD) & closable)
            path = np.searchsorted(starts, exits, side="right") - 1
            is_first = np.append(True, path[1:] != path[:-1])[: len(path)]
            exits, path = exits[is_first], walking[path[is_first]]
            quantity, rule = decisions.quantity[exits].astype(np.int64), decisions.rule[exits]
            self._take_out(path, quantity, rule)
            self.memory.note(walking, decisions, np.append(starts, len(rows))[1:] - 1)
            self.memory.note(path, decisions, exits)
            self.at[walking], self.at[path] = ends, rows[exits] + 1
            self.reach[walking] *= _LONGER
            self.reach[path] = _AFTER_EXIT
            yield rows[exits], quantity, rule.astype(np.intp)

    def _decide(
        self, walking: RowIndex, rows: RowIndex, starts: RowIndex
    ) -> tuple[Decisions, BoolColumn]:
        """Decide the rows that are left of some paths; and where contracts can leave."""
        graded = self.graded
        everything = len(rows) == len(graded.book)
        part = slice(None) if everything else rows
        book = rows_of(
            graded.book,
            part,
            open_quantity=repeated(self.held[walking], starts, len(rows)),
            profit_exited=repeated(self.profited[walking], starts, len(rows)),
            hits=no_hits(len(rows)),
        )
        marks = marks_of(graded.marks, part)
        stretch = Stretch(
            book=book,
            marks=marks,
            renewed=graded.renewed[part],
            starts=starts,
            first=self.memory.of(walking, graded.renewed[rows[starts]]),
        )
        book = stretch.remembering(self.policy)
        decisions = decide_graded(book, self.policy, marks)
        limit = self.policy.prices.guard_spread_percent
        return decisions, graded.closable[part] & ~waits(book, decisions.urgency, limit)

    def _take_out(self, path: RowIndex, quantity: IntColumn, rule: SmallColumn) -> None:
        self.held[path] -= quantity
        names = [one.name for one in self.policy.rules]
        if TARGET in names:
            at_target = rule == names.index(TARGET)
            self.profited[path[at_target]] += quantity[at_target]
