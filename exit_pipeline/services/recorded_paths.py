"""The paths of recorded decisions, with what was decided on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.outcome_columns import Text
from exit_pipeline.core.model.price import to_dollars
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.longer_paths import lengthen, own_grades, tell_nothing
from exit_pipeline.core.replay.paths import Paths, RowIndex
from exit_pipeline.core.replay.readable import readable
from exit_pipeline.core.replay.recorded_exits import Told, recorded_exits
from exit_pipeline.services.what_if_report import Tracked


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterRows:
    """Rows after the recorded ones.

    Attributes:
        book: The rows, those of each path by time.
        path: Which path each is of.
    """

    book: Book
    path: RowIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPaths:
    """Whole paths of some positions.

    Attributes:
        paths: Their rows; ``paths.book.policy`` indexes `policies`.
        told: What was decided on them.
        policies: That decided.
        tracked: By path.
        ids: Key of each row's decision; empty where nothing was recorded.
        left_out: How many decisions can't be made again, by the reason.
    """

    paths: Paths
    told: Told
    policies: Sequence[Policy]
    tracked: Sequence[Tracked]
    ids: Text
    left_out: Mapping[str, int]

    @property
    def own(self) -> RowIndex:
        """The policy of each path: that of its first row."""
        return self.paths.book.policy[self.paths.starts].astype(np.intp)

    @property
    def changing(self) -> int:
        """How many paths were decided by more than one policy."""
        policy = self.paths.book.policy
        turns = np.append(False, policy[1:] != policy[:-1])[: len(policy)]
        turns[self.paths.starts] = False
        return len(np.unique(self.paths.path_of(np.flatnonzero(turns))))

    @property
    def growing(self) -> int:
        """How many positions got further contracts after their first row."""
        paths, quantity = self.paths, self.paths.book.quantity
        return int((np.maximum.reduceat(quantity, paths.starts) > quantity[paths.starts]).sum())

    def exits(self) -> Exits:
        """The exits that were decided."""
        guards = [policy.prices.guard_spread_percent for policy in self.policies]
        return recorded_exits(self.paths, self.told, guards)

    def part(self, rows: RowIndex, starts: RowIndex, chosen: RowIndex) -> Self:
        """Some of the paths, or stretches of them.

        Args:
            rows: Their rows here.
            starts: Where among these each of them starts.
            chosen: Which of all paths they are.
        """
        told = self.told
        paths = Paths(book=self.paths.book.take(rows), starts=starts, hashes=self.paths.hashes)
        since, until = paths.book.decided_at[paths.starts], paths.book.decided_at[paths.ends - 1]
        times = zip(chosen.tolist(), since.tolist(), until.tolist(), strict=True)
        return replace(
            self,
            paths=paths,
            told=replace(
                told,
                closes=told.closes[rows],
                reason=told.reason[rows],
                grade=told.grade[rows],
                urgency=told.urgency[rows],
            ),
            tracked=[
                replace(self.tracked[path], since=to_datetime(first), until=to_datetime(last))
                for path, first, last in times
            ],
            ids=self.ids[rows],
        )

    def longer(self, more: LaterRows) -> Self:
        """With rows after the recorded ones, on which nothing was decided."""
        paths, rows = lengthen(self.paths, more.book, more.path)
        ids = np.zeros(len(paths.book), self.ids.dtype)
        ids[rows] = self.ids
        told = tell_nothing(self.told, rows, own_grades(paths.book, self.policies))
        return replace(self, paths=paths, told=told, ids=ids)


def recorded_paths(recorded: RecordedDecisions, symbols: Mapping[str, str | None]) -> RecordedPaths:
    """The paths of decisions that are sorted by position and time.

    Runs of one environment and mode make a path: what was decided on a replayed market is not a
    tick between two of the real one.

    Args:
        recorded: The decisions.
        symbols: Of each position's contract, in the order that the positions are to have.
    """
    recorded, policies, unread = readable(recorded)
    of_run = [(run.environment, run.mode) for run in recorded.runs]
    kinds = sorted(set(of_run))
    codes, positions = recorded.position_codes()
    places = {position: place for place, position in enumerate(symbols)}
    place = np.array([places[one] for one in positions], np.int64)[codes]
    kind = np.array([kinds.index(one) for one in of_run], np.int32)[recorded.run]
    order = np.lexsort((kind, place))  # which leaves rows of one path in the order of time
    if (order[1:] < order[:-1]).any():
        recorded, codes, kind = recorded.take(order), codes[order], kind[order]
    hashes = [policy.hash for policy in policies]
    paths = Paths.of(recorded.book, codes * max(len(kinds), 1) + kind, hashes)
    outcome = recorded.outcome
    told = Told.of_names(
        outcome.exit_quantity, outcome.exit_reason, outcome.quote_grade, outcome.urgency
    )
    starts = paths.starts
    keys = zip(codes[starts].tolist(), kind[starts].tolist(), strict=True)
    return RecordedPaths(
        paths=paths,
        told=told,
        policies=policies,
        tracked=[
            _tracked(paths, path, positions[code], symbols, kinds[of_kind])
            for path, (code, of_kind) in enumerate(keys)
        ],
        ids=recorded.ids,
        left_out=Counter(recorded.left_out) + Counter(unread),
    )


def _tracked(
    paths: Paths,
    path: int,
    position: str,
    symbols: Mapping[str, str | None],
    kind: tuple[str, str],
) -> Tracked:
    book, first, last = paths.book, paths.starts[path], paths.ends[path] - 1
    return Tracked(
        id=position,
        symbol=symbols.get(position),
        environment=kind[0],
        mode=kind[1],
        side="LONG" if book.side[first] > 0 else "SHORT",
        entry_price=to_dollars(int(book.entry_price[first])),
        since=to_datetime(int(book.decided_at[first])),
        until=to_datetime(int(book.decided_at[last])),
    )
