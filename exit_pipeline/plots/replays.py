"""Replays of a day by the time of the decisions, and of a range by day."""

from collections.abc import Sequence
from datetime import date, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedTick
from exit_pipeline.plots.canvas import BLUE, RED, legend, picture, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL: Final = (7.2, 2.4)
"""Inches: one of many pictures, of about 12 kB each."""

_PALE: Final = "#b0bec5"
_MINUTES: Final = 24 * 60


def replay_of_day(day: date, ticks: Sequence[ReplayedTick], zone: tzinfo) -> bytes | None:
    """Decisions of a day by time, and those that are not what was recorded; None without any.

    Args:
        day: The trading day.
        ticks: What was made again, by time.
        zone: Of the exchange, in which times are written.
    """
    if not ticks:
        return None
    figure, axes = picture(f"Decisions of {day}, made again", "", "decisions", SMALL)
    times = [one.at.astimezone(zone) for one in ticks]
    minutes = [at.hour * 60 + at.minute for at in times]
    # As wide as the least time between two, so that bars touch and none hides another.
    width = min((b - a for a, b in pairwise(minutes) if b > a), default=5)
    _bars(axes, minutes, ticks, 0.9 * width)
    hours = range(minutes[0] // 60, minutes[-1] // 60 + 2)
    axes.set_xticks([hour * 60 for hour in hours], [f"{hour}:00" for hour in hours])
    axes.set_xlim(max(minutes[0] - 2 * width, 0), min(minutes[-1] + 2 * width, _MINUTES))
    axes.set_xlabel(f"time of the decision, {_city(zone)}")
    legend(axes)
    return to_png(figure)


def _bars(axes: "Axes", across: list[int], ticks: Sequence[ReplayedTick], width: float) -> None:
    exits, holds = [one.exits for one in ticks], [one.holds for one in ticks]
    axes.bar(across, holds, width, color=_PALE, label="hold")
    axes.bar(across, exits, width, bottom=holds, color=BLUE, label="exit")
    _mark_differing(axes, across, [one.differing for one in ticks], width)


def _mark_differing(axes: "Axes", across: Any, differing: list[int], width: float) -> None:
    label = "not what was recorded" if any(differing) else "all as recorded"
    axes.bar(across, differing, 0.5 * width, color=RED, label=label)
    # Where a few of many differ, the bar alone would not be seen.
    seen = [(at, count) for at, count in zip(across, differing, strict=True) if count]
    axes.plot([at for at, _ in seen], [count for _, count in seen], "v", color=RED, markersize=6)
    axes.locator_params(axis="y", integer=True)


def _city(zone: tzinfo) -> str:
    return str(zone).rpartition("/")[2].replace("_", " ")


def replay_of_range(days: Sequence[ReplayedDay]) -> bytes | None:
    """Decisions of each day, and those that are not what was recorded; None without any day."""
    if not days:
        return None
    first, last = days[0].key.trading_day, days[-1].key.trading_day
    span = f"{first}" if first == last else f"{first} to {last}"
    figure, axes = picture(f"Decisions of {span}, made again", "", "decisions")
    across = list(range(len(days)))
    axes.bar(across, [one.decisions for one in days], 0.9, color=_PALE, label="decided")
    left_out = [sum(one.left_out.values()) for one in days]
    if any(left_out):
        below = [one.decisions for one in days]
        axes.bar(across, left_out, 0.9, bottom=below, color="#ffb74d", label="not replayable")
    _mark_differing(axes, across, [one.differing for one in days], 0.9)
    every = -(-len(days) // 10)
    axes.set_xticks(across[::every], [f"{one.key.trading_day:%m-%d}" for one in days[::every]])
    axes.set_xlabel("trading day")
    legend(axes)
    return to_png(figure)
