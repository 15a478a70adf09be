"""Whether the ticks of a day came when they were due."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline.core.model.day_record import DayTick
from exit_pipeline.core.model.record import RunStatus

LATE: Final = timedelta(seconds=60)
"""A run that began later than this was late: the schedule itself starts none then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TickCounts:
    """The ticks of a day, each counted once whatever the number of its accounts.

    Attributes:
        due: How many the schedule asked for so far; None where no schedule works them, as on tapes.
        run: Worked to the end for every account.
        late: Of those, how many began more than 60 seconds after their time; 0 without a schedule.
        failed: Some account's run failed, or never ended.
        skipped: Some account's run was skipped, and none failed.
        missed: Times that were due and at which nothing ran.
        besides: Runs at other times, and launches for some positions only.
        reasons: Why runs failed or were skipped, with how often.
    """

    due: int | None
    run: int
    late: int
    failed: int
    skipped: int
    missed: tuple[datetime, ...]
    besides: int
    reasons: Counter[str]


def count_ticks(ticks: Sequence[DayTick], due: Sequence[datetime] | None) -> TickCounts:
    """Count the ticks of a day.

    Args:
        ticks: Its runs.
        due: When the schedule asked for one, until now; None where none does.

    Example: of 09:30, 09:35 and 09:40, with good runs at 09:30 and 09:40 of which the second began
    at 09:42, 3 were due, 2 run, 1 of them late, and 09:35 is missed.
    """
    by_time: dict[datetime, list[DayTick]] = {}
    for tick in ticks:
        if tick.is_scheduled and (due is None or tick.tick_at in due):
            by_time.setdefault(tick.tick_at, []).append(tick)
    states = {at: _worst(runs) for at, runs in by_time.items()}
    counts = Counter(states.values())
    late = [
        at
        for at, state in states.items()
        if state is RunStatus.SUCCEEDED and max(one.started_at for one in by_time[at]) - at > LATE
    ]
    counted = sum(len(runs) for runs in by_time.values())
    return TickCounts(
        due=None if due is None else len(due),
        run=counts[RunStatus.SUCCEEDED],
        late=0 if due is None else len(late),
        failed=counts[RunStatus.FAILED] + counts[RunStatus.STARTED],
        skipped=counts[RunStatus.SKIPPED],
        missed=tuple(at for at in due or () if at not in by_time),
        besides=len(ticks) - counted,
        reasons=Counter(one.reason for one in ticks if one.reason),
    )


def _worst(runs: Sequence[DayTick]) -> RunStatus:
    """How a tick ended: as the account that fared worst."""
    order = (RunStatus.FAILED, RunStatus.STARTED, RunStatus.SKIPPED, RunStatus.SUCCEEDED)
    return min((RunStatus(one.status) for one in runs), key=order.index)


def spans_of(
    missed: Sequence[datetime], due: Sequence[datetime]
) -> list[tuple[datetime, datetime]]:
    """Missed times that follow each other in the schedule, as first and last of each span.

    Example: of 09:30 to 09:50 every five minutes, 09:35, 09:40 and 09:50 missed are the spans
    09:35 to 09:40 and 09:50 to 09:50.
    """
    place = {at: number for number, at in enumerate(due)}
    spans: list[tuple[datetime, datetime]] = []
    for at in missed:
        if spans and place[at] == place[spans[-1][1]] + 1:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans
