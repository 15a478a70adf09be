"""Pictures of a few hundred bytes, which Dagster shows at once where larger ones need a click."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.plots.canvas import BLUE, GREEN, PURPLE, RED

MOST_CHARACTERS: Final = 999
"""Markdown of fewer than a thousand characters is shown at once by the page of an asset."""

_WIDTH, _HEIGHT = 320, 92
_LEFT, _RIGHT, _TOP, _BOTTOM = 26, 294, 26, 68
_POINTS: Final = 20
"""Of a curve: more can't be told apart on 268 pixels."""

_COLORS: Final = {"spot": BLUE, "zero": PURPLE, "put": RED, "call": GREEN}

_HEAD: Final = (
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
    'font-family="Arial" font-size="11" text-anchor="middle" fill="#888">'
)


def small_vix(levels: Mapping[str, float]) -> str | None:
    """The term structure of the VIX; None with fewer than two levels.

    Args:
        levels: Index points by name, the nearest first.
    """
    if len(levels) < 2:
        return None
    across = np.linspace(_LEFT, _RIGHT, len(levels))
    upwards = _scaled(np.array(list(levels.values())))
    words = "".join(
        f'<text x="{x:.0f}" y="{y - 7:.0f}">{level:.2f}</text>'
        f'<text x="{x:.0f}" y="88">{name}</text>'
        for x, y, (name, level) in zip(across, upwards, levels.items(), strict=True)
    )
    return f"{_HEAD}{_line(across, upwards)}{words}</svg>"


def small_gamma(
    marks: Mapping[str, float | None], curve: tuple[FloatColumn, FloatColumn] | None = None
) -> str | None:
    """Where spot, zero gamma and walls are, over the profile of net gamma; None without a spot.

    Args:
        marks: Prices in dollars of ``spot``, ``zero`` and the walls ``put`` and ``call``; None
            where not known.
        curve: Prices and the net gamma at each, where a chain was asked for in this tick.
    """
    known = {name: price for name, price in marks.items() if price is not None}
    if "spot" not in known or len(known) < 2:
        return None
    low, high = min(known.values()), max(known.values())
    room = max(0.15 * (high - low), 0.002 * high)
    low, high = low - room, high + room
    drawn = _profile(curve, low, high) if curve is not None else ""
    order = sorted(known.items(), key=lambda one: one[1])
    lines = "".join(
        f'<path d="M{_LEFT + (price - low) / (high - low) * (_RIGHT - _LEFT):.0f} 8V72" '
        f'stroke="{_COLORS[name]}"/>'
        for name, price in order
    )
    # In a row of their own: prices are often so near each other that words at them would meet.
    words = " ".join(
        f'<tspan fill="{_COLORS[name]}">{name} {price:.0f}</tspan>' for name, price in order
    )
    return f'{_HEAD}{drawn}{lines}<text x="{_WIDTH // 2}" y="87">{words}</text></svg>'


def as_markdown(name: str, svg: str) -> str:
    """A picture within Markdown, which needs no server of its own."""
    return f"![{name}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"


def _profile(curve: tuple[FloatColumn, FloatColumn], low: float, high: float) -> str:
    prices, net = curve
    at = np.linspace(low, high, _POINTS)
    values = np.interp(at, prices, net)
    span = np.append(values, 0.0)
    upwards = _scaled(span)
    zero = f'<path d="M{_LEFT} {upwards[-1]:.0f}H{_RIGHT}" stroke="#888"/>'
    return zero + _line(np.linspace(_LEFT, _RIGHT, _POINTS), upwards[:-1])


def _scaled(values: FloatColumn) -> FloatColumn:
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    scaled: FloatColumn = _BOTTOM - share * (_BOTTOM - _TOP)
    return scaled


def _line(across: Sequence[float] | FloatColumn, upwards: FloatColumn) -> str:
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(across, upwards, strict=True))
    return f'<polyline points="{points}" fill="none" stroke="{BLUE}"/>'
