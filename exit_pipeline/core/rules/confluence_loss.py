"""CONFLUENCE_LOSS: leave when what is known of the market speaks against the position."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule


class ConfluenceLoss(ExitRule):
    """Close in full when the agreement of the context against the position reaches a threshold.

    The agreement is 0 where nothing speaks against the position and 1 where all does. With the
    default, 0.70 is due and 0.69 is not. Needs no quote.
    """

    name: ClassVar = "confluence_loss"
    rank: ClassVar = 53
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the context is {observed} against the position, the limit {threshold}"

    against_min: float = Field(
        default=0.7,
        gt=0,
        le=1,
        description="Least agreement of the context against the position, 0 to 1; a judgement.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or above the threshold; not evaluable where too little context is known."""
        fired = book.confluence >= self.against_min
        return Verdict(fired=fired, evaluable=~np.isnan(book.confluence))

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the agreement against the position."""
        note = np.where(np.isnan(book.confluence), "too little of the context is known", "")
        return approach(
            book.confluence,
            self.against_min,
            self.evaluate(book, marks).fired,
            told=("strength", note.astype(object)),
        )


RULE = ConfluenceLoss
