import pytest

from exit_pipeline_tests.simulation.shrink import shrink


@pytest.mark.parametrize(
    ("needed", "left"),
    [
        pytest.param({3}, [3], id="one"),
        pytest.param({3, 7}, [3, 7], id="two apart"),
        pytest.param({1, 2, 8}, [1, 2, 8], id="three"),
        pytest.param(set(), [], id="none at all"),
        pytest.param(set(range(1, 9)), list(range(1, 9)), id="all"),
    ],
)
def test_what_it_takes_is_left(needed, left):
    assert shrink(range(1, 9), lambda only: needed <= set(only)) == left


def test_effort_is_bounded():
    runs = []

    def fails(only):
        runs.append(only)
        return set(range(0, 64, 2)) <= set(only)

    shrink(range(64), fails, most_runs=10)
    assert len(runs) <= 11
