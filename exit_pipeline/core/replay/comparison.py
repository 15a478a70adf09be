"""Two ways out of the same positions, contract by contract."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.lots import Lots
from exit_pipeline.core.replay.paths import RowIndex
from exit_pipeline.core.replay.result import Result, Totals


class Change(IntEnum):
    """What another policy does to the exit of a contract."""

    KEPT = 0
    EARLIER = 1
    LATER = 2
    ADDED = 3
    DROPPED = 4
    OPEN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """Contracts of a path that leave at one row in the one way, and at one row in the other.

    Of each path, the first contracts to leave in the one way are compared with the first to leave
    in the other.

    Attributes:
        path: The path.
        contracts: How many, at least 1.
        change: What the policy does to their exit; OPEN where they are held to the end both ways.
        baseline: Which of the baseline's lots they are in.
        policy: Which of the policy's.
    """

    path: RowIndex
    contracts: IntColumn
    change: SmallColumn
    baseline: RowIndex
    policy: RowIndex

    @classmethod
    def of(cls, baseline: Lots, policy: Lots) -> Self:
        """Pair the contracts of the same paths.

        Example: 10 that leave at row 5 are, beside 4 at row 3 and 6 at row 5, a piece of 4 that
        leave earlier and one of 6 that is kept.
        """
        # All contracts of all paths in one line: a lot ends at the same place in both where the
        # same number has left, and each path ends at the same place.
        ends = np.cumsum(baseline.contracts), np.cumsum(policy.contracts)
        edges = np.union1d(*ends)
        one, other = (np.searchsorted(end, edges) for end in ends)
        return cls(
            path=baseline.path[one],
            contracts=np.diff(edges, prepend=0),
            change=_changes(baseline.row[one], policy.row[other]),
            baseline=one,
            policy=other,
        )


def _changes(was: RowIndex, now: RowIndex) -> SmallColumn:
    stays, stayed = now == NO_ROW, was == NO_ROW
    conditions = [stays & stayed, stays, stayed, now < was, now > was]
    changes = [Change.OPEN, Change.DROPPED, Change.ADDED, Change.EARLIER, Change.LATER]
    return np.select(conditions, [np.int8(change) for change in changes], np.int8(Change.KEPT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What a policy makes of positions, beside a baseline. Amounts are units of 1/10,000 dollar.

    Attributes:
        baseline: What exits as they were, or of another policy, brought.
        policy: What those of the policy bring.
        pieces: The contracts, by what the policy does to their exits.
        changes: By path and ``Change``: contracts.
        difference: By path: the policy's P&L less the baseline's; UNKNOWN where one is not known.
    """

    baseline: Result
    policy: Result
    pieces: Pieces
    changes: IntColumn
    difference: IntColumn

    @classmethod
    def of(cls, baseline: Result, policy: Result) -> Self:
        """Compare two results on the same paths.

        Raises:
            ValueError: They are not of the same paths, or hold other numbers of contracts there.
        """
        if not np.array_equal(baseline.held, policy.held):
            message = "results can be compared only on the same paths with the same contracts"
            raise ValueError(message)
        pieces = Pieces.of(baseline.lots, policy.lots)
        changes = np.zeros((len(baseline.realised), len(Change)), np.int64)
        np.add.at(changes, (pieces.path, pieces.change), pieces.contracts)
        valued = baseline.valued & policy.valued
        return cls(
            baseline=baseline,
            policy=policy,
            pieces=pieces,
            changes=changes,
            difference=np.where(valued, policy.pnl - baseline.pnl, UNKNOWN),
        )

    @property
    def valued(self) -> BoolColumn:
        """Paths whose P&L is known both ways; only these are in totals of amounts."""
        known: BoolColumn = self.difference != UNKNOWN
        return known

    @property
    def held(self) -> BoolColumn:
        """Paths of which contracts were held before their first row."""
        held: BoolColumn = self.baseline.held > 0
        return held

    def totals(self) -> tuple[Totals, Totals]:
        """The baseline and the policy in a few figures, over the same paths."""
        return self.baseline.totals(self.valued), self.policy.totals(self.valued)

    def differences(self) -> IntColumn:
        """One for each position that was held and can be valued: what a bootstrap resamples."""
        return self.difference[self.valued & self.held]

    def by_reason(self) -> "ReasonTable":
        """From which reason to which other one contracts went, and what that made of the P&L."""
        reasons = tuple(dict.fromkeys((*self.baseline.reasons, *self.policy.reasons)))
        one, other = (
            _common(result, reasons, index)
            for result, index in (
                (self.baseline, self.pieces.baseline),
                (self.policy, self.pieces.policy),
            )
        )
        size = (len(reasons) + 1, len(reasons) + 1)
        contracts, amounts = np.zeros(size, np.int64), np.zeros(size, np.int64)
        np.add.at(contracts, (one, other), self.pieces.contracts)
        was = self.baseline.lots.gain[self.pieces.baseline]
        now = self.policy.lots.gain[self.pieces.policy]
        counted = self.valued[self.pieces.path]
        gained = np.where(counted, (now - was) * self.pieces.contracts, 0)
        np.add.at(amounts, (one, other), gained)
        return ReasonTable(reasons=reasons, contracts=contracts, difference=amounts)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonTable:
    """The baseline's reasons down, the policy's across; the last of each is "still held".

    Attributes:
        reasons: Rules in capitals.
        contracts: How many went this way.
        difference: The policy's P&L of them less the baseline's, units of 1/10,000 dollar.
    """

    reasons: tuple[str, ...]
    contracts: NDArray[np.int64]
    difference: NDArray[np.int64]


def _common(result: Result, reasons: tuple[str, ...], index: RowIndex) -> RowIndex:
    """The reason of some lots in a common order."""
    places = [*(reasons.index(one) for one in result.reasons), len(reasons)]
    return np.array(places, np.intp)[result.lots.reason[index]]
