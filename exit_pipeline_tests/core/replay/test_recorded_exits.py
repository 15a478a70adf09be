"""What was decided again and again at ticks counts once."""

from dataclasses import fields, replace

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.book import Book
from exit_pipeline.core.model.decision import NO_RULE, Decisions, Outcome, Urgency
from exit_pipeline.core.model.quote import QuoteGrade
from exit_pipeline.core.replay.follow_policy import follow_policies
from exit_pipeline.core.replay.paths import Paths
from exit_pipeline.core.replay.recorded_exits import Told, recorded_exits
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book
from exit_pipeline_tests.core.replay.naive import follow_path
from exit_pipeline_tests.core.replay.random_paths import random_paths

POLICY = parse_policy()
TARGET, STOP = "PROFIT_TARGET", "STOP_LOSS"


def recorded(*rows, guards=(), quantity=10, **columns):
    """The exits of one path: of each row what is held, its grade, what it closes, and why."""
    table, decisions = [], Decisions.empty(len(rows), 32)
    for index, (held, grade, closes, reason) in enumerate(rows):
        table.append({"open_quantity": held, "quantity": quantity})
        decisions.grade[index] = grade
        decisions.quantity[index] = closes
        if closes:
            decisions.outcome[index] = Outcome.FULL if closes == held else Outcome.PARTIAL
            decisions.rule[index] = POLICY.reasons.index(reason) if reason else NO_RULE
            decisions.urgency[index] = Urgency.NORMAL
    paths = Paths.of(a_book(*table, **columns), np.zeros(len(rows)))
    told = Told.of_decisions(decisions, [POLICY], np.zeros(len(rows)))
    exits = recorded_exits(paths, told, guards)
    assert exits.held.tolist() == [rows[0][0]]
    named = [exits.reasons[reason] for reason in exits.reason.tolist()]
    return [*zip(exits.row.tolist(), exits.quantity.tolist(), named, strict=True)]


def hold(held):
    return held, QuoteGrade.GOOD, 0, None


def leave(held, closes, reason=TARGET, grade=QuoteGrade.GOOD):
    return held, grade, closes, reason


BAD = QuoteGrade.BAD


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        ([hold(10), leave(10, 5), hold(5)], [(1, 5, TARGET)]),
        # The order works: the same 5 are asked for again, and do not count again.
        ([leave(10, 5), leave(10, 5), leave(10, 5), hold(5)], [(0, 5, TARGET)]),
        # 2 of 5 fill, the other 3 are still due, and then all that is left.
        ([leave(10, 5), leave(8, 3), leave(5, 5, STOP)], [(0, 5, TARGET), (2, 5, STOP)]),
        # While the 5 work, everything becomes due.
        ([leave(10, 5), leave(10, 10, STOP)], [(0, 5, TARGET), (1, 5, STOP)]),
        # An exit that nothing filled is no longer due: it had been decided all the same.
        ([leave(10, 5), hold(10), hold(10)], [(0, 5, TARGET)]),
        # Some were gone before the first row.
        ([hold(6), leave(6, 6, STOP)], [(1, 6, STOP)]),
        # Without a price nothing is sent; what is due is decided again at the next row.
        ([leave(10, 10, STOP, BAD), leave(10, 10, STOP)], [(1, 10, STOP)]),
        ([leave(10, 5, TARGET, BAD), leave(10, 10, STOP)], [(1, 10, STOP)]),
        ([leave(10, 10, STOP, BAD), hold(10)], []),
        ([leave(10, 10, STOP, BAD)], []),
        ([hold(10)], []),
        # A reason that its policy has not.
        ([leave(10, 10, None)], [(0, 10, "")]),
    ],
    ids=[
        "once", "again while it works", "partly filled", "more while it works", "never filled",
        "partly gone before", "priced a tick later", "more a tick later", "no longer due",
        "never priced", "never due", "unknown reason",
    ],
)  # fmt: skip
def test_an_exit_counts_once(rows, wanted):
    assert recorded(*rows) == wanted


def test_a_worthless_long_that_was_told_to_leave_never_does():
    assert recorded(leave(10, 10, STOP), bid="0.00", ask="0.05") == []


def test_an_exit_that_the_guard_delays_goes_where_it_is_due_at_a_narrow_spread():
    wide = {"bid": np.array([15_000, 15_000, 19_900]), "ask": np.array([25_000, 25_000, 20_100])}
    decisions = Decisions.empty(3, 32)
    decisions.quantity[:] = 5
    decisions.rule[:] = POLICY.reasons.index(TARGET)
    paths = Paths.of(a_book(*[{"quantity": 10}] * 3), np.zeros(3))
    paths = replace(paths, book=replace(paths.book, **wide))
    told = Told.of_decisions(decisions, [POLICY], paths.book.policy)
    assert recorded_exits(paths, told).row.tolist() == [0]
    assert recorded_exits(paths, told, [20]).row.tolist() == [2]
    # What presses does not wait.
    told.urgency[:] = Urgency.FAST
    assert recorded_exits(paths, told, [20]).row.tolist() == [0]


