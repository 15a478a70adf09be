"""BOOK_DRAWDOWN: leave everything when the account has fallen too far from its best."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule


class BookDrawdown(ExitRule):
    """Close in full when the account's profit is a limit below its highest.

    Every position of the account that has the rule is due at once. Met exactly counts as met: an
    account that had made 5,000 dollars and has 3,000 left is 2,000 below its best. Needs no quote.
    """

    name: ClassVar = "book_drawdown"
    rank: ClassVar = 15
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "the account is {observed} below its best against a limit of {threshold}"

    limit_dollars: float = Field(
        default=2_000.0,
        gt=0,
        le=1_000_000_000,
        multiple_of=0.01,
        description="Fall of the account's profit from its highest, $; the default is a mere "
        "placeholder, since no amount suits every account.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or beyond the limit; not evaluable where the drawdown is not known."""
        fired = book.drawdown >= self.limit_dollars
        return Verdict(fired=fired, evaluable=~np.isnan(book.drawdown))

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the drawdown in dollars."""
        note = np.where(np.isnan(book.drawdown), "the account's drawdown is not known", "")
        return approach(
            book.drawdown,
            self.limit_dollars,
            self.evaluate(book, marks).fired,
            told=("$", note.astype(object)),
        )


RULE = BookDrawdown
