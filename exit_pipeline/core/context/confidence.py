"""Confidence: how much speaks for holding a position, 0..100, part by part."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.context.columns import ContextColumns, say_missing
from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.market_state import Regime

BASE: Final = 50.0
"""Where nothing speaks for or against."""
_ROUNDING: Final = 1e-9
"""A share that is 0.7 on paper may be a hair less as a quotient of sums of floats."""


class ConfidenceSettings(BaseModel):
    """Points of each part; what speaks against holding has its points below zero.

    The defaults are judgement, not measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vix_calm_below: float = Field(default=15, gt=0, description="A calm VIX, index points.")
    vix_calm: float = Field(default=5, ge=0, le=100, description="Points of a calm VIX.")
    vix_stressed_above: float = Field(default=30, gt=0, description="A stressed VIX, index points.")
    vix_stressed: float = Field(default=-10, le=0, ge=-100, description="Points of a stressed VIX.")
    trend_with: float = Field(default=10, ge=0, le=100, description="Trend with the position.")
    trend_against: float = Field(default=-20, le=0, ge=-100, description="Trend against it.")
    bias_beyond: float = Field(default=0.5, ge=0, lt=1, description="A bias counts beyond this.")
    bias_with: float = Field(default=5, ge=0, le=100, description="Bias with the position.")
    bias_against: float = Field(default=-5, le=0, ge=-100, description="Bias against it.")
    context_max: float = Field(
        default=20, ge=0, le=100, description="VIX, trend and bias together move at most this."
    )
    low_vol: float = Field(default=10, ge=-100, le=100, description="Points of LOW_VOL.")
    high_vol: float = Field(default=-10, ge=-100, le=100, description="Points of HIGH_VOL.")
    positioning_max: float = Field(
        default=15, ge=0, le=100, description="The regime moves at most this."
    )
    gamma: float = Field(
        default=15, ge=0, le=100, description="Points of a new gamma signal of full strength."
    )
    confluence_from: float = Field(
        default=0.7, gt=0, le=1, description="A confluence against the position counts from here."
    )
    confluence: float = Field(
        default=-10, le=0, ge=-100, description="Points of such a confluence."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """The answer and its parts, in points, by row; a part without data is 0 and noted.

    Attributes:
        confidence: Whole points 0..100; NaN where no part has data.
        vix: Of the level.
        trend: Of the trend, by the position's view.
        bias: Of the bias, by the position's view.
        context: VIX, trend and bias together, clamped.
        positioning: Of the regime, clamped.
        gamma: Of the gamma signal, by the position's view.
        confluence: Of the confluence against the position.
        note: The parts without data; empty where there is none.
    """

    confidence: FloatColumn
    vix: FloatColumn
    trend: FloatColumn
    bias: FloatColumn
    context: FloatColumn
    positioning: FloatColumn
    gamma: FloatColumn
    confluence: FloatColumn
    note: NDArray[Any]


def judge_confidence(
    columns: ContextColumns, against: FloatColumn, settings: ConfidenceSettings
) -> Confidence:
    """Add the parts to 50 and clamp to 0..100.

    * context, clamped to +-20: VIX below 15 +5, above 30 -10; trend with the position +10,
      against it -20; bias beyond 0.5 with it +5, against it -5;
    * positioning, clamped to +-15: LOW_VOL +10, HIGH_VOL -10. It asks how likely surprises are,
      for either side; whom a regime costs is asked by the confluence;
    * gamma: 15 x strength x freshness, positive where the signal agrees with the view;
    * confluence: -10 where 0.7 or more is against the position.

    Limits are sharp: a VIX of exactly 15 or 30 and a bias of exactly 0.5 give nothing, a
    confluence of exactly 0.7 counts. The sum is rounded to whole points, halves to even. Where
    the contract is not known there is no view, so trend, bias, gamma and confluence have no data.

    Args:
        columns: The context of each position.
        against: ``Confluence.against``, NaN where not known.
        settings: Points and limits.

    Raises:
        InputError: The confluence is not one per row, or outside of 0..1.

    Example: a long call with VIX 14 (+5), trend BEARISH (-20), bias -0.6 (-5): context -20; regime
    NORMAL 0; a PUT gamma signal of 0.8 and freshness 0.75: -15 x 0.6 = -9; confluence 0.8: -10.
    50 - 20 - 9 - 10 = 11.
    """
    _check(against, len(columns))
    view = columns.view
    viewed = view != 0
    known = {
        "vix": ~np.isnan(columns.vix),
        "trend": viewed & ~np.isnan(columns.trend),
        "bias": viewed & ~np.isnan(columns.bias),
        "regime": ~np.isnan(columns.regime),
        "gamma": viewed & columns.gamma_known,
        "confluence": viewed & ~np.isnan(against),
    }
    parts = _parts(columns, against, settings)
    parts = {name: np.where(known[name], points, 0.0) for name, points in parts.items()}
    limit = settings.context_max
    context = np.clip(parts["vix"] + parts["trend"] + parts["bias"], -limit, limit)
    positioning = np.clip(parts["regime"], -settings.positioning_max, settings.positioning_max)
    total = BASE + context + positioning + parts["gamma"] + parts["confluence"]
    any_known = np.logical_or.reduce(list(known.values()))
    return Confidence(
        confidence=np.where(any_known, np.rint(np.clip(total, 0, 100)), np.nan),
        vix=parts["vix"],
        trend=parts["trend"],
        bias=parts["bias"],
        context=context,
        positioning=positioning,
        gamma=parts["gamma"],
        confluence=parts["confluence"],
        note=say_missing(known),
    )


def _parts(
    columns: ContextColumns, against: FloatColumn, settings: ConfidenceSettings
) -> dict[str, FloatColumn]:
    """The points of each part; without meaning where its data is not known."""
    trend, bias = columns.trend * columns.view, columns.bias * columns.view
    beyond = settings.bias_beyond
    return {
        "vix": settings.vix_calm * (columns.vix < settings.vix_calm_below)
        + settings.vix_stressed * (columns.vix > settings.vix_stressed_above),
        "trend": settings.trend_with * (trend > 0) + settings.trend_against * (trend < 0),
        "bias": settings.bias_with * (bias > beyond) + settings.bias_against * (bias < -beyond),
        "regime": settings.low_vol * (columns.regime == Regime.LOW_VOL)
        + settings.high_vol * (columns.regime == Regime.HIGH_VOL),
        "gamma": settings.gamma * columns.gamma * columns.gamma_freshness * columns.view,
        "confluence": settings.confluence * (against >= settings.confluence_from - _ROUNDING),
    }


def _check(against: FloatColumn, rows: int) -> None:
    if len(against) != rows:
        message = f"confluence must be one per position, {rows}, were {len(against)}"
        raise InputError(message)
    wrong = against[(against < 0) | (against > 1)]
    if len(wrong):
        message = f"confluence {wrong[0]:g} must be within 0 and 1"
        raise InputError(message)
