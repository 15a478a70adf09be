"""THETA_SHARE: leave a long contract that loses too much of itself in a day."""

from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.approach import approach, first_ground
from exit_pipeline.core.model.book import Book, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR
from exit_pipeline.core.model.rule import ExitRule

_MILLIONTHS: Final = 1_000_000


class ThetaShare(ExitRule):
    """Close a long position in full when a day's theta is a share of the mark.

    Theta is dollars per share and calendar day, rounded to a millionth: -0.05 on a mark of 1.00 is
    5 % a day. A theta above zero gains by waiting and is never due, and neither is a short, which
    receives what decays. Needs a mark.
    """

    name: ClassVar = "theta_share"
    rank: ClassVar = 71
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "a day costs {observed} of the mark against a limit of {threshold}"

    percent: float = Field(
        default=5.0,
        gt=0,
        le=1_000,
        multiple_of=0.01,
        description="Loss by theta in a day, % of the mark; a judgement.",
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or above the share."""
        long = book.side > 0
        known = marks.priced & ~np.isnan(book.theta)
        fired = np.zeros(len(book), np.bool_)
        # A float finds the few candidates; integers decide, so that "exactly" stays exact.
        least = -(self.percent - CANDIDATE_MARGIN) / 100 / UNITS_PER_DOLLAR
        rows = np.flatnonzero((book.theta <= marks.mark * least + 1 / _MILLIONTHS) & known & long)
        fired[rows] = self._is_due(book, rows, marks.mark[rows])
        return Verdict(fired=fired, evaluable=known | ~long)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the loss in a day in percent of the mark, 0 where theta is a gain."""
        judged = (book.side > 0) & marks.priced & ~np.isnan(book.theta)
        mark = np.where(judged, marks.mark, UNITS_PER_DOLLAR)
        share = np.maximum(-book.theta, 0.0) * UNITS_PER_DOLLAR / mark * 100
        grounds = {
            "theta works for a short position": book.side < 0,
            "the quote gives no price to judge": ~marks.priced,
            "theta is not known": np.isnan(book.theta),
        }
        return approach(
            np.where(judged, share, np.nan),
            self.percent,
            self.evaluate(book, marks).fired,
            told=("%", first_ground(len(book), grounds)),
        )

    def _is_due(self, book: Book, rows: NDArray[np.intp], mark: IntColumn) -> NDArray[np.bool_]:
        loss = np.rint(-book.theta[rows] * _MILLIONTHS).astype(np.int64)
        due: NDArray[np.bool_] = loss * 100 >= mark * round(self.percent * 100)
        return due


RULE = ThetaShare
