"""Gamma exposure of an underlying: by strike, and over prices."""

from typing import Final

import numpy as np

from exit_pipeline.core.context.gamma_context import GammaContext
from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.plots.canvas import (
    BLUE,
    CONVENTION,
    GREEN,
    GREY,
    PURPLE,
    RED,
    legend,
    mark,
    picture,
    to_png,
)

_SHARE: Final = 0.98
"""Strikes that are shown hold this share of the gross gamma; the wings beyond are invisible."""

_MILLION: Final = 1e6
_BARS_MAX: Final = 90
"""More bars than these are drawn together, several strikes in one, or none could be told apart."""

_UNIT: Final = "million $ per 1 % move"


def gamma_by_strike(context: GammaContext) -> bytes | None:
    """Gamma of calls and puts by strike, with walls, spot and zero gamma; None without figures."""
    exposure, zero = context.exposure, context.zero
    if exposure is None or zero is None or not exposure.gross > 0:
        return None
    title = _title(context, f"gamma by strike, net {exposure.net / _MILLION:+,.1f} {_UNIT}")
    figure, axes = picture(title, f"strike, $ ({CONVENTION})", _UNIT)
    first, stop = _shown(exposure.calls_by_strike - exposure.puts_by_strike)
    strikes = exposure.strikes[first:stop]
    for name, amounts, color in (
        ("calls", exposure.calls_by_strike, GREEN),
        ("puts", exposure.puts_by_strike, RED),
    ):
        centres, sums, width = _grouped(strikes, amounts[first:stop] / _MILLION)
        axes.bar(centres, sums, width=0.9 * width, color=color, alpha=0.85, label=name)
    axes.axhline(0, color=GREY, linewidth=0.8)
    mark(axes, context.spot, "spot", BLUE, "-")
    low, high = float(strikes[0]), float(strikes[-1])
    for name, at, color in (
        ("call wall", exposure.call_wall, GREEN),
        ("put wall", exposure.put_wall, RED),
        ("zero gamma", zero.nearest.price if zero.nearest else None, PURPLE),
    ):
        if at is not None and low <= at <= high:
            mark(axes, at, name, color, ":" if name == "zero gamma" else "--")
    legend(axes)
    return to_png(figure)


def gamma_profile(context: GammaContext) -> bytes | None:
    """Net gamma over prices with every zero that was found; None without figures."""
    zero = context.zero
    if zero is None or context.exposure is None:
        return None
    count = len(zero.crossings)
    what = f"{count} zero{'' if count == 1 else 's'}" if count else f"no zero: {zero.reason}"
    figure, axes = picture(
        _title(context, f"net gamma by price, {what}"),
        f"price of {context.underlying}, $ ({CONVENTION})",
        _UNIT,
    )
    net = zero.net / _MILLION
    axes.fill_between(zero.prices, net, 0, where=net >= 0, color=GREEN, alpha=0.2, interpolate=True)
    axes.fill_between(zero.prices, net, 0, where=net <= 0, color=RED, alpha=0.2, interpolate=True)
    axes.plot(zero.prices, net, color=BLUE, linewidth=1.6)
    axes.axhline(0, color=GREY, linewidth=0.8)
    mark(axes, context.spot, "spot", BLUE, "-")
    for crossing in zero.crossings:
        is_nearest = crossing is zero.nearest
        turn = "- to +" if crossing.above > 0 else "+ to -"
        mark(axes, crossing.price, f"zero ({turn})", PURPLE, "--" if is_nearest else ":")
        axes.plot([crossing.price], [0], "o", color=PURPLE, markersize=7 if is_nearest else 5)
    legend(axes)
    return to_png(figure)


def _title(context: GammaContext, what: str) -> str:
    at = to_datetime(context.at)
    when = f"{at:%Y-%m-%d %H:%M} UTC" if at else "time not known"
    return f"{context.underlying}: {what}\n{when}, {context.source}, spot {context.spot:,.2f}"


def _shown(gross: FloatColumn) -> tuple[int, int]:
    """First strike and strike after the last of those that hold nearly all gamma."""
    share = np.cumsum(gross) / gross.sum()
    edge = (1 - _SHARE) / 2
    first = int(np.searchsorted(share, edge))
    stop = int(np.searchsorted(share, 1 - edge)) + 1
    # A strike more to each side, so that bars at the edge are seen as such.
    return max(first - 1, 0), min(stop + 1, len(gross))


def _grouped(strikes: FloatColumn, amounts: FloatColumn) -> tuple[FloatColumn, FloatColumn, float]:
    """Bars of equal width: the strikes themselves, or sums over several where there are many."""
    span = float(strikes[-1] - strikes[0])
    gaps = np.diff(strikes)
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    in_one = int(np.ceil(span / gap / _BARS_MAX)) if span else 1
    if in_one <= 1:
        return strikes, amounts, gap
    # A whole number of strikes in each bar: with one and two by turns they would look like teeth.
    width = in_one * gap
    start = float(strikes[0]) - gap / 2
    edges = start + width * np.arange(int(np.ceil((span + gap) / width)) + 1)
    sums, _ = np.histogram(strikes, bins=edges, weights=amounts)
    return (edges[:-1] + edges[1:]) / 2, sums, width
