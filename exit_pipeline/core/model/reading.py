"""A value that a source gave, and whether it may still be used."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import isfinite
from typing import Final

from exit_pipeline.core.model.errors import InputError

FUTURE_TOLERANCE: Final = timedelta(seconds=5)
"""Clocks differ a little; a value stamped later than this after the moment is not believed."""


class ReadingState(StrEnum):
    """FRESH may be used; STALE is there but too old, or without a time; MISSING is not there."""

    FRESH = "FRESH"
    STALE = "STALE"
    MISSING = "MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One value of one source, with its own time.

    How old it may be belongs to the source: files that are 15 minutes old by nature need a longer
    limit than a live feed. Its state depends on the moment that asks, so it is not kept here.

    Attributes:
        value: In the unit of what was read; None where the source gave none.
        at: The value's own time, aware; None where the source tells none.
        source: Who gave it, as a person knows it.
        age_limit: How old it may be; exactly as old is still fresh.

    Raises:
        InputError: The time carries no zone, or the limit is not above zero.
    """

    value: float | None
    at: datetime | None
    source: str
    age_limit: timedelta

    def __post_init__(self) -> None:
        if self.at is not None and self.at.tzinfo is None:
            message = f"time {self.at.isoformat()} of {self.source} must carry a time zone"
            raise InputError(message)
        if self.age_limit <= timedelta(0):
            message = f"age limit {self.age_limit} of {self.source} must be above zero"
            raise InputError(message)

    def state(self, moment: datetime) -> ReadingState:
        """Whether it may be used at a moment.

        A value that is no finite number is MISSING, and so is one stamped more than 5 seconds
        after the moment, which nobody could know then. A value without a time is STALE.

        Example: a value of 09:30 with a limit of 30 minutes is FRESH at 10:00, STALE at 10:01 and
        MISSING at 09:00.
        """
        if self.value is None or not isfinite(self.value):
            return ReadingState.MISSING
        if self.at is None:
            return ReadingState.STALE
        age = moment - self.at
        if age < -FUTURE_TOLERANCE:
            return ReadingState.MISSING
        return ReadingState.FRESH if age <= self.age_limit else ReadingState.STALE

    def fresh(self, moment: datetime) -> float | None:
        """The value where it is FRESH at a moment, else None."""
        return self.value if self.state(moment) is ReadingState.FRESH else None

    def say_trouble(self, name: str, moment: datetime) -> str:
        """Why it may not be used at a moment, as a sentence about `name`; empty where it may.

        Example: ``VIX of Cboe is 45 minutes old, above the limit of 30 minutes.``
        """
        state = self.state(moment)
        if state is ReadingState.FRESH:
            return ""
        if self.value is None or not isfinite(self.value):
            return f"{name} is missing: {self.source} gave no number."
        if self.at is None:
            return f"{name} of {self.source} has no time."
        if state is ReadingState.MISSING:
            return f"{name} of {self.source} is stamped later than the moment that asks."
        age, limit = (_minutes(span) for span in (moment - self.at, self.age_limit))
        return f"{name} of {self.source} is {age} minutes old, above the limit of {limit} minutes."


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):.4g}"
