"""What another policy would have made of the past: money over time, by position, and by reason."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from exit_pipeline.core.model.book import BoolColumn, FloatColumn
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR
from exit_pipeline.core.replay.comparison import Comparison
from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.result import Result, running_total
from exit_pipeline.plots.canvas import BLUE, GREEN, GREY, PURPLE, RED, picture, see_through, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COMPARED: Final = "#9e9e9e"
"""Of what policies are compared with."""

_LINES: Final = (BLUE, PURPLE, GREEN, RED, "#ef6c00", "#00838f")
"""Of policies, in their order; one more would be told apart by nobody."""

MOST_LINES: Final = len(_LINES)

_MOST_BARS: Final = 40
"""Positions in one picture; of more, those with the largest differences."""

_SIZE: Final = (6.4, 3.9)
_DOTS: Final = 150

_DOLLARS: Final = "P&L, $"


def money_over_time(ways: Sequence[tuple[str, Result]], counted: BoolColumn) -> bytes | None:
    """The running total of each way, as contracts leave; None where nothing can be valued.

    What is still held counts at the end of its path.

    Args:
        ways: Names and results on the same paths, what is compared with first; besides it,
            ``MOST_LINES`` are drawn at most.
        counted: The paths that count.
    """
    if not counted.any():
        return None
    figure, axes = _picture("P&L as contracts leave, net of fees", "UTC", _DOLLARS)
    for color, (name, result) in zip((_COMPARED, *_LINES), ways, strict=False):
        lots = result.lots
        there = counted[lots.path]
        at, total = running_total(lots.at[there], lots.gain[there] * lots.contracts[there])
        times, dollars = at.astype("datetime64[us]"), total / UNITS_PER_DOLLAR
        axes.step(times, dollars, where="post", color=color, linewidth=1.8, label=_short(name))
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.tick_params(axis="x", rotation=25)
    return _done(figure, axes)


def difference_by_position(names: Sequence[str], comparison: Comparison) -> bytes | None:
    """Dollars by which the policy is above what it is compared with; None where nothing differs."""
    shown = np.flatnonzero(comparison.valued & comparison.held & (comparison.difference != 0))
    if not len(shown):
        return None
    dollars = comparison.difference[shown] / UNITS_PER_DOLLAR
    largest = np.argsort(-np.abs(dollars), kind="stable")[:_MOST_BARS]
    order = largest[np.argsort(dollars[largest], kind="stable")]
    left_out = len(shown) - len(order)
    more = f", {left_out:,} smaller ones left out" if left_out else ""
    figure, axes = _picture(f"difference by position{more}", "position", "difference, $")
    values = dollars[order]
    axes.bar(np.arange(len(order)), values, color=np.where(values > 0, GREEN, RED), alpha=0.85)
    axes.axhline(0, color=GREY, linewidth=0.8)
    labels = [_short(names[path], 18) for path in shown[order].tolist()]
    axes.set_xticks(np.arange(len(order)), labels, rotation=60, ha="right", fontsize=7.5)
    return _done(figure, axes)


def exits_by_reason(comparison: Comparison, compared: str) -> bytes | None:
    """Contracts that left for each reason, either way; None where none left."""
    ways = [_by_reason(result) for result in (comparison.baseline, comparison.policy)]
    reasons = sorted(set().union(*ways), key=lambda one: sum(way.get(one, 0) for way in ways))
    if not reasons:
        return None
    figure, axes = _picture("contracts that left, by reason", "contracts", "")
    at = np.arange(len(reasons))
    for shift, color, label, way in zip(
        (0.2, -0.2), (_COMPARED, BLUE), (compared, "the policy"), ways, strict=True
    ):
        counts = [way.get(reason, 0) for reason in reasons]
        axes.barh(at + shift, counts, height=0.38, color=color, label=_short(label))
    axes.set_yticks(at, reasons, fontsize=8.5)
    return _done(figure, axes)


def over_a_grid(points: Mapping[str, Sequence[str]], dollars: FloatColumn) -> bytes | None:
    """The difference over one or two thresholds; None for more of them, or a single value.

    Args:
        points: The values by threshold.
        dollars: The difference of all positions, with an axis for each threshold in order.
    """
    if dollars.size < 2 or len(points) > 2:
        return None
    return _over_one(points, dollars) if len(points) == 1 else _over_two(points, dollars)


def _over_one(points: Mapping[str, Sequence[str]], dollars: FloatColumn) -> bytes:
    ((key, values),) = points.items()
    figure, axes = _picture(f"difference by {key}", key, "difference, $")
    axes.plot(range(len(values)), dollars, color=BLUE, linewidth=1.8, marker="o")
    axes.axhline(0, color=GREY, linewidth=0.8)
    axes.set_xticks(range(len(values)), values)
    return _done(figure, axes)


def _over_two(points: Mapping[str, Sequence[str]], dollars: FloatColumn) -> bytes:
    (down, rows), (across, columns) = points.items()
    figure, axes = _picture("difference, $", across, down)
    most = float(np.abs(dollars).max()) or 1.0
    image = axes.imshow(dollars, cmap="RdYlGn", vmin=-most, vmax=most, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    for (row, column), value in np.ndenumerate(dollars):
        axes.text(column, row, f"{value:+,.0f}", ha="center", va="center", fontsize=8)
    figure.colorbar(image)
    return _done(figure, axes, with_grid=False)


def _by_reason(result: Result) -> dict[str, int]:
    lots = result.lots
    left = lots.row != NO_ROW
    counts = np.bincount(lots.reason[left], lots.contracts[left], len(result.reasons))
    return {one: int(n) for one, n in zip(result.reasons, counts, strict=True) if n}


def _picture(title: str, across: str, upwards: str) -> "tuple[Figure, Axes]":
    figure, axes = picture(title, across, upwards)
    figure.set_size_inches(*_SIZE)
    figure.set_dpi(_DOTS)
    return figure, axes


def _done(figure: "Figure", axes: "Axes", *, with_grid: bool = True) -> bytes:
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(loc="best", frameon=False, fontsize=8)
    see_through(figure, with_grid=with_grid)
    return to_png(figure)


def _short(text: str, most: int = 44) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
