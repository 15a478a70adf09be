"""Keep, day by day, what leaves positions under another policy."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from exit_pipeline.core.engine.policy import Policy
from exit_pipeline.core.model.book import IntColumn
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.policy_layer import PolicyLibrary
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR
from exit_pipeline.core.model.recorded import RecordedPosition, RecordedRange
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayKey, ReplayKind
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.exit_rows import ExitRows, Leaving, exit_rows
from exit_pipeline.services.open_tick import CODE_VERSION
from exit_pipeline.services.portions import portions_of
from exit_pipeline.services.recorded_paths import RecordedPaths, recorded_paths
from exit_pipeline.services.what_if import Progress, Ways
from exit_pipeline.services.what_if_request import RECORDED, Variant, WhatIfRequest

UNTOLD: Final = "can't be made again; an audit of the day tells why"
"""Why decisions of a day are not among those that were walked."""

_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every record."""


@dataclass(slots=True)
class _Kept:
    """What is to be kept, day by day; of rows only those at which contracts leave.

    Attributes:
        zone: Of the exchange, whose dates are the days.
        decisions: How many were walked.
        exits: By label and day.
    """

    zone: ZoneInfo
    decisions: Counter[date] = field(default_factory=Counter)
    exits: dict[tuple[str, date], list[ExitRows]] = field(default_factory=lambda: defaultdict(list))

    def count(self, decided_at: IntColumn) -> None:
        """Count decisions that are walked."""
        for day, rows in self._days(decided_at):
            self.decisions[day] += len(rows)

    def add(self, label: str, found: ExitRows) -> None:
        """Take in what leaves under one policy."""
        for day, rows in self._days(found.recorded.book.decided_at):
            self.exits[label, day].append(found.take(rows))

    def day_of(
        self, variant: Variant, day: date, request: WhatIfRequest, recorded: int
    ) -> ReplayedDay:
        """How one policy did on one day, of so many recorded decisions."""
        label = label_of(variant, request)
        found, walked = self.exits.get((label, day), []), self.decisions[day]
        return ReplayedDay(
            key=ReplayKey(trading_day=day, kind=ReplayKind.WHAT_IF, label=label),
            code_version=CODE_VERSION,
            policy_hash=variant.named.hash,
            decisions=walked,
            differing=sum(int((~one.same).sum()) for one in found),
            left_out={UNTOLD: recorded - walked} if recorded > walked else {},
            figures={"compare_to": request.compare_to, **_figures(found)},
        )

    def _days(self, decided_at: IntColumn) -> Iterator[tuple[date, np.ndarray]]:
        """The days of times, and which of them are on each."""
        times, which = np.unique(decided_at, return_inverse=True)
        of_time = [self._day(int(time)) for time in times.tolist()]
        days = sorted(set(of_time))
        code = np.array([days.index(day) for day in of_time], np.intp)[which]
        for number, day in enumerate(days):
            yield day, np.flatnonzero(code == number)

    def _day(self, micros: int) -> date:
        at = to_datetime(micros)
        return date.min if at is None else at.astimezone(self.zone).date()


def _figures(found: Sequence[ExitRows]) -> dict[str, Any]:
    """What the contracts brought that left on a day, dollars, and how many they are."""
    was, now = ([getattr(one, way) for one in found] for way in ("was", "now"))
    pnl = [sum(int(one.amount.sum()) for one in way) / UNITS_PER_DOLLAR for way in (was, now)]
    contracts = [sum(int(one.quantity.sum()) for one in way) for way in (was, now)]
    both = sum(
        int(np.minimum(one.was.quantity, one.now.quantity).sum()) for one in found
    )  # fmt: skip
    return {
        "baseline_pnl": pnl[0],
        "policy_pnl": pnl[1],
        "difference": round(pnl[1] - pnl[0], 4),
        "baseline_contracts": contracts[0],
        "policy_contracts": contracts[1],
        "contracts_in_both": both,
    }


