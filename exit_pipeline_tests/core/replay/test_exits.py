from dataclasses import replace

import numpy as np

from exit_pipeline.core.replay.exits import NO_ROW, Exits
from exit_pipeline_tests.core.replay.test_result import exits_of


def test_exits_keep_their_paths_when_portions_are_merged():
    first = exits_of((0, 2), held=[2, 1], worth=[0, NO_ROW])
    second = replace(exits_of((1, 4), held=[4], worth=[1]), reasons=("EXPIRY", "STOP_LOSS"))
    merged = Exits.merged(
        [first.placed(np.array([5, 6, 7])), second.placed(np.array([3, 4]))],
        [np.array([1, 2]), np.array([0])],
    )
    assert merged.row.tolist() == [4, 5]
    assert merged.quantity.tolist() == [4, 2]
    assert [merged.reasons[one] for one in merged.reason] == ["EXPIRY", "STOP_LOSS"]
    assert merged.held.tolist() == [4, 2, 1]
    assert merged.worth.tolist() == [4, 5, NO_ROW]
