"""Confluence: how much of what is known agrees against a position."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.context.columns import ContextColumns, say_missing
from exit_pipeline.core.context.signal_votes import SignalVotes
from exit_pipeline.core.model.book import BoolColumn, FloatColumn
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.market_state import Regime


class ConfluenceSettings(BaseModel):
    """How much each part counts beside the sources of signals, whose greatest weight is 1.

    Judgement: bias comes of the same bars as the trend, and the regime tells of movement, not of
    direction, so each counts half.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trend: float = Field(default=1.0, ge=0, le=10, description="Weight of the trend.")
    bias: float = Field(default=0.5, ge=0, le=10, description="Weight of the bias.")
    gamma: float = Field(default=1.0, ge=0, le=10, description="Weight of the gamma signal.")
    regime: float = Field(default=0.5, ge=0, le=10, description="Weight of the regime.")
    bias_min: float = Field(
        default=0.2, gt=0, le=1, description="A bias opposes from this size on, 0 to 1."
    )
    gamma_min: float = Field(
        default=0.3, gt=0, le=1, description="A gamma signal opposes from this strength on, 0 to 1."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One part of the confluence, by row.

    Attributes:
        known: Where it has data.
        heard: Its weight where it has data, else 0.
        opposing: Its weight where it is against the position, else 0.
    """

    known: BoolColumn
    heard: FloatColumn
    opposing: FloatColumn


@dataclass(frozen=True, slots=True, kw_only=True)
class Confluence:
    """The answer, by row.

    Attributes:
        against: Opposing weights in all weights heard, 0..1; NaN where there is nothing to go by.
        voices: The parts: trend, bias, gamma, regime and signals.
        note: Why it is NaN, or which parts were left out; empty otherwise.
    """

    against: FloatColumn
    voices: Mapping[str, Voice]
    note: NDArray[Any]


def find_confluence(
    columns: ContextColumns, votes: SignalVotes, settings: ConfluenceSettings
) -> Confluence:
    """Sum of the weights of the parts that oppose, in the sum of those of the parts with data.

    A part opposes as a whole or not at all: a trend against the view; a bias or gamma signal
    against the view that is as strong as its minimum; a signal against the view, with the weight
    of its source. A regime has no direction: it opposes by what moves the premium. HIGH_VOL is
    against those who are SHORT premium, whom movement costs; LOW_VOL is against those who are
    LONG premium, who pay for movement that does not come. NORMAL opposes nobody.

    A part without data is left out of both sums, and the note names it. Without any data, or
    where the contract is not known, the answer is NaN.

    Args:
        columns: The context of each position.
        votes: What signals say about each, from ``count_votes``.
        settings: Weights and minimums.

    Raises:
        InputError: The votes are not as many as the rows.

    Example: a long call with a BEARISH trend (1.0), a bias of -0.4 (0.5), a PUT gamma signal of
    0.8 (1.0), regime NORMAL (0.5), TRADINGVIEW for PUT (1.0) and MANUAL for CALL (0.7): 3.5 of
    4.7 oppose, 0.745.
    """
    if len(votes.heard) != len(columns):
        message = f"votes must be one per position, {len(columns)}, were {len(votes.heard)}"
        raise InputError(message)
    voices = _voices(columns, votes, settings)
    heard, opposing = np.zeros(len(columns)), np.zeros(len(columns))
    for voice in voices.values():
        heard += voice.heard
        opposing += voice.opposing
    against = np.full(len(columns), np.nan)
    np.divide(opposing, heard, out=against, where=heard > 0)
    note = say_missing({name: voice.known for name, voice in voices.items()})
    note[columns.view == 0] = "the contract is not known"
    some_known = np.logical_or.reduce([voice.known for voice in voices.values()])
    note[some_known & (heard == 0)] = "nothing that has data has weight"
    return Confluence(against=against, voices=voices, note=note)


def _voices(
    columns: ContextColumns, votes: SignalVotes, settings: ConfluenceSettings
) -> dict[str, Voice]:
    """Each part with its weight, in the order in which notes name them."""
    trend, bias = columns.trend * columns.view, columns.bias * columns.view
    gamma = columns.gamma * columns.view
    known_view = columns.view != 0
    return {
        "trend": _voice(settings.trend, known_view & ~np.isnan(trend), trend < 0),
        "bias": _voice(settings.bias, known_view & ~np.isnan(bias), bias <= -settings.bias_min),
        "gamma": _voice(
            settings.gamma, known_view & columns.gamma_known, gamma <= -settings.gamma_min
        ),
        "regime": _voice(
            settings.regime,
            known_view & ~np.isnan(columns.regime),
            columns.regime == np.where(columns.side > 0, Regime.LOW_VOL, Regime.HIGH_VOL),
        ),
        "signals": Voice(
            known=known_view & (votes.heard > 0),
            heard=np.where(known_view, votes.heard, 0.0),
            opposing=np.where(known_view, votes.opposing, 0.0),
        ),
    }


def _voice(weight: float, known: BoolColumn, opposes: BoolColumn) -> Voice:
    return Voice(
        known=known,
        heard=np.where(known, weight, 0.0),
        opposing=np.where(known & opposes, weight, 0.0),
    )
