"""DAILY_LOSS: leave everything when the account has lost too much today."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.approach import approach
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule


class DailyLoss(ExitRule):
    """Close in full when the account's profit since the session before is a loss of a limit.

    Every position of the account that has the rule is due at once, winners too: what is limited is
    the account's day. Met exactly counts as met: with a limit of 1,000 dollars a day's profit of
    -1,000.00 is due, -999.99 is not. Needs no quote.
    """

    name: ClassVar = "daily_loss"
    rank: ClassVar = 14
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "the account has lost {observed} today against a limit of {threshold}"

    limit_dollars: float = Field(
        default=1_000.0,
        gt=0,
        le=1_000_000_000,
        multiple_of=0.01,
        description="Loss of the account since the session before, $; the default is a mere "
        "placeholder, since no amount suits every account.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires at or beyond the limit; not evaluable where the account's profit is not known."""
        # Both are the floats nearest to some cents, so that a limit met exactly compares as equal.
        fired = book.day_pnl <= -self.limit_dollars
        return Verdict(fired=fired, evaluable=~np.isnan(book.day_pnl))

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the loss in dollars, 0 where the account has none."""
        note = np.where(np.isnan(book.day_pnl), "the account's profit is not known", "")
        return approach(
            np.maximum(-book.day_pnl, 0.0),
            self.limit_dollars,
            self.evaluate(book, marks).fired,
            told=("$", note.astype(object)),
        )


RULE = DailyLoss
