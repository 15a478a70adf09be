"""How near a rule is to firing, told in the same way by the rules that compare with a threshold."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from exit_pipeline.core.model.book import BoolColumn, FloatColumn, IntColumn
from exit_pipeline.core.model.decision import RuleTrace
from exit_pipeline.core.model.price import UNITS_PER_DOLLAR, UNKNOWN

_ALMOST: Final = float(np.nextafter(1.0, 0.0))
"""Progress of what a float takes for reached and the exact comparison does not."""


def approach(
    observed: FloatColumn,
    threshold: FloatColumn | float,
    fired: BoolColumn,
    *,
    told: tuple[str, NDArray[np.object_]],
    falls: bool = False,
) -> RuleTrace:
    """The trace of a value that makes a rule fire where it reaches a threshold.

    Args:
        observed: The value; NaN where it is not known or the rule does not apply.
        threshold: 0 or more; one for all rows, or one a row.
        fired: Where the rule has fired, which was judged exactly.
        told: The unit, and for each row a note, which is dropped where the rule has fired.
        falls: The threshold is reached from above, not from below.

    Example: 27 on the way up to 30 has a distance of 3 and a progress of 0.9; 30 on the way down to
    21 has 9 and 0.7.
    """
    unit, note = told
    level = np.broadcast_to(np.asarray(threshold, np.float64), observed.shape)
    missing = observed - level if falls else level - observed
    part, whole = (level, observed) if falls else (observed, level)
    way = np.divide(part, whole, out=np.zeros(len(observed)), where=whole > 0)
    way = np.where(np.isnan(missing), np.nan, np.clip(way, 0.0, _ALMOST))
    return RuleTrace(
        observed=observed,
        threshold=level,
        distance=np.where(fired, 0.0, np.maximum(missing, 0.0)),
        progress=np.where(fired, 1.0, way),
        unit=unit,
        note=np.where(fired, "", note).astype(object),
    )


def nearest(rows: int, conditions: Mapping[str, RuleTrace]) -> RuleTrace:
    """The trace of a rule that fires on any of several conditions: in each row, the nearest one's.

    Args:
        rows: Rows of the book.
        conditions: The trace of each condition by its sentence; empty where no threshold is set.
    """
    if not conditions:
        nothing = np.full(rows, np.nan)
        note = np.full(rows, "no threshold of it is set", dtype=object)
        return approach(nothing, nothing, np.zeros(rows, np.bool_), told=("", note))
    traces = list(conditions.values())
    way = np.array([np.nan_to_num(trace.progress, nan=-1.0) for trace in traces])
    best, every = way.argmax(axis=0), np.arange(rows)

    def of_best(name: str) -> NDArray[np.float64]:
        column: NDArray[np.float64] = np.array([getattr(one, name) for one in traces])[best, every]
        return column

    notes = np.full(rows, "", dtype=object)
    for trace in reversed(traces):
        notes = np.where(trace.note != "", trace.note, notes)
    notes[way.max(axis=0) == 1.0] = ""
    return RuleTrace(
        observed=of_best("observed"),
        threshold=of_best("threshold"),
        distance=of_best("distance"),
        progress=of_best("progress"),
        unit=np.array([trace.unit for trace in traces], dtype=object)[best],
        note=notes,
        sentence=np.array(list(conditions), dtype=object)[best],
    )


def first_ground(rows: int, grounds: dict[str, BoolColumn]) -> NDArray[np.object_]:
    """For each row the first of several grounds that applies to it; empty where none does."""
    note = np.full(rows, "", dtype=object)
    for ground, where in reversed(grounds.items()):
        note[where] = ground
    return note


def dollars(units: IntColumn) -> FloatColumn:
    """Prices in dollars for a trace; NaN where not known. 12,500 units are 1.25."""
    shown: FloatColumn = np.where(units == UNKNOWN, np.nan, units / UNITS_PER_DOLLAR)
    return shown
