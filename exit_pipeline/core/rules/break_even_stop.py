"""BREAK_EVEN_STOP: once a gain was there, leave before it becomes a loss."""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from exit_pipeline.core.model.book import Book, BoolColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace, Urgency, Verdict
from exit_pipeline.core.model.marks import Marks
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.rule import ExitRule
from exit_pipeline.core.model.share import contracts_of_share
from exit_pipeline.core.model.stop_price import WHOLE, is_met, price_at
from exit_pipeline.core.model.threshold import OptionalThreshold, read_parts


class RaisedStop(BaseModel):
    """A stop that holds once so much of the position has been closed at profit targets."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    closed_percent: float = Field(
        gt=0, le=100, multiple_of=0.01, description="Share of the opened contracts closed, %."
    )
    stop_percent: float = Field(
        ge=-100, le=10_000, multiple_of=0.01, description="P&L at the stop, % of entry price."
    )


class BreakEvenStop(ExitRule):
    """Close in full when the P&L falls back to a level, after it once was well above it.

    The stop is armed by the best mark of a GOOD quote, once that stood at `activation_percent` on
    the entry price, or by the contracts that profit targets have closed (`after_closing`, which the
    rungs of a profit target fill in); of several that are armed the highest counts. The P&L is
    measured on the mid, on a DEGRADED quote on two ticks' mids, and met exactly counts.

    Example: entry 2.00 and a best mark of 3.00 arm the default's stop, since that was +50 %; at a
    mid of 2.00 it fires.
    """

    name: ClassVar = "break_even_stop"
    rank: ClassVar = 35
    urgency: ClassVar = Urgency.FAST
    sentence: ClassVar = "P&L {observed} against a raised stop of {threshold}"

    activation_percent: OptionalThreshold = Field(
        default=50.0, gt=0, le=10_000, multiple_of=0.01, description="Best P&L that arms it, %."
    )
    stop_percent: float = Field(
        default=0.0, ge=-100, le=10_000, multiple_of=0.01, description="P&L at the stop, %."
    )
    after_closing: tuple[RaisedStop, ...] = Field(
        default=(),
        description="Stops by the share that profit targets have closed, as CLOSED:STOP joined by "
        "|, such as 50:0|75:50; the rungs of profit_target add theirs.",
    )

    @field_validator("after_closing", mode="before")
    @classmethod
    def _read(cls, stops: Any) -> Any:
        return read_parts(stops, RaisedStop.model_fields, least=2)

    @model_validator(mode="after")
    def _is_below_what_arms_it(self) -> Self:
        if self.activation_percent is not None and self.stop_percent >= self.activation_percent:
            message = (
                f"stop_percent below activation_percent = {self.activation_percent:g}; a stop at "
                f"{self.stop_percent:g} would fire as soon as it is armed"
            )
            raise ValueError(message)
        return self

    def evaluate(self, book: Book, marks: Marks) -> Verdict:
        """Fires at or below the highest stop that is armed."""
        fired = np.zeros(len(book), np.bool_)
        armed, stop = self._armed(book, marks)
        rows = np.flatnonzero(armed & marks.priced)
        if len(rows):
            fired[rows] = is_met(book, marks, rows, self._price(book, rows, stop[rows]))
        return Verdict(fired=fired, evaluable=marks.priced)

    def trace(self, book: Book, marks: Marks) -> RuleTrace:
        """Observed is the P&L at the mid in percent; there is no threshold until it is armed."""
        every = np.arange(len(book))
        armed, stop = self._armed(book, marks)
        mid = book.mid(every)
        gain = book.side * (mid - book.entry_price) / book.entry_price * 100
        observed = np.where(marks.priced, gain, np.nan)
        distance = np.maximum(observed - stop / 100, 0.0)
        note = np.where(marks.priced, "", "the quote gives no price to judge").astype(object)
        note[marks.priced & ~armed] = "not armed yet"
        met = armed & marks.priced & (distance <= 0)
        note[met & ~self.evaluate(book, marks).fired] = "waits for a second tick to confirm it"
        return RuleTrace(
            observed=observed,
            threshold=np.where(armed, stop / 100, np.nan),
            distance=np.where(armed, distance, np.nan),
            progress=np.where(armed, 1 / (1 + distance / 100), 0.0),
            unit="%",
            note=note,
        )

    def _armed(self, book: Book, marks: Marks) -> tuple[BoolColumn, IntColumn]:
        """Where a stop is armed, and the highest one, in 1/100 percent of the entry price."""
        stop = np.full(len(book), -WHOLE * WHOLE)
        armed = np.zeros(len(book), np.bool_)
        if self.activation_percent is not None:
            best = _best_gain(book, marks)
            armed |= best * WHOLE >= book.entry_price * round(self.activation_percent * 100)
            stop[armed] = round(self.stop_percent * 100)
        for step in self.after_closing:
            closed = contracts_of_share(book.quantity, round(step.closed_percent * 100))
            reached = book.profit_exited >= closed
            stop[reached] = np.maximum(stop[reached], round(step.stop_percent * 100))
            armed |= reached
        return armed, stop

    @staticmethod
    def _price(book: Book, rows: NDArray[np.intp], stop: IntColumn) -> IntColumn:
        return price_at(book.entry_price[rows], book.side[rows], -stop)


def _best_gain(book: Book, marks: Marks) -> Any:
    """The best profit per share at a GOOD mark, this tick's among them; 0 where there was none."""
    before = np.where(
        book.high_water == UNKNOWN, 0, book.side * (book.high_water - book.entry_price)
    )
    return np.maximum(before, np.where(marks.good, marks.gain, 0))


RULE = BreakEvenStop
