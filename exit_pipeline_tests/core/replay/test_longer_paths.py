"""Paths with rows that nothing recorded."""

import numpy as np
import pytest

from exit_pipeline.core.model.book import KINDS
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.longer_paths import later_book, lengthen, own_grades, tell_nothing
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.recorded_exits import Told, recorded_exits
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, micros, units
from exit_pipeline_tests.core.replay.random_paths import random_paths

BOOK = a_book(*({"decided_at": f"10:0{minute}", "mark": "2.10"} for minute in range(4)))
PATHS = Paths.of(BOOK, np.array([1, 1, 2, 2]))


def later(times, last, mark="3.20"):
    count = len(times)
    return later_book(
        BOOK.take(np.array(last)),
        decided_at=np.array([micros(time) for time in times]),
        session_close=np.full(count, micros("16:00")),
        quoted_at=np.array([micros(time) for time in times]),
        feed_at=np.array([micros(time) for time in times]),
        feed_age_limit=np.full(count, 30_000_000),
        bid=np.full(count, units(mark) - 100),
        ask=np.full(count, units(mark) + 100),
    )


def test_later_rows_keep_the_position_and_know_nothing_of_the_rest():
    book = later(["11:00"], [3])
    assert book.entry_price.tolist() == [20_000]
    assert book.last_trading_close.tolist() == BOOK.last_trading_close[3:].tolist()
    for name in ("high_water", "previous_mid", "hits", "vix", "delta", "underlying_price"):
        np.testing.assert_array_equal(getattr(book, name), KINDS[name].nothing(1), name)


def test_rows_come_at_the_ends_of_their_paths():
    paths, rows = lengthen(
        PATHS, later(["10:30", "10:35", "10:31"], [1, 1, 3]), np.array([0, 0, 1])
    )
    assert paths.starts.tolist() == [0, 4]
    assert rows.tolist() == [0, 1, 4, 5]
    assert paths.book.decided_at.tolist() == [
        micros(time)
        for time in ("10:00", "10:01", "10:30", "10:35", "10:02", "10:03", "10:31")
    ]  # fmt: skip
    (exits,) = follow_policies(paths, [parse_policy()])
    assert exits.row.tolist() == [2, 6]


def test_nothing_is_told_on_later_rows():
    told = Told.of_names(
        np.array([0, 0, 0, 1]), np.array([b"", b"", b"", b"STOP_LOSS"]), np.zeros(4, np.int8),
        np.array([-1, -1, -1, 2], np.int8),
    )  # fmt: skip
    paths, rows = lengthen(PATHS, later(["10:30", "10:31"], [1, 3]), np.array([0, 1]))
    policies = [parse_policy()]
    longer = tell_nothing(told, rows, own_grades(paths.book, policies))
    exits = recorded_exits(paths, longer)
    assert exits.row.tolist() == [4]
    assert [exits.reasons[one] for one in exits.reason.tolist()] == ["STOP_LOSS"]
    # What is left of the first path is worth what its last row says, which nothing recorded.
    assert exits.worth.tolist() == [2, 5]


def test_all_told_to_leave_needs_a_word_for_nothing():
    told = Told.of_names(np.ones(4, np.int64), np.full(4, b"STOP_LOSS"), np.zeros(4, np.int8),
                         np.full(4, 2, np.int8))  # fmt: skip
    longer = tell_nothing(told, np.arange(4), np.zeros(5, np.int8))
    assert longer.reasons[longer.reason[4]] == ""
    assert longer.closes[4] == 0


@pytest.mark.parametrize("cut", [1, 3])
def test_a_path_cut_short_and_made_longer_again_is_followed_alike(cut):
    paths = random_paths(40, seed=9)
    lengths = paths.ends - paths.starts
    whole = paths.path_of(np.arange(len(paths.book)))
    is_early = np.arange(len(paths.book)) < (paths.ends - np.where(lengths > cut, cut, 0))[whole]
    short = Paths.of(paths.book.take(is_early), whole[is_early])
    again, rows = lengthen(short, paths.book.take(~is_early), whole[~is_early])
    assert again.starts.tolist() == paths.starts.tolist()
    assert rows.tolist() == np.flatnonzero(is_early).tolist()
    one, other = (follow_policies(each, [parse_policy()])[0] for each in (again, paths))
    assert one.row.tolist() == other.row.tolist()
    assert one.quantity.tolist() == other.quantity.tolist()


def test_each_row_is_graded_by_its_own_policy():
    book = a_book({}, {"policy": 1})
    strict = parse_policy("quotes.age_seconds_max=0.4, quotes.usable_age_seconds_max=0.5")
    grades = own_grades(book, [parse_policy(), strict])
    assert grades.tolist() == [QuoteGrade.GOOD, QuoteGrade.BAD]
