"""The outcome as it is kept, and that it comes of what is kept."""

from hypothesis import given, settings
from hypothesis import strategies as st

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.stored_outcome import stored_outcome
from exit_pipeline.core.engine.stored_policy import policy_from_json
from exit_pipeline.core.model.kept_decision import OUTCOMES
from exit_pipeline.core.model.stored_book import book_of_stored, stored_columns
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book, book_of
from exit_pipeline_tests.core.engine.rows import rows
from exit_pipeline_tests.core.engine.test_decide_properties import POLICIES


def outcome(book, policy):
    return stored_outcome(decide(book, [policy]), [policy], book.policy.tolist())


def test_an_exit_and_a_hold_are_kept_in_words():
    kept = outcome(a_book({"mark": "3.20", "quantity": 10}, {"mark": "2.00"}), parse_policy())
    assert tuple(kept) == OUTCOMES
    said = ("decision", "exit_reason", "exit_action", "exit_quantity", "urgency")
    assert [kept[name] for name in said] == [
        ["EXIT", "HOLD"], ["PROFIT_TARGET", None], ["PARTIAL", None], [5, None], ["NORMAL", None],
    ]  # fmt: skip


def test_rows_under_several_policies_have_the_reasons_of_their_own():
    policies = [parse_policy("time_exit=off, gex_flip=off"), parse_policy("force_close=off")]
    book = a_book({"mark": "1.00"}, {"mark": "1.00", "policy": 1})
    kept = stored_outcome(decide(book, policies), policies, [0, 1])
    assert kept["exit_reason"] == ["STOP_LOSS", "STOP_LOSS"]


@settings(max_examples=60)
@given(st.lists(rows(), min_size=1, max_size=10), st.sampled_from(POLICIES))
def test_what_is_kept_is_decided_alike_again(table, text):
    policy, book = parse_policy(text), book_of(table)
    again = policy_from_json(policy.canonical_json())
    assert outcome(book_of_stored(stored_columns(book)), again) == outcome(book, policy)
