"""Daily bars and daily closes, as columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import FloatColumn
from exit_pipeline.core.model.errors import InputError

DayColumn = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyCloses:
    """Closes of one symbol, oldest first; days that are not known are absent.

    Attributes:
        day: Session of the close, ``datetime64[D]``, rising.
        close: Dollars, or index points.

    Raises:
        InputError: The days do not rise, or a close is not a positive number.
    """

    day: DayColumn
    close: FloatColumn

    def __post_init__(self) -> None:
        _check(self.day, {"close": self.close})

    @classmethod
    def of(cls, rows: Iterable[tuple[date, float]]) -> Self:
        """Columns from rows of day and close."""
        days, (close,) = _columns(rows, 1)
        return cls(day=days, close=close)

    def __len__(self) -> int:
        return len(self.day)

    def between(self, start: date | None, end: date) -> Self:
        """The closes of `start` and later, but before `end`."""
        first = 0 if start is None else _index(self.day, start)
        rows = slice(first, _index(self.day, end))
        return type(self)(day=self.day[rows], close=self.close[rows])

    def on(self, day: date) -> float | None:
        """The close of one day, None where it is not known."""
        found = self.close[self.day == np.datetime64(day, "D")]
        return float(found[0]) if len(found) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBars:
    """Bars of one symbol, oldest first, in prices that are comparable across splits.

    Attributes:
        day: Session of the bar, ``datetime64[D]``, rising.
        high: Dollars, or index points; likewise low, close.

    Raises:
        InputError: The days do not rise, a price is not a positive number, or a low is above its
            high. A close may lie outside of both: an official close is not always a trade.
    """

    day: DayColumn
    high: FloatColumn
    low: FloatColumn
    close: FloatColumn

    def __post_init__(self) -> None:
        _check(self.day, {"high": self.high, "low": self.low, "close": self.close})
        upside_down = np.flatnonzero(self.low > self.high)
        if len(upside_down):
            row = upside_down[0]
            low, high = self.low[row], self.high[row]
            message = f"low {low:g} of {self.day[row]} must not be above its high {high:g}"
            raise InputError(message)

    @classmethod
    def of(cls, rows: Iterable[tuple[date, float, float, float]]) -> Self:
        """Columns from rows of day, high, low and close."""
        days, (high, low, close) = _columns(rows, 3)
        return cls(day=days, high=high, low=low, close=close)

    def __len__(self) -> int:
        return len(self.day)

    @property
    def closes(self) -> DailyCloses:
        """Only the closes."""
        return DailyCloses(day=self.day, close=self.close)

    def before(self, day: date) -> Self:
        """The bars of earlier days; those of a session that still trades are not among them."""
        rows = slice(0, _index(self.day, day))
        return type(self)(
            day=self.day[rows], high=self.high[rows], low=self.low[rows], close=self.close[rows]
        )


def _columns(rows: Iterable[tuple[Any, ...]], width: int) -> tuple[DayColumn, list[FloatColumn]]:
    """A column of days and `width` columns of numbers."""
    table = list(rows)
    days = np.array([row[0] for row in table], "datetime64[D]")
    return days, [np.array([row[1 + i] for row in table], np.float64) for i in range(width)]


def _index(days: DayColumn, day: date) -> int:
    return int(np.searchsorted(days, np.datetime64(day, "D")))


def _check(days: DayColumn, columns: dict[str, FloatColumn]) -> None:
    """Refuse columns of several lengths, days out of order and prices that are none."""
    lengths = {len(days), *(len(column) for column in columns.values())}
    if len(lengths) > 1:
        message = f"columns of daily prices must have one length, had {sorted(lengths)}"
        raise InputError(message)
    late = np.flatnonzero(~(days[1:] > days[:-1]))
    if len(late):
        message = f"day {days[late[0] + 1]} must be later than {days[late[0]]}, the one before it"
        raise InputError(message)
    for name, column in columns.items():
        wrong = np.flatnonzero(~((column > 0) & np.isfinite(column)))
        if len(wrong):
            row = wrong[0]
            message = f"{name} {column[row]:g} of {days[row]} must be a positive number"
            raise InputError(message)