def test_each_row_has_the_reasons_and_the_guard_of_its_own_policy():
    other = parse_policy("force_close=off, expiry=off")
    decisions = Decisions.empty(4, 32)
    decisions.quantity[:] = 1
    decisions.rule[:] = [0, 0, 1, 1]
    paths = Paths.of(a_book({}, {}, {}, {}), np.arange(4))
    book = replace(paths.book, policy=np.array([0, 1, 0, 1], np.int16))
    book.bid[:2] -= 5_000
    told = Told.of_decisions(decisions, [POLICY, other], book.policy)
    exits = recorded_exits(replace(paths, book=book), told, [None, 1])
    assert exits.row.tolist() == [0, 2, 3]
    assert [exits.reasons[one] for one in exits.reason] == ["FORCE_CLOSE", "EXPIRY", "STOP_LOSS"]


def test_stored_columns_tell_the_same_as_the_decisions_that_they_are_of():
    paths = random_paths(60, seed=4)
    policy = parse_policy("profit_target.percent=10, profit_target.further_rungs=20:25")
    paths = replace(paths, book=replace(paths.book, open_quantity=paths.book.quantity.copy()))
    decisions = decide(paths.book, [policy])
    names = np.array([*(reason.encode() for reason in policy.reasons), b""])[decisions.rule]
    made = Told.of_decisions(decisions, [policy], paths.book.policy)
    stored = Told.of_names(decisions.quantity, names, decisions.grade, decisions.urgency)
    one, other = recorded_exits(paths, made), recorded_exits(paths, stored)
    assert len(one) > 20
    for name in ("row", "quantity", "held", "worth"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert [one.reasons[at] for at in one.reason] == [other.reasons[at] for at in other.reason]


@pytest.mark.parametrize("grade", [-1, 99], ids=["none stored", "of a later version"])
def test_a_quote_of_a_grade_that_is_not_known_closes_nothing(grade):
    assert recorded(leave(10, 10, STOP, grade)) == []


@pytest.mark.parametrize(
    "text",
    ["", "profit_target.percent=10, profit_target.further_rungs=20:25|30:25, stop_loss.percent=40",
     "prices.guard_spread_percent=12.5, stop_loss.required_hits=2, profit_target.percent=5"],
    ids=["default", "a ladder", "a guard and counts"],
)  # fmt: skip
def test_a_record_followed_under_its_own_policy_has_the_exits_that_it_records(text):
    """What ticks did is recorded as they would; read, and followed, it is what they did."""
    policy, around = parse_policy(text), random_paths(120, seed=6)
    rows, path_of, wanted = [], [], []
    for path, (start, end) in enumerate(zip(around.starts, around.ends, strict=True)):
        before = len(rows)
        exits, _ = follow_path(around.book, start, end, policy, same_policy=True, record=rows)
        path_of += [path] * (len(rows) - before)
        wanted += [(before + row - start, quantity, reason) for row, quantity, reason in exits]
    book, decisions = (
        kind(
            **{
                name: np.concatenate([getattr(row[place], name) for row in rows])
                for name in (column.name for column in fields(kind))
            }
        )
        for place, kind in enumerate((Book, Decisions))
    )
    paths = Paths.of(book, np.array(path_of), [policy.hash])
    told = Told.of_decisions(decisions, [policy], book.policy)
    read = recorded_exits(paths, told, [policy.prices.guard_spread_percent])
    (followed,) = follow_policies(paths, [policy])
    for exits in (read, followed):
        found = zip(exits.row, exits.quantity, exits.reason, strict=True)
        assert [(row, quantity, exits.reasons[one]) for row, quantity, one in found] == wanted
    np.testing.assert_array_equal(read.held, followed.held)
    np.testing.assert_array_equal(read.worth, followed.worth)


def test_contracts_that_came_later_do_not_leave():
    """A position that had been added to left with more than it was taken up with.

    Its exits could then not be compared with those of another policy, which only knows of the
    contracts of the first row.
    """
    book = a_book(
        {"decided_at": "10:00", "quantity": 4},
        {"decided_at": "10:05", "quantity": 10},
        {"decided_at": "10:10", "quantity": 10},
    )
    told = Told.of_names(np.array([0, 0, 10]), np.array([b"", b"", b"STOP_LOSS"]),
                         np.zeros(3, np.int8), np.zeros(3, np.int8))  # fmt: skip
    exits = recorded_exits(Paths.of(book, np.zeros(3)), told)
    assert (exits.row.tolist(), exits.quantity.tolist(), exits.held.tolist()) == ([2], [4], [4])
