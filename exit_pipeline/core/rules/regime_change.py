"""REGIME_CHANGE: leave when the market moves otherwise than it did at entry."""

from typing import ClassVar, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from exit_pipeline.core.model.book import Book, BoolColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.rule import ExitRule

_CODES: Final = {
    "low_vol": Regime.LOW_VOL,
    "normal": Regime.NORMAL,
    "high_vol": Regime.HIGH_VOL,
}


class RegimeChange(ExitRule):
    """Close in full when the volatility regime has become another one than at entry.

    By default a change to HIGH_VOL counts, from whichever regime: entered in NORMAL and now in
    HIGH_VOL is due; entered in HIGH_VOL, or now in LOW_VOL, is not. Needs no quote.
    """

    name: ClassVar = "regime_change"
    rank: ClassVar = 51
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "the regime has changed since the entry"

    to: Literal["low_vol", "normal", "high_vol", "any"] = Field(
        default="high_vol", description="The regime that it must have become, or any other."
    )

    def evaluate(self, book: Book, marks: Marks) -> Verdict:  # noqa: ARG002 needs no quote
        """Fires where both regimes are known, differ, and today's is the one asked for."""
        known = (book.regime != 0) & (book.entry_regime != 0)
        fired = book.regime != book.entry_regime
        fired &= known
        if self.to != "any":
            fired &= book.regime == _CODES[self.to]
        return Verdict(fired=fired, evaluable=known)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is 1 where the regime has changed to the one asked for."""
        verdict = self.evaluate(book, marks)
        changed = np.where(verdict.evaluable, verdict.fired, np.nan)
        return RuleTrace(
            observed=changed,
            threshold=np.ones(len(book)),
            distance=np.where(verdict.fired, 0.0, np.nan),
            progress=changed,
            unit="",
            note=self._notes(book, verdict.evaluable),
        )

    @staticmethod
    def _notes(book: Book, known: BoolColumn) -> NDArray[np.object_]:
        note = np.full(len(book), "the regime is not known", dtype=object)
        note[(book.regime != 0) & ~known] = "the regime at entry is not known"
        for was in _CODES.values():
            for now in _CODES.values():
                same = f"the regime is {now.name} as at entry"
                other = f"the regime was {was.name} at entry and is {now.name}"
                at = (book.entry_regime == was) & (book.regime == now)
                note[at] = same if was == now else other
        return note


RULE = RegimeChange
