"""The rows at which contracts leave, under a policy or as it is compared with, as they are kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

import numpy as np

from exit_pipeline.core.engine.grade import grade_quotes
from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import BoolColumn, IntColumn, Kind, SmallColumn
from exit_pipeline.core.model.decision import Outcome
from exit_pipeline.core.model.outcome_columns import NOT_STORED, OutcomeColumns, Text
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.core.model.replayed import ReplayedRows
from exit_pipeline.core.replay.exits import NO_ROW, Exits
from exit_pipeline.core.replay.lots import Lots
from exit_pipeline.core.replay.paths import Paths, RowIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """All that leaves some paths in one way.

    Attributes:
        exits: The exits.
        amount: What each of them brings, units of 1/10,000 dollar, net of fees.
        is_last: Nothing is held after it.
    """

    exits: Exits
    amount: IntColumn
    is_last: BoolColumn

    @classmethod
    def of(cls, paths: Paths, exits: Exits, fee: Decimal) -> Self:
        """Take exits to account."""
        lots, path = Lots.of(paths, exits, fee), paths.path_of(exits.row)
        leaving = lots.row != NO_ROW
        gone = np.cumsum(exits.quantity)
        gone -= (gone - exits.quantity)[np.searchsorted(path, path)]
        return cls(
            exits=exits,
            # Lots are in the order of rows, as exits are.
            amount=lots.gain[leaving] * lots.contracts[leaving],
            is_last=gone >= exits.held[path],
        )

    def at(self, rows: RowIndex) -> "Way":
        """What leaves at these rows, which have all exits among them."""
        exits, size = self.exits, len(rows)
        place = np.searchsorted(rows, exits.row)
        names = np.array([*exits.reasons, ""], np.bytes_)
        quantity, amount = np.zeros(size, np.int64), np.zeros(size, np.int64)
        reason, is_last = np.zeros(size, names.dtype), np.zeros(size, np.bool_)
        quantity[place], amount[place] = exits.quantity, self.amount
        reason[place], is_last[place] = names[exits.reason], self.is_last
        return Way(quantity=quantity, reason=reason, amount=amount, is_last=is_last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What leaves at some rows in one way.

    Attributes:
        quantity: Contracts; 0 where none leave.
        reason: Why; empty where none leave.
        amount: What they bring, units of 1/10,000 dollar, net of fees.
        is_last: Nothing is held after them.
    """

    quantity: IntColumn
    reason: Text
    amount: IntColumn
    is_last: BoolColumn

    def take(self, rows: RowIndex) -> Self:
        """Some of the rows."""
        return type(self)(
            quantity=self.quantity[rows],
            reason=self.reason[rows],
            amount=self.amount[rows],
            is_last=self.is_last[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitRows:
    """Rows at which contracts leave in either way.

    Attributes:
        recorded: Their decisions.
        was: What left there in the way that is compared with.
        now: What leaves there under the policy.
        outcome: Of the policy.
    """

    recorded: RecordedDecisions
    was: Way
    now: Way
    outcome: OutcomeColumns

    def __len__(self) -> int:
        return len(self.recorded)

    @property
    def same(self) -> BoolColumn:
        """Where the same contracts leave for the same reason."""
        same: BoolColumn = self.was.reason == self.now.reason
        same &= self.was.quantity == self.now.quantity
        return same

    def take(self, rows: RowIndex) -> Self:
        """Some of the rows."""
        return type(self)(
            recorded=self.recorded.take(rows),
            was=self.was.take(rows),
            now=self.now.take(rows),
            outcome=self.outcome.take(rows),
        )

    def replayed(self) -> ReplayedRows:
        """The rows as they are kept."""
        same, of = self.same, self.recorded
        return ReplayedRows(
            ids=of.ids,
            positions=of.positions,
            run=of.run,
            runs=[run.id for run in of.runs],
            decided_at=of.book.decided_at,
            outcome=self.outcome,
            same=same,
            differences={row: self._as_json(row) for row in np.flatnonzero(~same).tolist()},
        )

    def _as_json(self, row: int) -> str:
        cells = {
            "exit_quantity": [int(way.quantity[row]) or None for way in (self.was, self.now)],
            "exit_reason": [way.reason[row].decode() or None for way in (self.was, self.now)],
        }
        return json.dumps({
            name: {"recorded": was, "recomputed": now}
            for name, (was, now) in cells.items()
            if was != now
        })  # fmt: skip


def exit_rows(
    recorded: RecordedDecisions,
    paths: Paths,
    rows: RowIndex,
    ways: tuple[Leaving, Leaving],
    policies: Sequence[Policy],
) -> ExitRows:
    """The rows at which contracts leave in either way.

    Args:
        recorded: The decisions of these rows.
        paths: The paths.
        rows: All rows at which contracts leave, ascending.
        ways: What is compared with, and what is tried.
        policies: What is tried on each row; ``paths.book.policy`` indexes them.
    """
    was, now = (way.at(rows) for way in ways)
    outcome = _outcome(paths, rows, now, policies)
    return ExitRows(recorded=recorded, was=was, now=now, outcome=outcome)


def _outcome(paths: Paths, rows: RowIndex, now: Way, policies: Sequence[Policy]) -> OutcomeColumns:
    """What the policy does at rows; what it remembers and which rules fired is not told."""
    book, size = paths.book.take(rows), len(rows)
    mark, percent = np.full(size, UNKNOWN), np.full(size, np.nan)
    flags, grade = np.zeros(size, np.int32), np.zeros(size, np.int8)
    for index, policy in enumerate(policies):
        here = np.flatnonzero(book.policy == index)
        marks = grade_quotes(book.take(here), policy.quotes)
        mark[here], percent[here] = marks.mark, marks.pnl_percent
        flags[here], grade[here] = marks.flags, marks.grade
    leaves = now.quantity > 0
    action: SmallColumn = np.where(now.is_last, np.int8(Outcome.FULL), np.int8(Outcome.PARTIAL))
    nothing = np.full(size, NOT_STORED, np.int64)
    return OutcomeColumns(
        mark=mark,
        pnl_percent=percent,
        quote_flags=flags,
        quote_grade=grade,
        decision=leaves.astype(np.int8),
        exit_reason=now.reason,
        exit_action=np.where(leaves, action, np.int8(Outcome.HOLD)),
        exit_quantity=now.quantity.astype(np.int32),
        urgency=nothing.astype(np.int8),
        fired_mask=nothing,
        evaluable_mask=nothing,
        gex_latched_after=nothing.astype(np.int8),
        rule_hits_after=Kind.HITS.nothing(size),
    )
