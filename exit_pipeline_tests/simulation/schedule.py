"""When the job is run: by the schedule, late, in bursts, and by hand."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from exit_pipeline_tests.simulation.engine import Launch
from exit_pipeline_tests.simulation.faults import Planned
from exit_pipeline_tests.simulation.plan import Plan
from exit_pipeline_tests.simulation.streams import stream

_LATEST_START: Final = 8.0
"""Seconds within which a scheduled run begins after its time; the broker's prices move one second
after it, and what is shown of them is three seconds old, so that a run may decide on either."""

_BEFORE_CALM: Final = timedelta(seconds=60)
"""What is late is run so long before the faults end."""

_CALM_START: Final = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class Due:
    """Something that is due.

    Attributes:
        at: When.
        launch: The run; None where only faults begin.
        begins: Faults whose tick this is.
        strikes: The fault that this is itself, such as a late tick.
        is_calm: It comes after all faults.
    """

    at: datetime
    launch: Launch | None
    begins: tuple[Planned, ...] = ()
    strikes: Planned | None = None
    is_calm: bool = False


def make_schedule(plan: Plan, faults: list[Planned]) -> list[Due]:
    """Everything that is due in a seed, in order."""
    by_slot: dict[int, list[Planned]] = defaultdict(list)
    for planned in faults:
        by_slot[planned.slot].append(planned)
    delays = _delays(faults, len(plan.slots))
    chance = stream(plan.seed, "starts")
    due = []
    for number, slot in enumerate(plan.slots):
        due.append(Due(at=slot, launch=None, begins=tuple(by_slot[number])))
        delay, why = delays.get(number, (timedelta(0), None))
        launch = Launch(key=f"t{number}", tick_at=slot)
        start = timedelta(seconds=chance.uniform(0.2, _LATEST_START))
        due.append(Due(at=slot + start + delay, launch=launch, strikes=why))
        for planned in by_slot[number]:
            due += _extra(planned, slot, plan)
    due.sort(key=lambda one: one.at)
    calm = [
        Due(at=slot + _CALM_START, launch=Launch(key=f"c{number}", tick_at=slot), is_calm=True)
        for number, slot in enumerate(plan.calm_slots)
    ]
    before = calm[0].at - _BEFORE_CALM
    return [Due(**{**vars(one), "at": min(one.at, before)}) for one in due] + calm


def launches_again(planned: Planned, now: datetime, calm: datetime) -> list[Due]:
    """What somebody does who has lost patience: the same launch again and again, soon.

    Looks that follow each other within the quarantine are rare on schedule, and prove the least.
    """
    gap = timedelta(seconds=12 + 40 * planned.amount)
    times = [now + number * gap for number in range(1, 3 + planned.pick % 6)]
    return [
        Due(at=at, launch=Launch(key="again"), strikes=planned)
        for at in times
        if at < calm - _BEFORE_CALM
    ]


def _delays(faults: list[Planned], slots: int) -> dict[int, tuple[timedelta, Planned | None]]:
    delays: dict[int, tuple[timedelta, Planned | None]] = {}
    for planned in faults:
        if planned.kind.what == "late_tick":
            delays[planned.slot] = timedelta(minutes=3 + 12 * planned.amount), planned
        if planned.kind.what == "burst":
            last = min(planned.slot + 2 + planned.pick % 4, slots - 1)
            for slot in range(planned.slot, last):
                # A second apart, back to back, once the queue moves again.
                wait = timedelta(minutes=5 * (last - slot), seconds=slot - planned.slot)
                delays[slot] = wait, planned
    return delays


def _extra(planned: Planned, slot: datetime, plan: Plan) -> list[Due]:
    """Runs that somebody launches beside the schedule."""
    launches = {
        "manual_launch": Launch(key="by-hand"),
        "dry_run": Launch(key="dry", dry_run=True),
        "filtered_launch": Launch(
            key="filtered", position_ids=(f"p{1 + planned.pick % plan.positions}",)
        ),
    }
    launch = launches.get(planned.kind.what)
    if launch is None:
        return []
    at = slot + timedelta(seconds=15 + 260 * planned.amount)
    return [Due(at=at, launch=launch, strikes=planned)]
