"""FORCE_CLOSE: leave because a person asked for it."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule


class ForceClose(ExitRule):
    """Close in full when a person asked for it, whatever the quote says."""

    name: ClassVar = "force_close"
    rank: ClassVar = 0
    urgency: ClassVar = Urgency.EMERGENCY
    sentence: ClassVar = "a person asked for the position to be closed"

    required_hits: int = Field(default=1, ge=1, le=1, description="It acts at once.")

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires on the request alone; always evaluable."""
        return Verdict(fired=book.force_close, evaluable=np.ones(len(book), np.bool_))

    def trace(self, book: Book, marks: Marks) -> RuleTrace:  # noqa: ARG002 needs no quote
        """Observed is 1 where the request stands."""
        asked = book.force_close.astype(np.float64)
        return RuleTrace(
            observed=asked,
            threshold=np.ones(len(book)),
            distance=np.where(book.force_close, 0.0, np.nan),
            progress=asked,
            unit="",
            note=np.where(book.force_close, "", "nobody asked for it").astype(object),
        )


RULE = ForceClose
