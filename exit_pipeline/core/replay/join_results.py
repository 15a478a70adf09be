"""Results on portions of paths as the result on all of them, so that portions bound memory."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import numpy as np

from exit_pipeline.core.replay.exits import NO_ROW
from exit_pipeline.core.replay.lots import Lots
from exit_pipeline.core.replay.paths import RowIndex
from exit_pipeline.core.replay.result import Result

_OF_LOTS: Final = tuple(one.name for one in fields(Lots))
_BY_PATH: Final = tuple(one.name for one in fields(Result) if one.name not in {"reasons", "lots"})


def join_results(parts: Sequence[Result], rows: Sequence[int]) -> Result:
    """The result on all paths, those of each portion after those of the one before.

    Args:
        parts: Of each portion, at least one.
        rows: How many rows each portion has.

    Example: the second path of a second portion is, after a first one of 3 paths over 40 rows, path
    4, and its row 5 is row 45.
    """
    reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
    first_row = np.cumsum([0, *rows])
    first_path = np.cumsum([0, *(len(part.held) for part in parts)])
    lots = [
        _moved(part, reasons, int(row), int(path))
        for part, row, path in zip(parts, first_row, first_path, strict=False)
    ]
    joined = {name: np.concatenate([getattr(one, name) for one in lots]) for name in _OF_LOTS}
    return Result(
        reasons=reasons,
        lots=Lots(**joined),
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in _BY_PATH},
    )


def _moved(part: Result, reasons: tuple[str, ...], row: int, path: int) -> Lots:
    """The lots of a portion with their places among all rows, paths and reasons."""
    lots = part.lots
    places: RowIndex = np.array([*map(reasons.index, part.reasons), len(reasons)], np.intp)
    return Lots(
        path=lots.path + path,
        row=np.where(lots.row == NO_ROW, NO_ROW, lots.row + row),
        contracts=lots.contracts,
        reason=places[lots.reason],
        price=lots.price,
        gain=lots.gain,
        at=lots.at,
        days_held=lots.days_held,
    )
