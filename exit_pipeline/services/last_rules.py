"""Where the rules of positions stood at their newest recorded decision."""

from collections.abc import Mapping, Sequence

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation, RuleLine, nearest_first
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.core.replay.readable import readable


def last_rules(recorded: RecordedDecisions) -> Mapping[str, Sequence[RuleLine]]:
    """Every rule of each position at its last decision, the nearest first, by position.

    They are made again from the stored inputs and the stored policy. A position whose last decision
    has a policy that this version can't read is absent: an older one would look like the last.

    Args:
        recorded: Decisions by position and time.
    """
    codes, ids = recorded.position_codes()
    ends = np.searchsorted(codes, np.arange(len(ids)), side="right") - 1
    last, policies, _ = readable(recorded.take(ends))
    if not len(last):
        return {}
    made = Explanation(last.book, policies, decide(last.book, policies))
    names = [one.decode() for one in last.positions.tolist()]
    return {name: nearest_first(made.lines(row)) for row, name in enumerate(names)}
