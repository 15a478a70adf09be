"""CLOCK_TIME: leave at a time of day."""

import re
from dataclasses import replace
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class ClockTime(ExitRule):
    """Close in full at or after a time on the exchange's clock.

    The time is of the day, not of the session: on a day that closes at 13:00 the default never
    comes, where TIME_EXIT follows the close. At 15:44 the default has a minute left, at 15:45 it is
    due. Needs no quote.
    """

    name: ClassVar = "clock_time"
    rank: ClassVar = 63
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the exit is due in {observed}"

    at: str = Field(default="15:45", description="Time from which it is due, HH:MM of exchange.")

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, at: str) -> str:
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", at):
            message = "a time of day as HH:MM, such as 15:45"
            raise ValueError(message)
        return at

    @property
    def _minutes(self) -> int:
        """Minutes from midnight until the time."""
        hours, minutes = self.at.split(":")
        return 60 * int(hours) + int(minutes)

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or after the time, which a clock that is not known never shows."""
        fired = book.clock_minutes >= self._minutes
        return Verdict(fired=fired, evaluable=book.clock_minutes != UNKNOWN)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the minutes left until the time; the way there begins at midnight."""
        verdict = self.evaluate(book, marks)
        clock = np.where(verdict.evaluable, book.clock_minutes, np.nan)
        note = np.where(verdict.evaluable, "", "the exchange's clock is not known").astype(object)
        way = approach(clock, float(self._minutes), verdict.fired, told=("minutes", note))
        waiting, due = f"the exit of {self.at} is due in {{observed}}", f"it is {self.at} or later"
        return replace(
            way,
            observed=np.maximum(self._minutes - clock, 0.0),
            threshold=np.zeros(len(book)),
            sentence=np.where(verdict.fired, due, waiting).astype(object),
        )


RULE = ClockTime
