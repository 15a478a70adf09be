"""Recorded decisions in bulk: the same book to the last bit, in parts, and replaced day by day."""

from datetime import timedelta

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.recorded import RecordedRange
from exit_pipeline.core.model.stored_book import NAMES, book_of_stored
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline_tests.core.model.test_stored_book import assert_same_book
from exit_pipeline_tests.recorded import (
    MONDAY,
    POLICIES,
    a_recorded_book,
    at_ticks,
    policies_of,
    record,
)

DAY = RecordedRange(start=MONDAY - timedelta(hours=9), end=MONDAY + timedelta(hours=15))


def read(database, asked=DAY, chunk=1000, **other):
    return list(database.replays.recorded(asked, chunk, **other))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_in_bulk_is_the_same_book_to_the_last_bit(database, sql, seed):
    book = at_ticks(a_recorded_book(200, seed, len(POLICIES)), [MONDAY])
    ids = record(database, book, POLICIES)
    (part,) = read(database)
    rows = {row["id"]: row for row in sql("SELECT * FROM refactored_decisions")}
    order = [one.decode() for one in part.ids.tolist()]
    assert order == sorted(ids)
    kept = [rows[one] for one in order]
    stored = book_of_stored({name: [row[name] for row in kept] for name in NAMES.values()})
    assert_same_book(part.book, stored)
    assert_same_book(part.book, book.take(np.array([ids.index(one) for one in order])))
    assert [part.policies[index].hash for index in part.book.policy.tolist()] == [
        row["policy_hash"] for row in kept
    ]
    assert [one.decode() for one in part.positions.tolist()] == [row["position_id"] for row in kept]
    made = made_outcome(
        decide(part.book, policies := policies_of([POLICIES[0]] * 0 or POLICIES)),
        policies,
        part.book.policy,
    )
    for name in made.__slots__:
        told = [part.outcome.stored(name, row) for row in range(len(part))]
        assert told == [row[name] for row in kept], name
