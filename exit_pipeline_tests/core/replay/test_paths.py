import numpy as np
import pytest

from exit_pipeline.core.replay.paths import Paths, rows_of, spans
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.core.replay.random_paths import random_paths

BOOK = a_book(*({"decided_at": time} for time in ("10:00", "10:05", "10:10", "10:00", "10:05")))


def test_a_path_starts_where_the_position_changes():
    paths = Paths.of(BOOK, np.array(["b", "b", "b", "a", "a"]))
    assert paths.starts.tolist() == [0, 3]
    assert paths.ends.tolist() == [3, 5]
    assert paths.path_of(np.arange(5)).tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    "starts", [[], [1], [0, 0], [0, 3, 2], [0, 5]], ids=["none", "late", "twice", "back", "beyond"]
)
def test_starts_that_leave_out_a_row_or_have_none_are_refused(starts):
    with pytest.raises(ValueError, match="must start at row 0, each at least a row after"):
        Paths(book=BOOK, starts=np.array(starts, np.intp))


def test_rows_that_go_back_in_time_are_refused():
    with pytest.raises(ValueError, match="in the order of time; 3 is not"):
        Paths.of(BOOK, np.zeros(5))


@pytest.mark.parametrize("rows", [1, 7, 50, 10_000])
def test_blocks_are_whole_paths_and_together_all_of_them(rows):
    paths = random_paths(20, seed=3, longest=9)
    blocks = [*paths.blocks(rows)]
    starts = np.concatenate([row + block.starts for _, row, block in blocks])
    assert starts.tolist() == paths.starts.tolist()
    assert [first for first, _, _ in blocks] == np.cumsum(
        [0, *(len(block) for _, _, block in blocks)]
    ).tolist()[:-1]
    assert all(len(block) == 1 or len(block.book) <= rows for _, _, block in blocks)
    bids = np.concatenate([block.book.bid for _, _, block in blocks])
    np.testing.assert_array_equal(bids, paths.book.bid)


def test_some_paths_keep_their_rows_in_the_order_that_is_asked_for():
    paths = Paths.of(BOOK, np.array([1, 1, 1, 2, 2]), ["x"])
    chosen, rows = paths.select(np.array([1, 0]))
    assert rows.tolist() == [3, 4, 0, 1, 2]
    assert chosen.starts.tolist() == [0, 2]
    assert chosen.hashes == ("x",)


def test_a_new_session_is_told_inside_a_path_only():
    days = ("2026-03-18 16:00", "2026-03-18 16:00", "2026-03-19 16:00", "2026-03-20 16:00", None)
    book = a_book(*({"session_close": day} for day in days))
    paths = Paths(book=book, starts=np.array([0, 3]))
    assert paths.new_session.tolist() == [False, False, True, False, True]


def test_spans_are_laid_one_after_another():
    rows, starts = spans(np.array([2, 7, 9]), np.array([4, 10, 9]))
    assert rows.tolist() == [2, 3, 7, 8, 9]
    assert starts.tolist() == [0, 2, 5]


def test_rows_of_a_book_have_what_is_carried_in_place_of_what_was_recorded():
    book = rows_of(BOOK, np.array([4, 0]), open_quantity=np.array([7, 8]))
    assert book.open_quantity.tolist() == [7, 8]
    assert book.decided_at.tolist() == BOOK.decided_at[[4, 0]].tolist()
