"""Pictures of a what-if: there where there is something to draw, and the same again."""

from collections.abc import Callable

import numpy as np
import pytest

from exit_pipeline.core.replay.comparison import Comparison
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.result import Result
from exit_pipeline.plots.what_if import (
    difference_by_position,
    exits_by_reason,
    money_over_time,
    over_a_grid,
)
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.core.replay.random_paths import random_paths

PNG = b"\x89PNG\r\n"
PATHS = random_paths(80, seed=4)
NAMES = [f"p{path}" for path in range(len(PATHS))]


def compared(*texts: str) -> Comparison:
    exits = follow_policies(PATHS, [parse_policy(text) for text in texts])
    return Comparison.of(*(Result.of(PATHS, one) for one in exits))


CHANGED, SAME = compared("", "stop_loss.percent=10"), compared("", "")
NEVER = ", ".join(f"{rule.name}=off" for rule in parse_policy().rules)
NOTHING = compared(NEVER, NEVER)


def over_time(comparison: Comparison) -> bytes | None:
    ways = [("recorded", comparison.baseline), ("other", comparison.policy)]
    return money_over_time(ways, comparison.valued)


@pytest.mark.parametrize(
    "draw",
    [
        over_time,
        lambda one: difference_by_position(NAMES, one),
        lambda one: exits_by_reason(one, "recorded"),
        lambda _: over_a_grid({"a.b": ["1", "2", "3"]}, np.array([1.0, -2.0, 3.0])),
        lambda _: over_a_grid({"a.b": ["1", "2"], "c.d": ["3"]}, np.array([[1.0], [2.0]])),
        lambda _: over_a_grid({"a.b": ["1", "2"], "c.d": ["3"]}, np.zeros((2, 1))),
    ],
    ids=["over time", "by position", "by reason", "a line", "a map", "nothing but zeros"],
)
def test_what_is_there_is_drawn_the_same_each_time(
    draw: Callable[[Comparison], bytes | None],
) -> None:
    picture = draw(CHANGED)
    assert picture is not None
    assert picture.startswith(PNG)
    assert picture == draw(CHANGED)


@pytest.mark.parametrize(
    "picture",
    [
        money_over_time([("recorded", SAME.baseline)], np.zeros(len(PATHS), np.bool_)),
        difference_by_position(NAMES, SAME),
        exits_by_reason(NOTHING, "recorded"),
        over_a_grid({"a.b": ["1"]}, np.zeros(1)),
        over_a_grid({"a.b": ["1", "2"], "c.d": ["3"], "e.f": ["4"]}, np.zeros((2, 1, 1))),
    ],
    ids=["nothing is valued", "nothing differs", "nothing leaves", "one point", "three thresholds"],
)
def test_where_nothing_is_to_be_seen_nothing_is_drawn(picture: bytes | None) -> None:
    assert picture is None
