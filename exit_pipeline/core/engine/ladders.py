"""Ladders: how far the attempts of one exit reach, from the mid of the quote outwards."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from exit_pipeline.core.model.decision import Urgency

FAR_SIDE: Final = 100
"""Where the far side of the market lies on the scale of a reach, %."""

COLLAR_EDGE: Final = 200
"""Where the edge of the collar lies on it, %."""

_REACHES: Final = (50, FAR_SIDE, 150, COLLAR_EDGE, 350, 600)
"""By level; the last one stands for all above. Above EMERGENCY the collar has 2.5 and then 5 times
its width: by default 10, 25 and 50 % of the mid."""

_SHORT: Final = {
    "start": "start_percent",
    "worst": "worst_percent",
    "steps": "steps",
    "seconds": "seconds_per_step",
    "timeout": "on_timeout",
}


class OnTimeout(StrEnum):
    """What becomes of an order that has not filled when the tick's time for it is over."""

    LEAVE = "leave"
    CANCEL = "cancel"
    NEXT = "next"


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an attempt reaches: 0 % is the mid, 100 % the far side, 200 % the collar's edge.

    Attributes:
        at: Of its limit, %.
        worst: Of the price beyond which it never goes, %.
    """

    at: Decimal
    worst: Decimal


class Ladder(BaseModel):
    """An exit's prices from its first attempt to its last, in equal steps.

    Prices lie on one scale: 0 % is the mid, 100 % the far side (the bid for a sale), 200 % one
    collar beyond it, 300 % two. In a policy it is written ``start:50|worst:100|steps:3``; what is
    left out has its default.

    Example: from 50 % to 100 % in 2 steps, a sale at 1.90 bid and 2.10 asked asks for 1.95, 1.90
    (1.925 on the tick) and 1.90; on a tick of 0.01 for 1.95, 1.92 and 1.90.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    start_percent: float = Field(
        default=50, ge=0, le=600, description="Where the first attempt asks, % of the scale."
    )
    worst_percent: float = Field(
        default=FAR_SIDE, ge=0, le=600, description="Where the last one does, % of the scale."
    )
    steps: int = Field(default=2, ge=1, le=20, description="Repricings from the first to the last.")
    seconds_per_step: float = Field(
        default=10, ge=1, le=45, description="How long each attempt works inside a tick, seconds."
    )
    on_timeout: OnTimeout = Field(
        default=OnTimeout.LEAVE,
        description="When the tick's time is over: leave it to its patience, cancel it, or take "
        "the next step at the next tick.",
    )

    @model_validator(mode="after")
    def _goes_outwards(self) -> "Ladder":
        if self.worst_percent < self.start_percent:
            message = f"a worst of at least the start, {self.start_percent:g}"
            raise ValueError(message)
        return self

    def reach(self, step: int) -> Reach:
        """Where the attempt after `step` repricings asks; after the last step it stays there.

        Example: from 50 % to 200 % in 3 steps: 50, 100, 150, 200 and 200 %.
        """
        start, worst = Decimal(str(self.start_percent)), Decimal(str(self.worst_percent))
        share = Decimal(min(step, self.steps)) / self.steps
        return Reach(start + (worst - start) * share, worst)

    def __str__(self) -> str:
        """As it is written in a policy."""
        values = {short: getattr(self, name) for short, name in _SHORT.items()}
        return "|".join(f"{name}:{_say(value)}" for name, value in values.items())


def _say(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read(value: Any) -> Any:
    """A ladder as it is written in a policy, where ``none`` takes one away."""
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return None
    parts = [part.partition(":") for part in value.split("|")]
    names = [name.strip() for name, _, _ in parts]
    if not set(names) <= _SHORT.keys() or len(set(names)) < len(names):
        message = (
            f"none, or each once of {', '.join(_SHORT)} as NAME:VALUE joined by |, such as "
            "start:50|steps:3|seconds:10|timeout:leave"
        )
        raise ValueError(message)
    return {_SHORT[name]: said.strip() for name, (_, _, said) in zip(names, parts, strict=True)}


OptionalLadder = Annotated[Ladder | None, BeforeValidator(_read)]
"""A ladder of a policy; None, in a policy ``none``, prices by the usual levels."""


def usual_reach(level: int) -> Reach:
    """How far an attempt of a level reaches: an ``Urgency``, or what repricing has made of it.

    PATIENT asks half-way from the mid to the far side, NORMAL the far side itself, FAST half of the
    collar beyond it and EMERGENCY all of it; above, 2.5 and 5 times.
    """
    at = Decimal(_REACHES[min(level, len(_REACHES) - 1)])
    return Reach(at, max(at, Decimal(COLLAR_EDGE)))


def price_level(urgency: Urgency, step: int) -> int:
    """How far an attempt leans that was repriced `step` times: one level more for each.

    What is PATIENT never goes beyond the far side of the market, since nothing presses it.

    Example: a FAST exit is at EMERGENCY after one repricing, and one level above after two.
    """
    level = urgency + step
    return min(level, Urgency.NORMAL) if urgency is Urgency.PATIENT else level
