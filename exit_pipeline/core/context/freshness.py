"""How much of its age limit a stored signal has left."""

import numpy as np

from exit_pipeline.core.model.book import FloatColumn, IntColumn
from exit_pipeline.core.model.instant import MICROSECOND
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.model.reading import FUTURE_TOLERANCE


def freshness(at: IntColumn, decided_at: IntColumn, age_limit: int) -> FloatColumn:
    """1 - age / limit, within 0..1: 1 is new, 0 as old as allowed or older.

    NaN where a time is not known, and where the signal is stamped more than 5 seconds after the
    decision, which could not have known it.

    Args:
        at: Times of the signals, microseconds since the epoch.
        decided_at: Times of the decisions.
        age_limit: Microseconds, above zero.

    Example: a signal of 60 minutes with a limit of 240 has a freshness of 0.75.
    """
    known = (at != UNKNOWN) & (decided_at != UNKNOWN)
    age = np.where(known, decided_at, 0) - np.where(known, at, 0)
    known &= age >= -(FUTURE_TOLERANCE // MICROSECOND)
    return np.where(known, np.clip(1 - age / age_limit, 0.0, 1.0), np.nan)
