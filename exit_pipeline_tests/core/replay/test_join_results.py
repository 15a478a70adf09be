"""Results of portions as the result of one piece."""

from dataclasses import fields

import numpy as np
import pytest

from exit_pipeline.core.replay.comparison import Comparison
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.join_results import join_results
from exit_pipeline.core.replay.lots import Lots
from exit_pipeline.core.replay.result import Result
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.core.replay.random_paths import random_paths

PATHS = random_paths(60, seed=8)


def results(paths, *texts):
    exits = follow_policies(paths, [parse_policy(text) for text in texts])
    return [Result.of(paths, one) for one in exits]


def by_reason(result):
    names = np.array([*result.reasons, "held"])
    return names[result.lots.reason].tolist()


@pytest.mark.parametrize("rows", [1, 100, 400, 100_000])
def test_portions_joined_are_the_result_of_one_piece(rows):
    parts = [part for _, _, part in PATHS.blocks(rows)]
    sizes = [len(part.book) for part in parts]
    texts = ("", "long_premium, stop_loss.percent=10")
    whole = results(PATHS, *texts)
    joined = [
        join_results(list(some), sizes)
        for some in zip(*(results(part, *texts) for part in parts), strict=True)
    ]
    for one, other in zip(joined, whole, strict=True):
        assert by_reason(one) == by_reason(other)
        for column in fields(Lots):
            if column.name != "reason":
                np.testing.assert_array_equal(
                    getattr(one.lots, column.name), getattr(other.lots, column.name), column.name
                )
        for column in fields(Result):
            if column.name not in {"reasons", "lots"}:
                np.testing.assert_array_equal(
                    getattr(one, column.name), getattr(other, column.name)
                )
    assert Comparison.of(*joined).totals() == Comparison.of(*whole).totals()


def test_portions_may_have_other_reasons():
    one, two = PATHS.blocks(len(PATHS.book) // 2 + 40)
    parts = [
        results(one[2], "stop_loss=off")[0],
        results(two[2], "profit_target=off")[0],
    ]
    joined = join_results(parts, [len(part.book) for _, _, part in (one, two)])
    assert by_reason(joined) == by_reason(parts[0]) + by_reason(parts[1])
    assert "STOP_LOSS" in joined.reasons
