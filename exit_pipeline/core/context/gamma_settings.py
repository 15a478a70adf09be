"""How gamma exposure is computed, as settings with units."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Figures(StrEnum):
    """Whose volatility and gamma are used."""

    SOLVED = "solved"  # volatility solved from quotes, gamma computed with it
    FEED = "feed"  # both as the source of the chain gives them


class Walls(StrEnum):
    """What makes a strike a wall."""

    SIDE = "side"  # the largest exposure of calls alone, and of puts alone
    NET = "net"  # the largest and the least exposure of calls less puts


class GammaSettings(BaseModel):
    """How the gamma context of a chain is computed.

    Published figures differ by such choices, so they are recorded with the result. The two least
    coverages are judgement, not measurement: below them a sum over what is known would look like a
    figure of the whole chain.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    figures: Figures = Field(
        default=Figures.SOLVED,
        description="solved: volatility from quotes. feed: the source's own volatility and gamma.",
    )
    walls: Walls = Field(
        default=Walls.SIDE,
        description="side: largest call and largest put exposure. net: of calls less puts.",
    )
    rate: float = Field(
        default=0, ge=-1, le=1, description="Continuous riskless rate of a year; 0.04 is 4 %."
    )
    dividend: float = Field(
        default=0, ge=-1, le=1, description="Continuous dividend yield of a year; 0.01 is 1 %."
    )
    lowest: float = Field(
        default=0.8, gt=0, description="Lowest price that gamma is computed at, share of the spot."
    )
    highest: float = Field(
        default=1.2, gt=0, description="Highest price that gamma is computed at, share of the spot."
    )
    levels: int = Field(
        default=60, ge=2, le=10_000, description="Prices between them that are scanned for zeros."
    )
    interest_percent_min: float = Field(
        default=50,
        gt=0,
        le=100,
        description="Contracts whose open interest must be known, %; below it nothing is told.",
    )
    vol_percent_min: float = Field(
        default=80,
        gt=0,
        le=100,
        description="Open interest over sqrt(time to expiration), about its share of gamma, whose "
        "volatility must be known, %; below it nothing is told.",
    )

    @model_validator(mode="after")
    def _spans_the_spot(self) -> Self:
        if not self.lowest < 1 < self.highest:
            message = f"lowest {self.lowest} and highest {self.highest} must lie around 1, the spot"
            raise ValueError(message)
        return self
