"""GEX_FLIP: leave when gamma exposure has turned against the position's view."""

from typing import ClassVar

import numpy as np
from pydantic import Field

from exit_pipeline.core.model.book import Book, BoolColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.instant import MINUTES
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule


class GexFlip(ExitRule):
    """Close in full when the newest gamma signal opposes the position and an earlier one agreed.

    A long call and a short put hold the view CALL; a long put and a short call hold PUT. The signal
    must be younger than `age_minutes_max`, later than the entry and at least `strength_min` strong.
    The earlier one is the signal at entry, or the one just before the newest, so that a flip that
    was weak at first, or came while nothing ran, is still one when a strong signal confirms it.
    Without any earlier signal there is nothing that could have flipped. Once fired, the exit stays
    due whatever the signal's age, until it is filled or the newest signal turns back.

    Example: a long call entered under CALL sees PUT at 0.2, then PUT at 0.5: the second one fires.
    """

    name: ClassVar = "gex_flip"
    rank: ClassVar = 50
    urgency: ClassVar = Urgency.NORMAL
    latches: ClassVar = True
    sentence: ClassVar = (
        "the opposing gamma signal has strength {observed} against a minimum of {threshold}"
    )

    strength_min: float = Field(
        default=0.3, ge=0, le=1, description="Least strength of the opposing signal, 0 to 1."
    )
    age_minutes_max: int = Field(
        default=240, ge=1, le=10_080, description="The signal must be younger than this, minutes."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires on a fresh flip, and while a flip that fired before has not turned back."""
        view = book.side * book.right
        agreement = book.gex_direction * view
        agrees, opposes = agreement > 0, agreement < 0
        judged = agrees | (opposes & ((book.gex_previous | book.gex_entry) != 0))
        fired = opposes & ((book.gex_previous == view) | (book.gex_entry == view))
        fired &= book.gex_strength >= self.strength_min
        # A time that is not known is earlier than any.
        fired &= book.gex_at > book.decided_at - self.age_minutes_max * MINUTES
        fired &= book.gex_at > book.entry_time
        fired |= book.gex_latched & ~agrees
        return Verdict(fired=fired, evaluable=judged | fired)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the strength of an opposing signal; 0 where the newest does not oppose."""
        fired = self.evaluate(book, marks).fired
        opposes = self._opposes(book)
        known = book.gex_at != UNKNOWN
        observed = np.where(known, np.where(opposes, book.gex_strength, 0.0), np.nan)
        distance = np.where(fired, 0.0, np.maximum(self.strength_min - observed, 0.0))
        return RuleTrace(
            observed=observed,
            threshold=np.full(len(book), self.strength_min),
            distance=np.where(opposes | fired, distance, np.nan),
            progress=np.where(fired, 1.0, np.where(known, 0.0, np.nan)),
            unit="strength",
            note=self._notes(book, opposes, fired),
        )

    def _notes(self, book: Book, opposes: BoolColumn, fired: BoolColumn) -> np.ndarray:
        note = np.full(len(book), "", dtype=object)
        age, view = book.decided_at - book.gex_at, book.side * book.right
        # The first ground that applies is told, so the weakest is written first.
        flipped = (book.gex_previous == view) | (book.gex_entry == view)
        note[opposes & ~flipped] = "it opposed before already"
        note[opposes & (book.gex_strength < self.strength_min)] = "the signal is too weak"
        note[opposes & (age >= self.age_minutes_max * MINUTES)] = "the signal is too old"
        note[opposes & (book.gex_at <= book.entry_time)] = "the signal is older than the entry"
        unknown = (book.gex_previous == 0) & (book.gex_entry == 0)
        note[opposes & unknown] = "no earlier signal that it could have flipped"
        note[~opposes] = "the newest signal does not oppose"
        note[book.gex_direction == 0] = "no gamma signal"
        note[book.right == 0] = "the contract is not known"
        note[fired] = ""
        note[fired & book.gex_latched] = "due since an earlier tick"
        return note

    @staticmethod
    def _opposes(book: Book) -> BoolColumn:
        opposes: BoolColumn = (book.gex_direction != 0) & (
            book.gex_direction == -book.side * book.right
        )
        return opposes


RULE = GexFlip
