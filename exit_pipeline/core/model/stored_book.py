"""A book's columns as the database keeps them: dollars, datetimes and words; None is not known.

Both ways are exact: what was stored and read back is the same book, to the last bit.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np

from exit_pipeline.core.model.book import KINDS, Book, Kind
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.instant import MICROSECOND, to_datetime, to_micros
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.price import UNKNOWN, to_dollars

NAMES: Final[Mapping[str, str]] = {
    name: {"right": "option_right", "hits": "rule_hits"}.get(name, name)
    for name, kind in KINDS.items()
    if kind is not Kind.POLICY
}
"""The database's name of each column that is kept, in the order of the book; a policy is kept by
its hash instead."""

_ALWAYS_KNOWN: Final = frozenset({Kind.SIDE, Kind.FLAG, Kind.SPAN})
"""Kinds in which a row without a value was never the input of a decision."""


def stored_columns(book: Book) -> dict[str, list[Any]]:
    """Every input of decisions, by the database's column names.

    Example: a bid of 11,500 units is ``Decimal("1.1500")``, a ``right`` of -1 ``"PUT"``, an ``iv``
    of NaN None.
    """
    return {kept: _TO_STORED[KINDS[name]](getattr(book, name)) for name, kept in NAMES.items()}


def book_of_stored(columns: Mapping[str, Sequence[Any]]) -> Book:
    """The book that was stored, the inverse of ``stored_columns``; every row's policy is 0.

    A column that is not given, as of a table from before it existed, is not known in any row.

    Args:
        columns: By the database's column names, of equal length, as the database gives them back.

    Raises:
        InputError: A side, a flag or the feed's limit is missing: that row never was the input of
            a decision. Or a value is not one that is stored there.

    Example: a bid of ``Decimal("1.1500")`` is 11,500 units, an ``option_right`` of ``"PUT"`` -1 in
    ``right``, and None in ``iv`` NaN.
    """
    rows = len(next(iter(columns.values()), ()))
    found = {
        name: _read(kept, KINDS[name], columns.get(kept, (None,) * rows))
        for name, kept in NAMES.items()
    }
    return Book.of(rows, **found)


def _read(kept: str, kind: Kind, column: Sequence[Any]) -> np.ndarray:
    if kind in _ALWAYS_KNOWN and None in column:
        message = f"column {kept} of a stored decision is empty; expected what it was decided on"
        raise InputError(message)
    if kind is Kind.HITS:
        return _read_hits(column)
    try:
        return np.array(_FROM_STORED[kind](column), kind.dtype)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        message = f"column {kept} of a stored decision has a value that is never stored there"
        raise InputError(message) from error


def _read_hits(column: Sequence[Sequence[int] | None]) -> np.ndarray:
    hits: np.ndarray = Kind.HITS.nothing(len(column))
    for row, counts in enumerate(column):
        if counts is not None:
            hits[row, : len(counts)] = counts
    return hits


def stored_hits(hits: np.ndarray) -> list[list[int] | None]:
    """Counts by rule; None where all are zero, as they nearly always are."""
    return [row if any(row) else None for row in hits.tolist()]


def _words(known: Callable[[int], str]) -> Callable[[np.ndarray], list[Any]]:
    return lambda column: [known(code) if code else None for code in column.tolist()]


_TO_STORED: Final[Mapping[Kind, Callable[[np.ndarray], list[Any]]]] = {
    Kind.PRICE: lambda column: [to_dollars(units) for units in column.tolist()],
    Kind.INSTANT: lambda column: [to_datetime(micros) for micros in column.tolist()],
    Kind.SPAN: lambda column: [timedelta(microseconds=span) for span in column.tolist()],
    Kind.WHOLE: lambda column: [None if count == UNKNOWN else count for count in column.tolist()],
    Kind.SIZE: lambda column: [None if size < 0 else size for size in column.tolist()],
    Kind.NUMBER: lambda column: [None if np.isnan(one) else one for one in column.tolist()],
    Kind.FLAG: lambda column: column.tolist(),
    Kind.SIDE: _words(lambda side: "LONG" if side > 0 else "SHORT"),
    Kind.VIEW: _words(lambda view: Direction(view).name),
    Kind.REGIME: _words(lambda regime: Regime(regime).name),
    Kind.SIGN: lambda column: [sign or None for sign in column.tolist()],
    Kind.HITS: stored_hits,
}


def _codes(words: Mapping[str, int]) -> Callable[[Sequence[Any]], list[int]]:
    known: dict[Any, int] = {None: 0, **words}
    return lambda column: [known[word] for word in column]


_FROM_STORED: Final[Mapping[Kind, Callable[[Sequence[Any]], Sequence[Any]]]] = {
    # A stored price has four decimals, so that moving the point loses nothing.
    Kind.PRICE: lambda column: [
        UNKNOWN if price is None else int(price.scaleb(4)) for price in column
    ],
    Kind.INSTANT: lambda column: [to_micros(at) for at in column],
    Kind.SPAN: lambda column: [span // MICROSECOND for span in column],
    Kind.WHOLE: lambda column: [UNKNOWN if count is None else count for count in column],
    Kind.SIZE: lambda column: [-1 if size is None else size for size in column],
    Kind.NUMBER: lambda column: [np.nan if one is None else one for one in column],
    Kind.FLAG: lambda column: column,
    Kind.SIDE: _codes({"LONG": 1, "SHORT": -1}),
    Kind.VIEW: _codes({view.name: view.value for view in Direction if view}),
    Kind.REGIME: _codes({regime.name: regime.value for regime in Regime}),
    Kind.SIGN: lambda column: [sign or 0 for sign in column],
}
