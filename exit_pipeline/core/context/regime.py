"""Regime: how much movement is to be expected, from volatility and gamma together."""

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.market_state import Regime, TermStructure, VixBand

HIGH_VOL_FROM: Final = 2
LOW_VOL_TO: Final = -1
_BAND_POINTS: Final = {
    VixBand.CALM: -1,
    VixBand.NORMAL: 0,
    VixBand.ELEVATED: 1,
    VixBand.STRESSED: 2,
    VixBand.PANIC: 3,
}


class RegimeSettings(BaseModel):
    """When realised volatility speaks, and how long calm must last to be believed.

    The defaults are judgement, not measurement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    realised_high_from: float = Field(
        default=0.25, gt=0, le=10, description="Realised volatility of a wild market; 0.25 is 25 %."
    )
    realised_low_below: float = Field(
        default=0.10, ge=0, le=10, description="Realised volatility below which a market is quiet."
    )
    required_hits: int = Field(
        default=3,
        ge=1,
        le=1_000,
        description="Ticks in a row that must point to a calmer regime before it is believed.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeInputs:
    """What the regime is judged from; None where not known.

    Attributes:
        band: Band of the VIX.
        term_structure: By VIX / VIX3M.
        realised_vol: Of a year, as a fraction.
        gamma_sign: Sign of the net gamma exposure: +1, 0 or -1.
        gamma_of: Whose gamma that is, such as ``SPY``; empty for the underlying's own.
    """

    band: VixBand | None
    term_structure: TermStructure | None
    realised_vol: float | None
    gamma_sign: int | None
    gamma_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeMemory:
    """What the next tick needs to know of this one.

    Attributes:
        regime: The last regime that was known.
        calmer_hits: Ticks in a row, up to now, that pointed to a calmer one.
    """

    regime: Regime
    calmer_hits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeContext:
    """The regime of a tick.

    Attributes:
        regime: None where the VIX is not known, never NORMAL for want of knowledge.
        score: Sum of the points; None without a regime.
        memory: To hand to the next tick; None as long as no regime was ever known.
        reasons: What spoke, what was missing and what still holds, one sentence each.
    """

    regime: Regime | None
    score: int | None
    memory: RegimeMemory | None
    reasons: tuple[str, ...]


def judge_regime(
    inputs: RegimeInputs, settings: RegimeSettings, previous: RegimeMemory | None
) -> RegimeContext:
    """Add up points and hold on to the wilder regime until calm has lasted.

    The VIX band gives -1 (CALM), 0, +1, +2 or +3 (PANIC); BACKWARDATION gives +1; realised
    volatility +1 where wild and -1 where quiet; negative net gamma +1, since those who hedge it
    then trade in the direction of the market. Positive gamma and CONTANGO, the usual state, give
    nothing. Of 2 and more the answer is HIGH_VOL, of -1 and less LOW_VOL. What is missing gives
    nothing and is told; without the VIX there is no regime.

    A wilder regime is believed at once. A calmer one takes `required_hits` ticks in a row that
    point to calmer ones, and is reached a step at a time. A tick without the VIX breaks the row.

    Args:
        inputs: What is known.
        settings: Limits and hits.
        previous: The `memory` of the tick before.

    Example: a VIX of 22 (+1) above VIX3M (+1), realised volatility 0.18 (0) and positive gamma
    (0) score 2: HIGH_VOL.
    """
    if inputs.band is None:
        memory = None if previous is None else RegimeMemory(regime=previous.regime)
        reason = "The VIX is not known, so there is no regime."
        return RegimeContext(regime=None, score=None, memory=memory, reasons=(reason,))
    points, reasons = _points(inputs, inputs.band, settings)
    pointed = _pointed(points)
    memory = _held(pointed, settings, previous)
    if memory.regime != pointed:
        reasons += (
            f"{memory.regime.name} still holds: {memory.calmer_hits} of {settings.required_hits} "
            f"ticks in a row point to calmer.",
        )
    return RegimeContext(regime=memory.regime, score=points, memory=memory, reasons=reasons)


def _pointed(score: int) -> Regime:
    if score >= HIGH_VOL_FROM:
        return Regime.HIGH_VOL
    return Regime.LOW_VOL if score <= LOW_VOL_TO else Regime.NORMAL


def _held(pointed: Regime, settings: RegimeSettings, previous: RegimeMemory | None) -> RegimeMemory:
    """The regime that holds where another may be pointed to."""
    if previous is None or pointed >= previous.regime:
        return RegimeMemory(regime=pointed)
    hits = previous.calmer_hits + 1
    if hits < settings.required_hits:
        return RegimeMemory(regime=previous.regime, calmer_hits=hits)
    return RegimeMemory(regime=Regime(previous.regime - 1))


def _points(
    inputs: RegimeInputs, band: VixBand, settings: RegimeSettings
) -> tuple[int, tuple[str, ...]]:
    """The sum of all points, and a sentence for each part that spoke or is missing."""
    votes = [
        (_BAND_POINTS[band], f"The VIX is {band.name}."),
        _term_vote(inputs.term_structure),
        _realised_vote(inputs.realised_vol, settings),
        _gamma_vote(inputs.gamma_sign, inputs.gamma_of),
    ]
    return sum(points for points, _ in votes), tuple(text for _, text in votes if text)


def _term_vote(term: TermStructure | None) -> tuple[int, str]:
    if term is None:
        return 0, "The term structure is not known."
    if term is TermStructure.BACKWARDATION:
        return 1, "The VIX is above VIX3M (BACKWARDATION)."
    return 0, ""


def _realised_vote(realised: float | None, settings: RegimeSettings) -> tuple[int, str]:
    if realised is None:
        return 0, "Realised volatility is not known."
    if realised >= settings.realised_high_from:
        return 1, f"Realised volatility of {realised:.1%} is wild."
    if realised < settings.realised_low_below:
        return -1, f"Realised volatility of {realised:.1%} is quiet."
    return 0, ""


def _gamma_vote(sign: int | None, of: str) -> tuple[int, str]:
    if sign is None:
        return 0, "Gamma exposure is not known."
    whose = f" of {of}" if of else ""
    return (1, f"Net gamma{whose} is negative.") if sign < 0 else (0, "")
