"""A book's columns as the database keeps them: dollars, datetimes and words; None is not known."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from exit_pipeline.core.model.book import KINDS, Book, Kind
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.market_state import Regime
from exit_pipeline.core.model.price import UNKNOWN, to_dollars

NAMES: Final[Mapping[str, str]] = {
    name: {"right": "option_right", "hits": "rule_hits"}.get(name, name)
    for name, kind in KINDS.items()
    if kind is not Kind.POLICY
}
"""The database's name of each column that is kept, in the order of the book; a policy is kept by
its hash instead."""


def stored_columns(book: Book) -> dict[str, list[Any]]:
    """Every input of decisions, by the database's column names.

    Example: a bid of 11,500 units is ``Decimal("1.1500")``, a ``right`` of -1 ``"PUT"``, an ``iv``
    of NaN None.
    """
    return {kept: _TO_STORED[KINDS[name]](getattr(book, name)) for name, kept in NAMES.items()}


def stored_hits(hits: np.ndarray) -> list[list[int] | None]:
    """Counts by rule; None where all are zero, as they nearly always are."""
    return [row if any(row) else None for row in hits.tolist()]


def _words(known: Callable[[int], str]) -> Callable[[np.ndarray], list[Any]]:
    return lambda column: [known(code) if code else None for code in column.tolist()]


_TO_STORED: Final[Mapping[Kind, Callable[[np.ndarray], list[Any]]]] = {
    Kind.PRICE: lambda column: [to_dollars(units) for units in column.tolist()],
    Kind.INSTANT: lambda column: [to_datetime(micros) for micros in column.tolist()],
    Kind.SPAN: lambda column: [f"{span} microseconds" for span in column.tolist()],
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
