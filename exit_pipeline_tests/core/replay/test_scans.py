"""What is carried from row to row, beside plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.core.replay.scans import best_before, hits_before, latched_before

PATH = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(-3, 3)), max_size=12
).filter(bool)
PATHS = st.lists(PATH, max_size=6)


def columns(paths):
    """The rows of all paths as columns, and where each path starts."""
    rows = [row for path in paths for row in path]
    starts = np.cumsum([0, *(len(path) for path in paths)], dtype=np.intp)[:-1]
    return [np.array(column) for column in zip(*rows, strict=True)] or [
        np.zeros(0, kind) for kind in (np.bool_, np.bool_, np.bool_, np.int64)
    ], starts


def some_first(paths, values):
    return st.lists(values, min_size=len(paths), max_size=len(paths))


@given(paths=PATHS, data=st.data())
def test_the_best_before_a_row_is_that_of_a_loop(paths, data):
    first = data.draw(some_first(paths, st.sampled_from((UNKNOWN, -1, 0, 2))))
    wanted = []
    for path, known in zip(paths, first, strict=True):
        best = known
        for *_, value in path:
            wanted.append(best)
            best = max(best, value)
    (_, _, _, values), starts = columns(paths)
    assert best_before(values, np.array(first, np.int64), starts).tolist() == wanted


@given(paths=PATHS, data=st.data())
def test_the_count_before_a_row_is_that_of_a_loop(paths, data):
    first = data.draw(some_first(paths, st.sampled_from((0, 1, 100, 253, 255))))
    wanted = []
    for path, known in zip(paths, first, strict=True):
        count = known
        for row, (due, ended, renewed, _) in enumerate(path):
            if renewed and row:
                count = 0
            wanted.append(count)
            count = 0 if ended else min(count, 254) + 1 if due else count
    (due, ended, renewed, _), starts = columns(paths)
    assert hits_before(due, ended, renewed, np.array(first, np.uint8), starts).tolist() == wanted


@given(paths=PATHS, data=st.data())
def test_what_is_latched_before_a_row_is_that_of_a_loop(paths, data):
    first = data.draw(some_first(paths, st.booleans()))
    wanted = []
    for path, known in zip(paths, first, strict=True):
        latched = known
        for sets, keeps, *_ in path:
            wanted.append(latched)
            latched = sets or (keeps and latched)
    (sets, keeps, _, _), starts = columns(paths)
    assert latched_before(sets, keeps, np.array(first, np.bool_), starts).tolist() == wanted


@pytest.mark.parametrize("rows", [1, 300])
def test_a_count_stays_at_what_a_byte_holds(rows):
    due, never = np.ones(rows, np.bool_), np.zeros(rows, np.bool_)
    starts = np.zeros(1, np.intp)
    counts = hits_before(due, never, never, np.array([1], np.uint8), starts)
    assert counts.tolist() == [min(1 + row, 255) for row in range(rows)]