def what_if_days(
    request: WhatIfRequest,
    *,
    database: Database,
    calendar: Calendar,
    library: PolicyLibrary,
    progress: Progress = lambda done, total: None,  # noqa: ARG005 nobody listens
) -> list[ReplayedDay]:
    """Follow policies along whole paths, and keep what leaves on each day of a range.

    Every position with a decision in the range is walked from its first recorded decision on, not
    from the range's first day. So what is kept of a day is the same whether that day is asked for
    alone or within any range; what becomes of a position after the range does not count. A day's
    rows are those at which contracts leave on that day, by the policy or by what it is compared
    with, and replace the rows of the same day and label in one transaction. Its figures are what
    these contracts brought.

    Args:
        request: What is to be tried, on which days.
        database: Where decisions are recorded and what comes of them is kept.
        calendar: In whose time zone days begin and end.
        library: Named policies.
        progress: Is told how far it is.

    Returns:
        The days that have decisions, by policy and day; none where nothing is recorded.

    Raises:
        InputError: A text is no policy, or a day is none that the calendar serves.
        UnavailableError: The database did not answer; days that are done stay.
    """
    for day in (request.first, request.last):
        calendar.session(day)  # refuses a date that the calendar does not serve
    ways, asked = Ways.of(request, library), request.whole_range(calendar.zone)
    store, whole = database.replays, replace(asked, start=_ALWAYS)
    there = {one.id for one in store.positions(asked) if one.id}
    positions = [one for one in store.positions(whole) if one.id in there] if there else []
    kept, done = _Kept(calendar.zone), 0
    total = sum(one.decisions for one in positions)
    for part in portions_of(positions, request.chunk):
        _walk(part, whole, ways, request, database, kept)
        done += sum(one.decisions for one in part)
        progress(done, total)
    found = _recorded(request, database, calendar)
    return [
        _keep(kept.day_of(variant, day, request, found[day]), kept, database)
        for variant in ways.variants
        for day in found
    ]


def label_of(variant: Variant, request: WhatIfRequest) -> str:
    """Under which name a policy's days are kept: the policy, and of what else is not usual.

    Example: ``stop_loss.percent=25``, or ``stop_loss.percent=25, beside long_premium, of dry
    runs``.
    """
    said = [variant.label]
    if request.compare_to != RECORDED:
        said.append(f"beside {request.compare_to}")
    said += [f"of {one}" for one in (request.environment, request.mode) if one]
    if request.dry_run:
        said.append("of dry runs")
    return ", ".join(said)


def _walk(
    part: Sequence[RecordedPosition],
    whole: RecordedRange,
    ways: Ways,
    request: WhatIfRequest,
    database: Database,
    kept: _Kept,
) -> None:
    """Walk the paths of some positions."""
    recorded = database.replays.recorded_of(whole, [one.id for one in part])
    walked = recorded_paths(recorded, {one.id: one.symbol for one in part})
    if not len(walked.paths):
        return
    kept.count(walked.paths.book.decided_at)
    # Rows of paths may be in another order than they were read in, or be fewer.
    order = np.argsort(recorded.ids)
    place = order[np.searchsorted(recorded.ids, walked.ids, sorter=order)]
    baseline = ways.baseline(walked)
    was = Leaving.of(walked.paths, baseline, request.fee)
    for variant, exits in zip(ways.variants, ways.each(walked), strict=True):
        now = Leaving.of(walked.paths, exits, request.fee)
        rows = np.union1d(was.exits.row, exits.row).astype(np.intp)
        of_rows, policies = recorded.take(place[rows]), _policies(variant, walked)
        found = exit_rows(of_rows, walked.paths, rows, (was, now), policies)
        kept.add(label_of(variant, request), found)


def _policies(variant: Variant, walked: RecordedPaths) -> list[Policy]:
    """What is tried where each of the recorded policies decided."""
    return [variant.policy or variant.over(own) for own in walked.policies]


def _recorded(request: WhatIfRequest, database: Database, calendar: Calendar) -> dict[date, int]:
    """How many decisions are recorded on each day of the range that has any."""
    untimed = database.replays.untimed(request.whole_range(calendar.zone), calendar.zone)
    found = {}
    for number in range(request.first.toordinal(), request.last.toordinal() + 1):
        day = date.fromordinal(number)
        asked = replace(request, first=day, last=day).whole_range(calendar.zone)
        count = sum(one.decisions for one in database.replays.positions(asked))
        if count + untimed.get(day, 0):
            found[day] = count + untimed.get(day, 0)
    return found


def _keep(day: ReplayedDay, kept: _Kept, database: Database) -> ReplayedDay:
    """Put a day's rows in the place of those of before."""
    with database.replays.replacing(day.key) as writer:
        for found in kept.exits.get((day.key.label, day.key.trading_day), ()):
            writer.add(found.replayed())
        writer.finish(day)
    return day
