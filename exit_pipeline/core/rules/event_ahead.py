"""EVENT_AHEAD: leave before the underlying's earnings, or before it trades without a dividend."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach, nearest
from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule


class EventAhead(ExitRule):
    """Close in full some hours before the underlying's next earnings report.

    The hours run over nights and weekends: with 72, a report on Monday at 07:00 is due all through
    Friday's session, where 24 would be due on the Sunday, when nothing can be sold. Before a long
    weekend it takes 96. A "next" event that has passed tells nothing of the one after it, and
    counts as not known. Needs no quote.
    """

    name: ClassVar = "event_ahead"
    rank: ClassVar = 62
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "an event comes in {observed}, the exit is due at {threshold}"

    hours_before: float = Field(
        default=72.0, gt=0, le=2_160, description="Hours before the event from which it is due."
    )
    ex_dividends: bool = Field(default=False, description="Ex-dividend days count as events, too.")

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires from `hours_before` on until the event."""
        conditions = []
        for event in self._events(book).values():
            ahead = event > book.decided_at
            fired = event <= book.decided_at + self._span
            fired &= ahead
            conditions.append(Verdict(fired=fired, evaluable=ahead))
        return Verdict.any_of(len(book), conditions)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:  # noqa: ARG002 needs no quote
        """Observed is the minutes until the nearest event."""
        conditions = {}
        for name, event in self._events(book).items():
            ahead: BoolColumn = event > book.decided_at
            minutes = np.where(ahead, (event - book.decided_at) / MINUTES, np.nan)
            due = ahead & (event - book.decided_at <= self._span)
            note = np.where(ahead, "", f"{name} are not known").astype(object)
            text = f"{name} come in {{observed}}, the exit is due at {{threshold}}"
            limit = self.hours_before * 60
            conditions[text] = approach(minutes, limit, due, told=("minutes", note), falls=True)
        return nearest(len(book), conditions)

    @property
    def _span(self) -> int:
        return round(self.hours_before * 60 * MINUTES)

    def _events(self, book: Book) -> dict[str, IntColumn]:
        events = {"the next earnings": book.next_earnings}
        return (
            events | {"the next dividends": book.next_ex_dividend} if self.ex_dividends else events
        )


RULE = EventAhead
