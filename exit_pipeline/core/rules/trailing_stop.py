"""TRAILING_STOP: leave in full when too much of the best profit is given back."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.scaled import ScaledRule
from exit_pipeline.core.model.stop_price import WHOLE, is_met, price_at


class TrailingStop(ScaledRule):
    """Close in full when the mid has come back from the best mark by a distance.

    The best mark is the highest of a GOOD quote that was seen of a long position, the lowest of a
    short one. The stop is armed once that stood at `activation_percent` on the entry price. The
    distance is measured on the best mark (``high_water``) or on the entry price (``entry``). Met
    exactly counts, on a DEGRADED quote once two ticks' mids agree.

    Example: entry 2.00, best mark 3.00, distance 20 %: a long position leaves at 2.40 measured on
    the best mark, at 2.60 on the entry price. A short sold at 2.00 with a best mark of 1.00 leaves
    at 1.20, or at 1.40.
    """

    name: ClassVar = "trailing_stop"
    rank: ClassVar = 40
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "{observed} of the best mark given back against {threshold}"

    activation_percent: float = Field(
        default=20.0, ge=0, le=10_000, multiple_of=0.01, description="Best P&L that arms it, %."
    )
    distance_percent: float = Field(
        default=20.0, gt=0, le=10_000, multiple_of=0.01, description="What may be given back, %."
    )
    basis: Literal["high_water", "entry"] = Field(
        default="high_water", description="What the distance is measured on: high_water or entry."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or beyond the distance from the best mark, once armed."""
        fired = np.zeros(len(book), np.bool_)
        best, seen = book.high_water, book.high_water != UNKNOWN
        # A mark that is the best itself has given nothing back: only an earlier one can be left.
        rows = np.flatnonzero(self._armed(book, best) & seen & marks.priced)
        if len(rows):
            fired[rows] = is_met(book, marks, rows, self._stops(book, rows, best[rows]))
        return Verdict(fired=fired, evaluable=marks.priced & (seen | marks.good))

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is what was given back of the best mark, in percent of the base."""
        every = np.arange(len(book))
        best, evaluable = self._best(book, marks)
        armed = evaluable & self._armed(book, best)
        # No share of nothing: of a best mark of 0, the smallest price stands for it.
        base = np.maximum(best, 1) if self.basis == "high_water" else book.entry_price
        back = np.where(evaluable, book.side * (best - book.mid(every)) / base * 100, np.nan)
        threshold = np.broadcast_to(self.scaled(self.distance_percent, book) / 100, len(book))
        distance = np.maximum(threshold - back, 0.0)
        note = self.scale_notes(self.distance_percent, book)
        met = armed & (distance <= 0)
        note[met & ~self.evaluate(book, marks).fired] = "waits for a second tick to confirm it"
        note[evaluable & ~armed] = f"not armed until P&L was {self.activation_percent:+g} %"
        note[~evaluable] = "no good mark was seen yet"
        note[~marks.priced] = "the quote gives no price to judge"
        return RuleTrace(
            observed=back,
            threshold=threshold,
            distance=np.where(armed, distance, np.nan),
            progress=np.where(armed, np.clip(back / threshold, 0.0, 1.0), 0.0),
            unit="%",
            note=note,
        )

    @staticmethod
    def _best(book: Book, marks: Marks) -> tuple[IntColumn, BoolColumn]:
        """The best GOOD mark, this tick's among them, and where it and the quote can be judged."""
        known = book.high_water != UNKNOWN
        before = np.where(known, book.high_water, np.where(marks.good, marks.mark, 0))
        now = np.where(marks.good, marks.mark, before)
        best = np.where(book.side > 0, np.maximum(before, now), np.minimum(before, now))
        return best, marks.priced & (known | marks.good)

    def _armed(self, book: Book, best: IntColumn) -> BoolColumn:
        gain = book.side * (best - book.entry_price)
        armed: BoolColumn = gain * WHOLE >= book.entry_price * round(self.activation_percent * 100)
        return armed

    def _stops(self, book: Book, rows: NDArray[np.intp], best: IntColumn) -> IntColumn:
        side, hundredths = book.side[rows], self.scaled(self.distance_percent, book, rows)
        if self.basis == "high_water":
            return price_at(best, side, hundredths)
        below_entry = price_at(book.entry_price[rows], side, hundredths)
        stops: IntColumn = best + below_entry - book.entry_price[rows]
        return stops


RULE = TrailingStop
