"""EXPIRY: leave a contract on its last trading day, before the broker or the clearing house acts.

Alpaca may liquidate expiring positions from 15:15 New York time and options in the money by one
cent are exercised automatically (OCC, "Exercise by exception"), so the exit starts well before.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class Expiry(ExitRule):
    """Close in full on the last trading day, from a time measured back from that day's close.

    With the default of 90 minutes that is 14:30 New York time on a full day and 11:30 on a day
    that closes at 13:00. Needs no quote. A contract that no longer trades is settled or flagged
    elsewhere, never exited.
    """

    name: ClassVar = "expiry"
    rank: ClassVar = 10
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "the contract stops trading in {observed}, the exit is due at {threshold}"

    required_hits: int = Field(default=1, ge=1, le=1, description="It acts at once.")

    minutes_before_close: int = Field(
        default=90, ge=1, le=390, description="Minutes before the last trading day's close."
    )
    emergency_minutes_before_close: int = Field(
        default=60, ge=1, le=390, description="Minutes before that close from which it must fill."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires from `minutes_before_close` on; urgent from `emergency_minutes_before_close` on."""
        known = book.last_trading_close != UNKNOWN
        left = book.last_trading_close - book.decided_at
        fired = left <= self.minutes_before_close * MINUTES
        fired &= known
        fired &= marks.alive
        urgency = np.full(len(book), self.urgency, np.int8)
        rows = np.flatnonzero(fired)
        late = left[rows] <= self.emergency_minutes_before_close * MINUTES
        urgency[rows[late]] = Urgency.EMERGENCY
        return Verdict(fired=fired, evaluable=known & marks.alive, urgency=urgency)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the minutes until the contract stops trading."""
        known = book.last_trading_close != UNKNOWN
        minutes = np.where(known, (book.last_trading_close - book.decided_at) / MINUTES, np.nan)
        distance = np.maximum(minutes - self.minutes_before_close, 0.0)
        note = np.where(known, "", "the contract is not known").astype(object)
        note[known & ~marks.alive] = "the contract no longer trades"
        return RuleTrace(
            observed=minutes,
            threshold=np.full(len(book), float(self.minutes_before_close)),
            distance=distance,
            progress=self.minutes_before_close / np.maximum(minutes, self.minutes_before_close),
            unit="minutes",
            note=note,
        )


RULE = Expiry
