"""Outcomes as columns: what differs, and each value as the database keeps it."""

from dataclasses import fields
from decimal import Decimal

import numpy as np
import pytest

from exit_pipeline.core.model.outcome_columns import FOREIGN, NOT_STORED, OutcomeColumns
from exit_pipeline.core.model.price import UNKNOWN


def an_outcome(**columns):
    """A HOLD without a mark, and a partial exit."""
    values = {
        "mark": np.array([UNKNOWN, 12_500]),
        "pnl_percent": np.array([np.nan, 60.0]),
        "quote_flags": np.array([1, 0], np.int32),
        "quote_grade": np.array([2, 0], np.int8),
        "decision": np.array([0, 1], np.int8),
        "exit_reason": np.array([b"", b"PROFIT_TARGET"]),
        "exit_action": np.array([0, 1], np.int8),
        "exit_quantity": np.array([0, 5], np.int32),
        "urgency": np.array([NOT_STORED, 2], np.int8),
        "fired_mask": np.array([0, 4]),
        "evaluable_mask": np.array([0, 7]),
        "gex_latched_after": np.array([0, 1], np.int8),
        "rule_hits_after": np.zeros((2, 32), np.uint8),
    }
    return OutcomeColumns(**values | columns)


def stored(outcome, row):
    return {column.name: outcome.stored(column.name, row) for column in fields(OutcomeColumns)}


def test_each_value_is_told_as_the_database_keeps_it():
    assert stored(an_outcome(), 0) == {
        "mark": None, "pnl_percent": None, "quote_flags": 1, "quote_grade": "BAD",
        "decision": "HOLD", "exit_reason": None, "exit_action": None, "exit_quantity": None,
        "urgency": None, "fired_mask": 0, "evaluable_mask": 0, "gex_latched_after": False,
        "rule_hits_after": None,
    }  # fmt: skip
    assert stored(an_outcome(), 1) == {
        "mark": Decimal("1.2500"), "pnl_percent": 60.0, "quote_flags": 0, "quote_grade": "GOOD",
        "decision": "EXIT", "exit_reason": "PROFIT_TARGET", "exit_action": "PARTIAL",
        "exit_quantity": 5, "urgency": "FAST", "fired_mask": 4, "evaluable_mask": 7,
        "gex_latched_after": True, "rule_hits_after": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "code", "said"),
    [
        ("quote_grade", NOT_STORED, None),
        ("decision", FOREIGN, "a word that this version does not know"),
        ("fired_mask", NOT_STORED, None),
        ("quote_flags", NOT_STORED, None),
        ("gex_latched_after", NOT_STORED, None),
    ],
)
def test_what_is_not_stored_or_not_known_is_never_told_as_a_value(column, code, said):
    changed = np.full_like(getattr(an_outcome(), column), code)
    assert an_outcome(**{column: changed}).stored(column, 0) == said


def test_an_outcome_does_not_differ_from_itself():
    assert an_outcome().differing(an_outcome()) == {}


@pytest.mark.parametrize("column", [column.name for column in fields(OutcomeColumns)])
def test_a_change_of_one_cell_is_found_in_its_column_and_row(column):
    changed = getattr(an_outcome(), column).copy()
    changed[1] = b"X" if changed.dtype.kind == "S" else changed[1] + 1
    found = an_outcome().differing(an_outcome(**{column: changed}))
    assert {name: where.tolist() for name, where in found.items()} == {column: [False, True]}


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (np.nan, np.nan, True),
        (60.0, np.nextafter(60.0, 61), False),
        (0.0, -0.0, False),
        (np.nan, 0.0, False),
    ],
    ids=["both unknown", "one bit", "a negative zero", "unknown and zero"],
)
def test_a_percentage_is_compared_to_the_last_bit(one, other, is_same):
    first, second = (an_outcome(pnl_percent=np.array([value, 1.0])) for value in (one, other))
    assert (first.differing(second) == {}) is is_same
