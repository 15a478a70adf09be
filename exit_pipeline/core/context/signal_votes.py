"""What recent signals of the same symbol and timeframe say about positions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.book import FloatColumn, IntColumn, SmallColumn
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import MINUTES, to_micros
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.signal import Signal
from exit_pipeline.core.model.timeframe import normalise_timeframe

_Key = tuple[str, str]


class SignalSettings(BaseModel):
    """How much each source of signals counts, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    tradingview: float = Field(default=1.0, ge=0, le=10, description="Weight of TRADINGVIEW.")
    gex: float = Field(default=0.9, ge=0, le=10, description="Weight of GEX.")
    mtf: float = Field(default=0.85, ge=0, le=10, description="Weight of MTF (many timeframes).")
    manual: float = Field(default=0.7, ge=0, le=10, description="Weight of MANUAL.")
    other: float = Field(default=0.5, ge=0, le=10, description="Weight of each other source.")
    age_minutes_max: int = Field(
        default=240, ge=1, le=100_000, description="A signal must be younger than this, minutes."
    )

    def weight(self, source: str) -> float:
        """Weight of a source by its name in capitals."""
        named = {
            "TRADINGVIEW": self.tradingview,
            "GEX": self.gex,
            "MTF": self.mtf,
            "MANUAL": self.manual,
        }
        return named.get(source, self.other)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Positions that signals may be about, one row each.

    Attributes:
        underlying: Ticker.
        timeframe: Of the strategy, in any spelling; None hears no signal.
        view: +1 gains when the underlying rises, -1 when it falls, 0 contract not known.
        entry_time: Microseconds since the epoch.
        decided_at: Microseconds since the epoch.

    Raises:
        InputError: The columns have several lengths.
    """

    underlying: Sequence[str]
    timeframe: Sequence[str | None]
    view: SmallColumn
    entry_time: IntColumn
    decided_at: IntColumn

    def __post_init__(self) -> None:
        columns = (self.underlying, self.timeframe, self.view, self.entry_time, self.decided_at)
        lengths = {len(column) for column in columns}
        if len(lengths) > 1:
            message = f"columns of listeners must have one length, had {sorted(lengths)}"
            raise InputError(message)

    def __len__(self) -> int:
        return len(self.view)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalVotes:
    """The weights of the sources that speak about each position.

    Attributes:
        heard: Of all sources that have a signal; 0 where there is none.
        opposing: Of those whose signal is against the position's view.
    """

    heard: FloatColumn
    opposing: FloatColumn


def count_votes(
    signals: Sequence[Signal], listeners: Listeners, settings: SignalSettings
) -> SignalVotes:
    """Add up what the newest signal of each source says.

    A source has one voice however often it signals: its newest signal at or before the decision.
    That must be younger than `age_minutes_max` and later than the entry, since what was known at
    the entry is no news. A position whose contract, entry or timeframe is not known hears nothing.

    Args:
        signals: In any order; symbols and sources compare without regard to case.
        listeners: The positions.
        settings: Weights and age.

    Example: after a long call's entry TRADINGVIEW said CALL and then PUT, MANUAL said CALL: heard
    1.0 + 0.7 = 1.7, opposing 1.0.
    """
    heard, opposing = np.zeros(len(listeners)), np.zeros(len(listeners))
    rows_of = _rows_by_key(listeners)
    for (key, source), voice in _voices(signals).items():
        rows = rows_of.get(key)
        if rows is None:
            continue
        direction = _newest(voice, rows, listeners, settings)
        weight = settings.weight(source)
        heard[rows] += weight * (direction != 0)
        opposing[rows] += weight * ((direction != 0) & (direction == -listeners.view[rows]))
    return SignalVotes(heard=heard, opposing=opposing)


def _newest(
    voice: list[Signal], rows: NDArray[np.intp], listeners: Listeners, settings: SignalSettings
) -> SmallColumn:
    """Direction of one source's newest signal for some positions, 0 where it says nothing."""
    at = np.array([to_micros(signal.at) for signal in voice], np.int64)
    directions = np.array([int(signal.direction) for signal in voice], np.int8)
    decided_at = listeners.decided_at[rows]
    place = np.searchsorted(at, decided_at, side="right") - 1
    newest = at[place]
    said = (place >= 0) & (decided_at != UNKNOWN) & (listeners.view[rows] != 0)
    said &= newest > listeners.entry_time[rows]
    said &= listeners.entry_time[rows] != UNKNOWN
    said &= newest > decided_at - settings.age_minutes_max * MINUTES
    return np.where(said, directions[place], np.int8(0))


def _voices(signals: Sequence[Signal]) -> dict[tuple[_Key, str], list[Signal]]:
    """The signals of each source about each symbol and timeframe, oldest first."""
    voices: defaultdict[tuple[_Key, str], list[Signal]] = defaultdict(list)
    for signal in sorted(signals, key=lambda one: one.at):
        timeframe = normalise_timeframe(signal.timeframe)
        if timeframe is not None:
            key = (signal.symbol.strip().upper(), timeframe)
            voices[key, signal.source.strip().upper()].append(signal)
    return voices


def _rows_by_key(listeners: Listeners) -> dict[_Key, NDArray[np.intp]]:
    rows: defaultdict[_Key, list[int]] = defaultdict(list)
    pairs = zip(listeners.underlying, listeners.timeframe, strict=True)
    for row, (underlying, timeframe) in enumerate(pairs):
        normal = normalise_timeframe(timeframe)
        if normal is not None:
            rows[underlying.strip().upper(), normal].append(row)
    return {key: np.array(found, np.intp) for key, found in rows.items()}
