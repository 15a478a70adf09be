"""The direction that gamma exposure stands for, and how strongly."""

from dataclasses import dataclass
from typing import Final

from exit_pipeline.core.context.gamma_exposure import GammaExposure
from exit_pipeline.core.context.zero_gamma import ZeroGamma
from exit_pipeline.core.model.direction import Direction

CONVENTION: Final = (
    "A convention about regimes, no forecast: if dealers are long calls and short puts, as is "
    "assumed, their hedging dampens moves in positive gamma (CALL) and amplifies them in negative "
    "gamma (PUT). Who really holds the contracts is not known."
)
"""To be shown wherever a direction is shown."""

ROUNDING: Final = 1e-12
"""Share of the gross gamma below which a net of it may be nothing but rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaSignal:
    """A direction drawn from gamma exposure.

    Attributes:
        direction: CALL in positive gamma, PUT in negative, NONE where that is not known.
        strength: |net| / gross, 0 to 1; None where it is not known.
        reason: Why nothing is known.
    """

    direction: Direction
    strength: float | None
    reason: str | None = None


def gex_signal(exposure: GammaExposure, zero: ZeroGamma) -> GammaSignal:
    """Draw the signal: CALL where net gamma at the spot is positive, PUT where it is negative.

    Net gamma of an index usually rises with the price, so that its zero lies between puts below
    and calls above: then this is CALL with the spot above zero gamma and PUT below it. Where net
    gamma falls through its zero instead, it is the gamma that decides and not the side; and where
    there is no zero, the sign at the spot is all there is. It names a regime by convention and
    forecasts nothing (see ``CONVENTION``).

    Example: calls of 30 million and puts of -10 million at the spot are CALL with strength
    20 / 40 = 0.5.
    """
    net, gross = exposure.net, exposure.gross
    if not gross > 0:
        return unknown("there is no gamma at the spot")
    if abs(net) <= ROUNDING * gross:
        return unknown("calls and puts have the same gamma at the spot")
    if net * zero.at_spot <= 0:
        return unknown("the source's gammas and its volatilities disagree on the sign at the spot")
    return GammaSignal(
        direction=Direction.CALL if net > 0 else Direction.PUT, strength=abs(net) / gross
    )


def unknown(reason: str) -> GammaSignal:
    """No signal, and why."""
    return GammaSignal(direction=Direction.NONE, strength=None, reason=reason)
