"""VIX: band of the level, term structure, change of the day and place in its history."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from exit_pipeline.core.model.daily import DailyCloses
from exit_pipeline.core.model.market_state import TermStructure, VixBand
from exit_pipeline.core.model.reading import Reading, ReadingState

_NO_LEVEL: Final = "{name} of {source} is {value:g}, which is no level."


class VixSettings(BaseModel):
    """Where the bands of the VIX begin, and what its ratios and its history need.

    The edges are a convention of traders, not of the index's publisher; each is judgement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    normal_from: float = Field(
        default=15, gt=0, description="NORMAL from here, CALM below; points."
    )
    elevated_from: float = Field(default=20, gt=0, description="ELEVATED from here, index points.")
    stressed_from: float = Field(default=30, gt=0, description="STRESSED from here, index points.")
    panic_from: float = Field(default=40, gt=0, description="PANIC from here, index points.")
    hysteresis_points: float = Field(
        default=0.5,
        ge=0,
        description="A band is left downwards only below its edge less this many index points.",
    )
    backwardation_above: float = Field(
        default=1.0, gt=0, description="A ratio of near to far volatility above this is stress."
    )
    pair_minutes_max: float = Field(
        default=20, gt=0, description="Two levels further apart than this make no ratio, minutes."
    )
    percentile_days_min: int = Field(
        default=60, ge=1, description="Stored closes that a percentile needs."
    )
    percentile_window_days: int = Field(
        default=365, ge=1, le=36_500, description="Calendar days that a percentile looks back."
    )

    @model_validator(mode="after")
    def _edges_rise(self) -> Self:
        if any(low >= high for low, high in pairwise(self.edges)):
            message = f"edges of the VIX bands must rise, were {self.edges}"
            raise ValueError(message)
        return self

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Lower edges of all bands but CALM, index points."""
        return (self.normal_from, self.elevated_from, self.stressed_from, self.panic_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class VixInputs:
    """What is known of the VIX at a moment.

    Attributes:
        moment: The tick's own time.
        session: The session that the moment is in; only closes of earlier days are looked at.
        previous_session: The session before it, whose close the change is measured on.
        vix: 30-day VIX, index points.
        vix3m: Three-month VIX, index points.
        vix9d: Nine-day VIX, index points.
        history: Stored daily closes of the VIX.
    """

    moment: datetime
    session: date
    previous_session: date
    vix: Reading
    vix3m: Reading
    vix9d: Reading
    history: DailyCloses


@dataclass(frozen=True, slots=True, kw_only=True)
class VixContext:
    """What follows from it; None means not known, never calm, and `notes` say why.

    Attributes:
        state: State of the VIX reading itself.
        level: The VIX where it is fresh, index points.
        band: Band of that level.
        memory: The band to hand to the next tick: this one, or the last that was known.
        vix3m_ratio: VIX / VIX3M.
        vix9d_ratio: VIX9D / VIX.
        term_structure: By VIX / VIX3M.
        front_structure: By VIX9D / VIX, the next days against the next month.
        change_percent: Against the close of the session before, percent.
        percentile: Share of stored closes at or below the level, 0..1.
        notes: Why something is not known, one sentence each.
    """

    state: ReadingState
    level: float | None
    band: VixBand | None
    memory: VixBand | None
    vix3m_ratio: float | None
    vix9d_ratio: float | None
    term_structure: TermStructure | None
    front_structure: TermStructure | None
    change_percent: float | None
    percentile: float | None
    notes: tuple[str, ...]


def read_vix(inputs: VixInputs, settings: VixSettings, previous: VixBand | None) -> VixContext:
    """Judge the VIX at a moment.

    Args:
        inputs: What is known.
        settings: Edges and limits.
        previous: The `memory` of the tick before, None where there was none.

    Example: VIX 18 and VIX3M 20 have a ratio of 0.9, CONTANGO; a close of 16 the day before makes
    the change +12.5 %.
    """
    notes: list[str] = []
    level = _level("VIX", inputs.vix, inputs.moment, notes)
    far = _level("VIX3M", inputs.vix3m, inputs.moment, notes)
    near = _level("VIX9D", inputs.vix9d, inputs.moment, notes)
    # A ratio of two levels of different times would measure the time between them.
    far_ratio = _ratio("VIX / VIX3M", (level, far), (inputs.vix, inputs.vix3m), settings, notes)
    near_ratio = _ratio("VIX9D / VIX", (near, level), (inputs.vix9d, inputs.vix), settings, notes)
    band = None if level is None else vix_band(level, settings, previous)
    state = inputs.vix.state(inputs.moment)
    if level is None and state is ReadingState.FRESH:
        state = ReadingState.MISSING
    return VixContext(
        state=state,
        level=level,
        band=band,
        memory=previous if band is None else band,
        vix3m_ratio=far_ratio,
        vix9d_ratio=near_ratio,
        term_structure=_structure(far_ratio, settings),
        front_structure=_structure(near_ratio, settings),
        change_percent=_change(level, inputs, notes),
        percentile=_percentile(level, inputs, settings, notes),
        notes=tuple(notes),
    )


def vix_band(level: float, settings: VixSettings, previous: VixBand | None) -> VixBand:
    """The band of a level, given the band before.

    Danger is believed at once, calm only with a margin: a band is entered upwards when the level
    reaches its edge, and left downwards when the level is below the edge less
    `hysteresis_points`. The default of 0.5 is judgement: where the index moves 1.2 points a day,
    a step of five minutes is 1.2 / sqrt(78) = 0.14, so that half a point is more than three
    usual steps, yet a tenth of the narrowest band.

    Example: from NORMAL, 20.0 is ELEVATED; from ELEVATED, 19.6 still is, and 19.4 is NORMAL.
    """
    risen = _plain_band(level, settings.edges)
    if previous is None:
        return risen
    fallen = _plain_band(level, tuple(edge - settings.hysteresis_points for edge in settings.edges))
    return max(risen, min(previous, fallen))


def _plain_band(level: float, edges: tuple[float, ...]) -> VixBand:
    return VixBand(sum(level >= edge for edge in edges))


def _level(name: str, reading: Reading, moment: datetime, notes: list[str]) -> float | None:
    """The level where it is fresh and positive; an index of volatility is never zero."""
    value = reading.fresh(moment)
    if value is None:
        notes.append(reading.say_trouble(name, moment))
    elif value <= 0:
        notes.append(_NO_LEVEL.format(name=name, source=reading.source, value=value))
        value = None
    return value


def _ratio(
    name: str,
    levels: tuple[float | None, float | None],
    readings: tuple[Reading, Reading],
    settings: VixSettings,
    notes: list[str],
) -> float | None:
    near, far = levels
    if near is None or far is None or readings[0].at is None or readings[1].at is None:
        return None
    apart = abs(readings[0].at - readings[1].at)
    if apart > timedelta(minutes=settings.pair_minutes_max):
        notes.append(f"{name} is not known: its levels are {apart} apart.")
        return None
    return near / far


def _structure(ratio: float | None, settings: VixSettings) -> TermStructure | None:
    """BACKWARDATION above the limit; exactly at it is still CONTANGO."""
    return None if ratio is None else TermStructure(ratio > settings.backwardation_above)


def _change(level: float | None, inputs: VixInputs, notes: list[str]) -> float | None:
    close = inputs.history.between(None, inputs.session).on(inputs.previous_session)
    if close is None:
        notes.append(f"No VIX close of {inputs.previous_session} is stored.")
    return None if level is None or close is None else 100 * (level / close - 1)


def _percentile(
    level: float | None, inputs: VixInputs, settings: VixSettings, notes: list[str]
) -> float | None:
    start = inputs.session - timedelta(days=settings.percentile_window_days)
    closes = inputs.history.between(start, inputs.session).close
    if len(closes) < settings.percentile_days_min:
        needed = settings.percentile_days_min
        notes.append(f"{len(closes)} VIX closes are stored of the {needed} a percentile needs.")
        return None
    return None if level is None else float(np.mean(closes <= level))
