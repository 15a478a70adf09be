"""PROFIT_TARGET: take a profit, half of it at first where there is more than one contract."""

from itertools import accumulate, pairwise
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import CANDIDATE_MARGIN, Marks
from exit_pipeline.core.model.scaled import ScaledRule
from exit_pipeline.core.model.share import contracts_of_share
from exit_pipeline.core.model.threshold import OptionalThreshold, read_parts


class Rung(BaseModel):
    """One more target of a ladder."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    percent: float = Field(
        gt=0, le=10_000, multiple_of=0.01, description="Profit, % of entry price."
    )
    close_share_percent: float = Field(
        gt=0, le=100, multiple_of=0.01, description="Share of the opened contracts to close, %."
    )
    stop_percent: float | None = Field(
        default=None, ge=-100, le=10_000, multiple_of=0.01,
        description="Once it has closed: P&L at which the rest is left, % of entry price; 0 is "
        "break-even.",
    )  # fmt: skip


class ProfitTarget(ScaledRule):
    """Close a share of the position when its profit reaches a percentage of the entry price.

    The profit is the gain per share at the mark over the entry price: entry 0.10 and mark 0.15 are
    +50 %; a short sold at 2.00 has +50 % at 1.00. The target counts as reached when met exactly.
    The share is of the contracts opened, rounded down, at least 1, and is closed once in a
    position's life: 10 lots sell 5, and what a partial fill leaves of those 5 is still due.

    Further rungs close more at higher profits. Their targets are cumulative, so that no rounding
    and no partial fill is ever made up for twice: with shares of 50 %, 25 % and 25 %, 10 lots have
    5, 7 and 10 closed after each. A mark beyond two rungs at once closes what both ask for.
    """

    name: ClassVar = "profit_target"
    rank: ClassVar = 20
    urgency: ClassVar = Urgency.NORMAL
    sentence: ClassVar = "P&L {observed} against a target of {threshold}"

    percent: float = Field(
        default=50.0, gt=0, le=10_000, multiple_of=0.01, description="Profit, % of entry price."
    )
    close_share_percent: float = Field(
        default=50.0,
        gt=0,
        le=100,
        multiple_of=0.01,
        description="Share of the opened contracts to close, %.",
    )
    stop_percent: OptionalThreshold = Field(
        default=None, ge=-100, le=10_000, multiple_of=0.01,
        description="Once it has closed: P&L at which the rest is left, % of entry price; 0 is "
        "break-even.",
    )  # fmt: skip
    further_rungs: tuple[Rung, ...] = Field(
        default=(),
        description="More targets, as PROFIT:SHARE or PROFIT:SHARE:STOP joined by |, such as "
        "100:25:50|150:25.",
    )

    @field_validator("further_rungs", mode="before")
    @classmethod
    def _read(cls, rungs: Any) -> Any:
        return read_parts(rungs, Rung.model_fields, least=2)

    @model_validator(mode="after")
    def _is_a_ladder(self) -> Self:
        if any(next_one.percent <= rung.percent for rung, next_one in pairwise(self.rungs)):
            message = "rungs whose profits rise"
            raise ValueError(message)
        closes = sum(rung.close_share_percent for rung in self.rungs)
        if closes > 100:
            message = f"rungs that close no more than 100 % together; these close {closes:g} %"
            raise ValueError(message)
        for rung in self.rungs:
            if rung.stop_percent is not None and rung.stop_percent >= rung.percent:
                message = (
                    f"a stop below the target that sets it; at +{rung.percent:g} % a stop of "
                    f"{rung.stop_percent:+g} % would fire at once"
                )
                raise ValueError(message)
        return self

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """All targets, the nearest first."""
        first = Rung(
            percent=self.percent,
            close_share_percent=self.close_share_percent,
            stop_percent=self.stop_percent,
        )
        return (first, *self.further_rungs)

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or above the highest rung that is reached and not filled."""
        fired = np.zeros(len(book), np.bool_)
        quantity = np.zeros(len(book), np.int64)
        # A float finds the few candidates; integers decide, so that "exactly" stays exact.
        least = self.scaled(self.percent, book) / 100
        rows = np.flatnonzero((marks.pnl_percent >= least - CANDIDATE_MARGIN) & marks.priced)
        if len(rows):
            gained, exited = marks.gain[rows] * 10_000, book.profit_exited[rows]
            rest = np.zeros(len(rows), np.int64)
            for rung, share in zip(self.rungs, self._shares(), strict=True):
                target = self.scaled(rung.percent, book, rows)
                reached = gained >= book.entry_price[rows] * target
                closed = contracts_of_share(book.quantity[rows], share)
                rest = np.where(reached, closed - exited, rest)
            quantity[rows] = rest
            fired[rows] = rest > 0
        return Verdict(fired=fired, evaluable=marks.priced, quantity=quantity)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the profit at the mark, against the first rung that is not filled."""
        observed = np.where(marks.priced, marks.pnl_percent, np.nan)
        threshold = np.full(len(book), np.nan)
        note = np.full(len(book), "", dtype=object)
        for rung, share in reversed([*zip(self.rungs, self._shares(), strict=True)]):
            open_rung = contracts_of_share(book.quantity, share) > book.profit_exited
            target = np.broadcast_to(self.scaled(rung.percent, book) / 100, len(book))
            threshold[open_rung] = target[open_rung]
            note[open_rung] = self.scale_notes(rung.percent, book)[open_rung]
        filled = np.isnan(threshold)
        note[~marks.priced] = "the quote gives no price to judge"
        note[filled] = "its share is already closed"
        threshold[filled] = self.rungs[-1].percent
        return RuleTrace(
            observed=observed,
            threshold=threshold,
            distance=np.where(filled, np.nan, np.maximum(threshold - observed, 0.0)),
            progress=np.where(filled, 0.0, np.clip(observed / threshold, 0.0, 1.0)),
            unit="%",
            note=note,
        )

    def _shares(self) -> list[int]:
        """What is closed after each rung, in 1/100 percent of the opened contracts."""
        return list(accumulate(round(rung.close_share_percent * 100) for rung in self.rungs))


RULE = ProfitTarget
