"""The stretches of recorded paths on which a shadow policy decided as well."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.outcome_columns import Text
from exit_pipeline.core.model.recorded import RecordedShadows
from exit_pipeline.core.replay.exits import Exits
from exit_pipeline.core.replay.longer_paths import own_grades
from exit_pipeline.core.replay.paths import RowIndex, spans
from exit_pipeline.core.replay.readable import read_policy
from exit_pipeline.core.replay.recorded_exits import Told, recorded_exits
from exit_pipeline.services.recorded_paths import RecordedPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowPaths:
    """Paths from the first to the last tick at which a shadow policy decided on them.

    Attributes:
        recorded: The stretches, as they were decided in earnest.
        exits: Those of the shadow policy.
        policies: What its name stood for there.
        without: Rows at which it has no decision.
        left_out: How many of its decisions have a policy that can't be read, by the reason.
    """

    recorded: RecordedPaths
    exits: Exits
    policies: tuple[Policy, ...]
    without: int
    left_out: Mapping[str, int]


def shadow_paths(recorded: RecordedPaths, made: RecordedShadows, name: int) -> ShadowPaths:
    """What one shadow policy decided, beside what was decided in earnest.

    The contracts held are the real ones in both, so that an exit which the shadow policy tells
    again at every tick counts once, where it was first told. Where it has no decision, it closes
    nothing.

    Args:
        recorded: Paths of decisions.
        made: What shadow policies decided on their positions.
        name: Index of the shadow policy's name.
    """
    policies, policy_of, left_out = _readable(made, name)
    which = np.flatnonzero((made.name == name) & (policy_of[made.policy] >= 0))
    rows, which = _rows_of(recorded.ids, made.beside[which], which)
    stretch, here, chosen = _stretches(recorded, rows)
    part = recorded.part(here, stretch, chosen)
    place = np.zeros(len(recorded.ids), np.intp)
    place[here] = np.arange(len(here))
    at = place[rows]
    policy = np.zeros(len(here), np.int16)
    policy[at] = policy_of[made.policy[which]]
    paths = replace(part.paths, book=replace(part.paths.book, policy=policy))
    told = _told(made, which, at, own_grades(paths.book, policies))
    guards = [one.prices.guard_spread_percent for one in policies]
    return ShadowPaths(
        recorded=part,
        exits=recorded_exits(paths, told, guards),
        policies=policies,
        without=len(here) - len(at),
        left_out=left_out,
    )


def _readable(
    made: RecordedShadows, name: int
) -> tuple[tuple[Policy, ...], RowIndex, Counter[str]]:
    """What a name stood for; of each recorded policy the index there, -1 where there is none."""
    counts = np.bincount(made.policy[made.name == name], minlength=len(made.policies)).tolist()
    policies: list[Policy] = []
    index = np.full(len(made.policies), -1, np.intp)
    left_out: Counter[str] = Counter()
    for number, (kept, count) in enumerate(zip(made.policies, counts, strict=True)):
        if not count:
            continue
        try:
            policies.append(read_policy(kept.text))
            index[number] = len(policies) - 1
        except InputError as error:
            left_out[f"of shadow policy {made.names[name]}: {error}"] += count
    return tuple(policies), index, left_out


def _rows_of(ids: Text, beside: Text, which: RowIndex) -> tuple[RowIndex, RowIndex]:
    """The rows that decisions are beside, and which decisions these are; others have no row."""
    order = np.argsort(ids)
    at = np.searchsorted(ids, beside, sorter=order)
    rows = order[np.minimum(at, len(ids) - 1)]
    is_there = ids[rows] == beside
    return rows[is_there], which[is_there]


def _stretches(recorded: RecordedPaths, rows: RowIndex) -> tuple[RowIndex, RowIndex, RowIndex]:
    """Where stretches start among their rows, their rows, and the paths that they are of."""
    paths = recorded.paths
    path = paths.path_of(rows)
    chosen = np.unique(path)
    first = np.full(len(paths), len(paths.book), np.intp)
    last = np.full(len(paths), -1, np.intp)
    np.minimum.at(first, path, rows)
    np.maximum.at(last, path, rows)
    here, starts = spans(first[chosen], last[chosen] + 1)
    return starts, here, chosen


def _told(made: RecordedShadows, which: RowIndex, at: RowIndex, grade: np.ndarray) -> Told:
    """What a shadow policy told to close on each row of its stretches."""
    rows = len(grade)
    closes, urgency = np.zeros(rows, np.int32), np.zeros(rows, np.int8)
    reason = np.zeros(rows, made.exit_reason.dtype)
    closes[at], urgency[at] = made.exit_quantity[which], made.urgency[which]
    reason[at] = made.exit_reason[which]
    return Told.of_names(closes, reason, grade, urgency)
