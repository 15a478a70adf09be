"""A path over the session as the figures of a small picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from exit_pipeline.core.model.session import Session
from exit_pipeline.services.day_positions import PathPoint, PositionDay

WIDTH: Final = 320
HEIGHT: Final = 96
_EDGE: Final = 6
"""Room for a dot at the rim."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line across the picture: ``entry``, ``stop``, ``target`` or ``zero``, and its height."""

    kind: str
    y: float


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the picture: ``exit`` or ``last``."""

    kind: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """What is drawn, in units of a picture of `WIDTH` by `HEIGHT`.

    Attributes:
        d: The path, as SVG writes it; a hole where nothing was known. Empty without any point.
        lines: Lines across.
        dots: Points on it.
    """

    d: str
    lines: tuple[Line, ...]
    dots: tuple[Dot, ...]


def path_of_position(day: PositionDay, session: Session) -> Path:
    """The marks of a position, with its entry, its stops and targets, and its exits."""
    levels = [("entry", float(day.position.entry_price))]
    levels += [(one.kind, float(one.price)) for one in day.levels]
    exits = [(one.at, float(one.price)) for one in day.leavings if one.price is not None]
    return _draw(day.points, levels, exits, session)


def path_of_money(points: Sequence[PathPoint], session: Session) -> Path:
    """A profit or loss over the day, with a line at zero."""
    return _draw(points, [("zero", 0.0)], [], session)


def _draw(
    points: Sequence[PathPoint],
    levels: Sequence[tuple[str, float]],
    exits: Sequence[tuple[datetime, float]],
    session: Session,
) -> Path:
    known = [(one.at, float(one.mark)) for one in points if one.mark is not None]
    values = [value for _, value in (*known, *levels, *exits)]
    low, high = min(values), max(values)
    room = (high - low) or 1.0

    def across(at: datetime) -> float:
        share = (at - session.opens_at) / (session.closes_at - session.opens_at)
        return round(_EDGE + min(max(share, 0.0), 1.0) * (WIDTH - 2 * _EDGE), 1)

    def upwards(value: float) -> float:
        return round(HEIGHT - _EDGE - (value - low) / room * (HEIGHT - 2 * _EDGE), 1)

    d, is_drawn = [], False
    for one in points:
        if one.mark is not None:
            step = f"{across(one.at):g} {upwards(float(one.mark)):g}"
            d.append(f"{'L' if is_drawn else 'M'}{step}")
        is_drawn = one.mark is not None
    dots = [Dot("last", across(at), upwards(value)) for at, value in known[-1:]]
    dots += [Dot("exit", across(at), upwards(value)) for at, value in exits]
    return Path(
        d="".join(d),
        lines=tuple(Line(kind, upwards(value)) for kind, value in levels),
        dots=tuple(dots),
    )
