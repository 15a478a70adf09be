"""Replays of a day by the time of the decisions, and of a range by day."""

from collections.abc import Sequence
from datetime import tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedTick, ReplayKey, ReplayKind
from exit_pipeline.plots.canvas import BLUE, RED, legend, picture, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL: Final = (7.2, 2.4)
"""Inches: one of many pictures, of about 18 kB each."""

_PALE, _ORANGE = "#b0bec5", "#ffb74d"
_MINUTES: Final = 24 * 60


def replay_of_day(day: ReplayedDay, ticks: Sequence[ReplayedTick], zone: tzinfo) -> bytes | None:
    """Decisions of a day by time, and those that are not what was recorded; None without any.

    Args:
        day: The replay.
        ticks: What was made again, by time.
        zone: Of the exchange, in which times are written.
    """
    if not ticks:
        return None
    tops = [one.exits + one.holds for one in ticks]
    total, differing = sum(tops), sum(one.differing for one in ticks)
    title = f"{_of_what(day.key)}: {_say(total, differing)}"
    figure, axes = picture(title, f"time of the decision, {_city(zone)}", "decisions", SMALL)
    times = [one.at.astimezone(zone) for one in ticks]
    minutes = [at.hour * 60 + at.minute for at in times]
    # As wide as the least time between two, so that none hides another, and never like an hour.
    width = min((b - a for a, b in pairwise(minutes) if b > a), default=5)
    width = min(width, 15)
    exits = [one.exits for one in ticks]
    axes.bar(minutes, exits, 0.9 * width, color=BLUE, label="exit")
    axes.bar(
        minutes, [one.holds for one in ticks], 0.9 * width, bottom=exits, color=_PALE, label="hold"
    )
    _mark_differing(axes, minutes, tops, [one.differing for one in ticks])
    hours = range(minutes[0] // 60, minutes[-1] // 60 + 2)
    axes.set_xticks([hour * 60 for hour in hours], [f"{hour}:00" for hour in hours])
    axes.set_xlim(max(minutes[0] - 2 * width, 0), min(minutes[-1] + 2 * width, _MINUTES))
    legend(axes)
    return to_png(figure)


def replay_of_range(days: Sequence[ReplayedDay]) -> bytes | None:
    """Decisions of each day, and those that are not what was recorded; None without any day."""
    if not days:
        return None
    first, last = days[0].key.trading_day, days[-1].key.trading_day
    span = f"{first}" if first == last else f"{first} to {last}"
    decided, differing = [one.decisions for one in days], [one.differing for one in days]
    title = f"Decisions of {span}, made again: {_say(sum(decided), sum(differing))}"
    figure, axes = picture(title, "trading day", "decisions")
    across = list(range(len(days)))
    axes.bar(across, decided, 0.9, color=_PALE, label="made again")
    left_out = [sum(one.left_out.values()) for one in days]
    if any(left_out):
        axes.bar(across, left_out, 0.9, bottom=decided, color=_ORANGE, label="not replayable")
    tops = [sum(both) for both in zip(decided, left_out, strict=True)]
    _mark_differing(axes, across, tops, differing)
    every = -(-len(days) // 10)
    axes.set_xticks(across[::every], [f"{one.key.trading_day:%m-%d}" for one in days[::every]])
    legend(axes)
    return to_png(figure)


def _of_what(key: ReplayKey) -> str:
    if key.kind is ReplayKind.AUDIT:
        return f"Decisions of {key.trading_day}, made again"
    label = key.label if len(key.label) <= 36 else f"{key.label[:35]}…"
    return f"Exits of {key.trading_day} under {label}"


def _say(total: int, differing: int) -> str:
    return f"{differing:,} of {total:,} differ" if differing else f"all {total:,} as recorded"


def _mark_differing(
    axes: "Axes", across: Sequence[int], tops: Sequence[int], differing: Sequence[int]
) -> None:
    """A mark over each bar of which anything differs: one of a thousand would be no bar to see."""
    highest = axes.get_ylim()[1]
    bars = zip(across, tops, differing, strict=True)
    seen = [(at, top + 0.06 * highest) for at, top, count in bars if count]
    if seen:
        axes.plot(*zip(*seen, strict=True), "v", color=RED, markersize=7, label="differ")
    axes.set_ylim(0, 1.12 * highest)
    axes.locator_params(axis="y", integer=True)


def _city(zone: tzinfo) -> str:
    return str(zone).rpartition("/")[2].replace("_", " ")
