"""DAYS_TO_EXPIRATION: leave some days before the contract ends, the trade's "dte" exit."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class DaysToExpiration(ExitRule):
    """Close in full when at most some calendar days are left until the expiration.

    The default of 21 days (21 "dte") is the custom among sellers of premium of 45 days, after which
    gamma weighs more than the decay that is left; it is a convention, not a measurement. Counted in
    dates of the exchange: on 2026-03-27 a contract of 2026-04-17 has 21 days left and is due. What
    was opened with fewer days is due at once. Needs no quote.
    """

    name: ClassVar = "days_to_expiration"
    rank: ClassVar = 60
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "{observed} are left until the expiration, the exit is due at {threshold}"

    days: int = Field(
        default=21, ge=0, le=3_650, description="Calendar days left at which it is due."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or below `days`; not evaluable where the contract is not known."""
        known = book.days_to_expiration != UNKNOWN
        fired = book.days_to_expiration <= self.days
        fired &= known
        return Verdict(fired=fired, evaluable=known)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the days left."""
        verdict = self.evaluate(book, marks)
        note = np.where(verdict.evaluable, "", "the contract is not known").astype(object)
        return approach(
            np.where(verdict.evaluable, book.days_to_expiration, np.nan),
            float(self.days),
            verdict.fired,
            told=("days", note),
            falls=True,
        )


RULE = DaysToExpiration
