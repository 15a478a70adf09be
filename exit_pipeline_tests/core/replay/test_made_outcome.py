"""The outcome that is compared is the one that would be stored."""

from dataclasses import fields

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.model.outcome_columns import OutcomeColumns
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import book_of
from exit_pipeline_tests.core.engine.rows import rows
from exit_pipeline_tests.recorded import POLICIES

PARSED = [parse_policy(text) for text in POLICIES]


@given(st.lists(st.tuples(rows(), st.integers(0, len(POLICIES) - 1)), min_size=1, max_size=8))
def test_what_is_compared_is_what_would_be_stored(table):
    book = book_of([row | {"policy": policy} for row, policy in table])
    decisions = decide(book, PARSED)
    made = made_outcome(decisions, PARSED, book.policy)
    stored = stored_outcome(decisions, PARSED, book.policy.tolist())
    assert stored.keys() == {column.name for column in fields(OutcomeColumns)}
    for name, column in stored.items():
        assert [made.stored(name, row) for row in range(len(book))] == column, name


def test_no_decisions_have_no_outcome():
    nothing = decide(book_of([]), PARSED)
    assert len(made_outcome(nothing, PARSED, np.zeros(0, np.int16))) == 0
