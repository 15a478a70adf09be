"""Trend of daily bars: Wilder's directional movement, and a gate by a moving average."""

from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.daily import DailyBars
from exit_pipeline.core.model.market_state import Trend


class TrendSettings(BaseModel):
    """Periods and limits of the trend.

    14, 25 and 20 are the usual settings of the average directional index, after Wilder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    period: int = Field(default=14, ge=2, le=200, description="Smoothing of the index, bars.")
    strong_above: float = Field(
        default=25, gt=0, lt=100, description="Above this ADX there is a trend."
    )
    none_below: float = Field(
        default=20,
        ge=0,
        lt=100,
        description="Below this ADX there is none; in between, the trend of the bar before stays.",
    )
    sma_days: int = Field(default=200, ge=1, le=2_000, description="Moving average, bars.")

    @model_validator(mode="after")
    def _limits_rise(self) -> Self:
        if self.none_below > self.strong_above:
            message = (
                f"none_below {self.none_below:g} must not be above strong_above "
                f"{self.strong_above:g}"
            )
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Directional:
    """Wilder's directional movement by bar; NaN as long as it is not known.

    Attributes:
        plus_di: Upward movement in percent of the true range, 0..100.
        minus_di: Downward movement in percent of the true range, 0..100.
        adx: Strength of the trend, whichever its direction, 0..100.
    """

    plus_di: FloatColumn
    minus_di: FloatColumn
    adx: FloatColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendContext:
    """The trend before a session; None means not known, and `notes` say why.

    Attributes:
        bar_day: Session of the newest bar that was looked at.
        trend: BULLISH, BEARISH or NEUTRAL.
        bias: Direction and strength in one number, -1..1.
        adx: Average directional index, 0..100.
        plus_di: Of the newest bar, 0..100; likewise minus_di.
        sma: Mean of the newest `sma_days` closes, dollars or index points.
        above_sma: Whether the newest close is above that mean.
        notes: Why something is not known, one sentence each.
    """

    bar_day: date | None = None
    trend: Trend | None = None
    bias: float | None = None
    adx: float | None = None
    plus_di: float | None = None
    minus_di: float | None = None
    sma: float | None = None
    above_sma: bool | None = None
    notes: tuple[str, ...] = ()


def read_trend(
    bars: DailyBars, session: date, previous_session: date, settings: TrendSettings
) -> TrendContext:
    """Judge the trend from completed bars: those of days before the session, and no other.

    Above `strong_above` the greater of +DI and -DI gives the direction. Below `none_below` there is
    none. In between the trend of the bar before stays as long as its direction does; it is found
    by walking the bars from the first on, so no state is kept between ticks.

    bias = (+DI - -DI) / (+DI + -DI) x min(ADX / strong_above, 1); 0 where nothing moves either way.
    Example: +DI 30, -DI 10 and ADX 20 are 0.5 x 0.8 = 0.4.

    Args:
        bars: Two periods at least. The first values seed the smoothing and weigh (1 - 1/period)^n
            after n bars more: with 150 bars, 0.01 % at period 14.
        session: The session that the moment is in.
        previous_session: The session before it, which the newest bar must be of.
        settings: Periods and limits.
    """
    done = bars.before(session)
    if not len(done):
        return TrendContext(notes=("No daily bar is stored.",))
    newest: date = done.day[-1].astype(object)
    if newest < previous_session:
        note = f"The newest daily bar is of {newest}, expected of {previous_session}."
        return TrendContext(bar_day=newest, notes=(note,))
    return _judge(done, newest, settings)


def directional(bars: DailyBars, period: int) -> Directional:
    """Wilder's +DI, -DI and ADX (New Concepts in Technical Trading Systems, 1978).

    True range and movements begin at the second bar. Each smoothing is seeded with the plain mean
    of its first `period` values and then moves by 1/period of the difference to the new value. So
    the DI begin at bar period + 1 and the ADX at bar 2 x period. Wilder smooths sums, which are
    `period` times as much and give the same ratios. Where neither side moves, DX is 0.

    Example: period 2, highs 10, 12, 13, 12, lows 8, 9, 11, 9, closes 9, 11, 12, 10: true ranges 3,
    2, 3, upward movements 2, 1, 0, downward 0, 0, 2; at the last bar +DI = 0.75 / 2.75 = 27.27,
    -DI = 1 / 2.75 = 36.36, DX 100 and 14.29 give ADX 57.14.
    """
    up, down = np.diff(bars.high), -np.diff(bars.low)
    before = bars.close[:-1]
    top, bottom = np.maximum(bars.high[1:], before), np.minimum(bars.low[1:], before)
    plus = _wilder(np.where(up > down, np.maximum(up, 0), 0), period)
    minus = _wilder(np.where(down > up, np.maximum(down, 0), 0), period)
    true_range = _wilder(top - bottom, period)
    sum_of_both = plus + minus
    index = 100 * _share(np.abs(plus - minus), sum_of_both)
    adx = np.concatenate([index[: period - 1], _wilder(index[period - 1 :], period)])
    unknown = [np.nan] * min(len(bars), 1)  # the first bar has none before it
    return Directional(
        plus_di=np.concatenate([unknown, 100 * _share(plus, true_range)]),
        minus_di=np.concatenate([unknown, 100 * _share(minus, true_range)]),
        adx=np.concatenate([unknown, adx]),
    )


def _judge(bars: DailyBars, newest: date, settings: TrendSettings) -> TrendContext:
    """The trend at the last of some completed bars."""
    notes = []
    moved = directional(bars, settings.period)
    adx, plus, minus = (
        None if np.isnan(column[-1]) else float(column[-1])
        for column in (moved.adx, moved.plus_di, moved.minus_di)
    )
    if adx is None or plus is None or minus is None:
        notes.append(f"{len(bars)} of the {2 * settings.period} daily bars an ADX needs.")
    sma = None
    if len(bars) >= settings.sma_days:
        sma = float(np.mean(bars.close[-settings.sma_days :]))
    else:
        notes.append(f"{len(bars)} of the {settings.sma_days} daily bars the average needs.")
    return TrendContext(
        bar_day=newest,
        trend=None if adx is None else _walk(moved, settings),
        bias=_bias(adx, plus, minus, settings),
        adx=adx,
        plus_di=plus,
        minus_di=minus,
        sma=sma,
        above_sma=None if sma is None else bool(bars.close[-1] > sma),
        notes=tuple(notes),
    )


def _wilder(values: FloatColumn, period: int) -> FloatColumn:
    """Wilder's smoothing, NaN as long as there are fewer than `period` values."""
    smoothed = np.full(len(values), np.nan)
    if len(values) < period:
        return smoothed
    mean = float(np.mean(values[:period]))
    smoothed[period - 1] = mean
    for row, value in enumerate(values[period:].tolist(), period):
        mean += (value - mean) / period
        smoothed[row] = mean
    return smoothed


def _share(part: FloatColumn, whole: FloatColumn) -> FloatColumn:
    """A part of a whole; 0 of nothing."""
    share: FloatColumn = np.divide(part, whole, out=np.zeros(len(part)), where=whole != 0)
    return share


def _walk(moved: Directional, settings: TrendSettings) -> Trend:
    """The trend at the last bar, from a start without one."""
    trend = Trend.NEUTRAL
    direction = np.sign(moved.plus_di - moved.minus_di)
    known = ~np.isnan(moved.adx)
    for adx, sign in zip(moved.adx[known].tolist(), direction[known].tolist(), strict=True):
        if adx > settings.strong_above:
            trend = Trend(int(sign))
        elif adx < settings.none_below or sign != trend:
            trend = Trend.NEUTRAL
    return trend


def _bias(
    adx: float | None, plus: float | None, minus: float | None, settings: TrendSettings
) -> float | None:
    if adx is None or plus is None or minus is None:
        return None
    if plus + minus == 0:
        return 0.0
    return (plus - minus) / (plus + minus) * min(adx / settings.strong_above, 1.0)
