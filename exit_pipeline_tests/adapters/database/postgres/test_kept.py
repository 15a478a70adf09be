"""Whatever a book holds comes back from the database to the last bit, and is decided alike."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exit_pipeline.adapters.database.postgres.kept import INPUTS
from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.record import DecisionRows
from exit_pipeline.core.model.stored_book import book_of_stored, stored_columns
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.adapters.database.postgres.examples import CALL, NOON, start
from exit_pipeline_tests.builders import book_of
from exit_pipeline_tests.core.engine.naive_optional import OPTIONAL
from exit_pipeline_tests.core.engine.rows import rows
from exit_pipeline_tests.core.model.test_stored_book import HITS, assert_same_book

EVERY_RULE = parse_policy(", ".join(f"{name}=on" for name in OPTIONAL))
BOOKS = st.lists(st.tuples(rows(), HITS), min_size=1, max_size=20)


def decision_rows(run_id, ids, book, outcome):
    columns = stored_columns(book) | outcome
    columns |= {name: [value] * len(book) for name, value in {
        "run_id": run_id, "dry_run": False, "option_symbol": CALL, "decision_type": "HOLD",
        "policy_hash": EVERY_RULE.hash,
    }.items()}  # fmt: skip
    return DecisionRows(columns=columns | {"id": ids, "position_id": ids})


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=BOOKS)
def test_a_book_that_went_through_the_database_is_the_same_book(database, sql, tamper, table):
    tamper("DELETE FROM refactored_decisions")
    database.decisions.keep_policies({EVERY_RULE.hash: EVERY_RULE.canonical_json()})
    (run_id,) = start(database)
    book = book_of([row | {"hits": hits} for row, hits in table])
    outcome = stored_outcome(decide(book, [EVERY_RULE]), [EVERY_RULE], book.policy.tolist())
    ids = [f"p{number:02}" for number in range(len(book))]
    database.decisions.record(decision_rows(run_id, ids, book, outcome))

    kept = sql("SELECT * FROM refactored_decisions ORDER BY id")
    again = book_of_stored({name: [row[name] for row in kept] for name in INPUTS})
    assert_same_book(again, book)

    one = database.decisions.newest(ids[-1], None)
    policy = policy_from_json(one.policy)
    assert policy.hash == one.policy_hash
    made = stored_outcome(decide(again, [policy]), [policy], [0] * len(again))
    assert made == {name: [row[name] for row in kept] for name in outcome}
    assert one.outcome == {name: column[-1] for name, column in outcome.items()}
    np.testing.assert_array_equal(book_of_stored({n: [v] for n, v in one.inputs.items()}).bid,
                                  book.bid[-1:])  # fmt: skip


def test_no_decision_is_none(database):
    assert database.decisions.newest("p1", None) is None
    assert database.decisions.newest("p1", NOON) is None
    assert database.shadow_decisions.newest("p1", "tight", NOON) is None
