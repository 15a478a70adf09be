"""Realised volatility of daily closes."""

from dataclasses import dataclass
from datetime import date
from math import sqrt
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from exit_pipeline.core.model.daily import DailyCloses

SESSIONS_PER_YEAR: Final = 252
"""The convention that daily volatility is annualised by."""


class RealisedVolSettings(BaseModel):
    """How far realised volatility looks back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: int = Field(default=20, ge=2, le=2_520, description="Daily returns that are looked at.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealisedVol:
    """The answer.

    Attributes:
        value: Of a year, as a fraction: 0.25 is 25 %; None where not known.
        note: Why it is not known; empty otherwise.
    """

    value: float | None
    note: str


def realised_vol(
    closes: DailyCloses, session: date, previous_session: date, settings: RealisedVolSettings
) -> RealisedVol:
    """Standard deviation of the newest log returns (n - 1 in the denominator) x sqrt(252).

    Only closes of days before the session count; the newest must be of the session before it. A
    day that is absent among them makes one return of two.

    Args:
        closes: Closes in prices that are comparable across splits.
        session: The session that the moment is in.
        previous_session: The session before it.
        settings: How many returns.

    Example: closes 100, 101, 100 and 101 have log returns of +0.995 %, -0.995 % and +0.995 %, a
    standard deviation of 1.149 % and a volatility of 0.1824.
    """
    done = closes.between(None, session)
    if len(done) <= settings.days:
        needed = settings.days + 1
        return RealisedVol(value=None, note=f"{len(done)} of {needed} daily closes are stored.")
    newest = done.day[-1].astype(object)
    if newest < previous_session:
        note = f"The newest daily close is of {newest}, expected of {previous_session}."
        return RealisedVol(value=None, note=note)
    returns = np.diff(np.log(done.close[-settings.days - 1 :]))
    return RealisedVol(value=float(np.std(returns, ddof=1)) * sqrt(SESSIONS_PER_YEAR), note="")
