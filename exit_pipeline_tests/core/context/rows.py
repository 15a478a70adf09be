"""Rows of context for tests, from what is unusual about them."""

from math import nan

import numpy as np

from exit_pipeline.core.context.columns import ContextColumns

# A long call about which nothing is known.
BLANK = {"view": 1, "side": 1, "vix": nan, "trend": nan, "bias": nan, "regime": nan,
         "gamma": nan, "gamma_freshness": nan}  # fmt: skip
_KINDS = {"view": np.int8, "side": np.int8}


def columns_of(*rows):
    """Columns of rows, each given by what it has other than a blank one."""
    full = [BLANK | row for row in rows]
    return ContextColumns(
        **{name: np.array([row[name] for row in full], _KINDS.get(name, np.float64))
           for name in BLANK}
    )  # fmt: skip
