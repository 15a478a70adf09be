"""What a what-if found: policies beside what is compared with, position by position."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Self

import numpy as np

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.replay.bootstrap import Interval, bootstrap
from exit_pipeline.core.replay.comparison import Change, Comparison
from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.result import Result
from exit_pipeline.services.what_if_request import Named, WhatIfRequest

RECORDED_EXITS: Final = "recorded exits"
"""What is compared with where that is no policy."""

HELD: Final = "STILL_HELD"
"""The reason of contracts that never leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A position whose recorded rows were walked.

    Attributes:
        id: The position's.
        symbol: Of its contract; None where not known.
        environment: Of the runs that decided it.
        mode: Of these runs; a position that was decided in two modes is walked once in each.
        side: ``LONG`` or ``SHORT``.
        entry_price: Dollars per share.
        since: Time of its first row.
        until: Time of its last one.
    """

    id: str
    symbol: str | None
    environment: str
    mode: str
    side: str
    entry_price: Decimal | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Contracts of a position that leave together, or that never do.

    Attributes:
        contracts: How many.
        at: When; of those that are still held, the end of the record.
        reason: Why; HELD where they are still held.
        price: Dollars per share, or what closing would bring at the last word of it; None where
            that is never told.
        gain: Dollars that one brings, net of its fee; None where not known.
    """

    contracts: int
    at: datetime | None
    reason: str
    price: Decimal | None
    gain: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRow:
    """One position in either way. Amounts are dollars; None where not known.

    Attributes:
        position: The position.
        held: Contracts held before its first row.
        changes: Contracts by what the policy does to their exits.
        was: What left in the way that is compared with.
        now: What leaves under the policy.
        baseline: P&L of the one way.
        policy: P&L of the other.
        difference: The other less the one.
        days_held: On average over the contracts, either way.
        open_contracts: Still held at the end of the record, either way.
    """

    position: Tracked
    held: int
    changes: Mapping[str, int]
    was: Sequence[Leaving]
    now: Sequence[Leaving]
    baseline: Decimal | None
    policy: Decimal | None
    difference: Decimal | None
    days_held: tuple[float, float]
    open_contracts: tuple[int, int]

    @property
    def differs(self) -> bool:
        """Whether any contract leaves another way, or that brings another amount."""
        same = self.changes[Change.KEPT.name] + self.changes[Change.OPEN.name]
        return same < self.held or bool(self.difference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One policy beside what is compared with.

    Attributes:
        policy: What is tried.
        positions: By path.
        comparison: Of both ways.
        interval: Of the difference of a position.
    """

    policy: Named
    positions: Sequence[Tracked]
    comparison: Comparison
    interval: Interval

    @classmethod
    def of(
        cls, policy: Named, positions: Sequence[Tracked], comparison: Comparison, seed: int
    ) -> Self:
        """With the interval of its differences, by a generator of its own."""
        interval = bootstrap(comparison.differences(), np.random.default_rng(seed))
        return cls(policy=policy, positions=positions, comparison=comparison, interval=interval)

    def rows(self) -> Iterator[PositionRow]:
        """Every position of which contracts were held."""
        both = self.comparison.baseline, self.comparison.policy
        leaving = [_leaving(result) for result in both]
        for path in np.flatnonzero(self.comparison.held).tolist():
            yield self._row(path, [by_path.get(path, []) for by_path in leaving])

    def _row(self, path: int, leaving: Sequence[Sequence[Leaving]]) -> PositionRow:
        comparison = self.comparison
        was, now = comparison.baseline, comparison.policy
        changes = comparison.changes[path].tolist()
        return PositionRow(
            position=self.positions[path],
            held=int(was.held[path]),
            changes={one.name: changes[one] for one in Change},
            was=leaving[0],
            now=leaving[1],
            baseline=to_dollars(int(was.pnl[path])),
            policy=to_dollars(int(now.pnl[path])),
            difference=to_dollars(int(comparison.difference[path])),
            days_held=(float(was.days_held[path]), float(now.days_held[path])),
            open_contracts=(int(was.left[path]), int(now.left[path])),
        )


@dataclass(slots=True, kw_only=True)
class WhatIfReport:
    """What was tried on the past.

    Attributes:
        request: What was asked.
        label: Of which runs.
        code_version: Of this program.
        compare_to: What all are compared with, in words.
        decisions: Recorded ones that were walked.
        positions: How many positions they are of.
        left_out: How many could not be made again, by the reason.
        notes: What a reader must know, a sentence each.
        tried: Each policy.
    """

    request: WhatIfRequest
    label: str
    code_version: str
    compare_to: str = RECORDED_EXITS
    decisions: int = 0
    positions: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)

    def refuse_nothing(self, found: int) -> None:
        """Make a mistake of whoever asked of a what-if that has nothing to walk.

        Args:
            found: Decisions that are recorded in the range.

        Raises:
            InputError: There is none, or none of them can be made again.
        """
        if self.decisions:
            return
        asked = self.request
        span = f"from {asked.first} to {asked.last} ({self.label})"
        if not found:
            message = f"no decision is recorded {span}"
            raise InputError(message)
        why = "; ".join(f"{count:,} {reason}" for reason, count in self.left_out.most_common())
        message = f"none of {found:,} decisions recorded {span} can be made again: {why}"
        raise InputError(message)


def _leaving(result: Result) -> dict[int, list[Leaving]]:
    """What leaves each path, in order."""
    lots, found = result.lots, dict[int, list[Leaving]]()
    reasons = (*result.reasons, HELD)
    for lot in range(len(lots)):
        found.setdefault(int(lots.path[lot]), []).append(
            Leaving(
                contracts=int(lots.contracts[lot]),
                at=to_datetime(int(lots.at[lot])),
                reason=HELD if lots.row[lot] == NO_ROW else reasons[lots.reason[lot]],
                price=to_dollars(int(lots.price[lot])),
                gain=to_dollars(int(lots.gain[lot])),
            )
        )
    return found
