"""Recorded decisions beside what is made of their inputs now."""

from dataclasses import replace

import numpy as np

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.engine.explain import Explanation
from exit_pipeline.core.model.recorded import RecordedDecisions, RecordedPolicy, RecordedRun
from exit_pipeline.core.replay.audit import REASONING, audit
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline.policies import parse_policy
from exit_pipeline_tests.builders import a_book

TEXTS = ("default", "stop_loss.percent=20")


def recorded(*rows, texts=TEXTS, versions=("v1",), with_reasoning=False):
    """What a tick would have recorded of these rows."""
    book, policies = a_book(*rows), [parse_policy(text) for text in texts]
    decisions = decide(book, policies)
    explanation = Explanation(book, policies, decisions)
    said = [tuple(explanation.sentences(row)) for row in range(len(book))]
    return RecordedDecisions(
        book=book,
        outcome=made_outcome(decisions, policies, book.policy),
        ids=np.array([f"d{row}".encode() for row in range(len(book))]),
        positions=np.array([f"p{row}".encode() for row in range(len(book))]),
        run=np.arange(len(book), dtype=np.int32) % len(versions),
        runs=[
            RecordedRun(
                id=f"r{number}", environment="paper", account="desk", mode="live", dry_run=False,
                code_version=version,
            )
            for number, version in enumerate(versions)
        ],
        policies=[RecordedPolicy(hash=p.hash, text=p.canonical_json()) for p in policies],
        reasoning=said if with_reasoning else None,
    )  # fmt: skip


def test_what_was_recorded_honestly_is_the_same():
    found = audit(recorded({"mark": "1.50"}, {"mark": "3.20", "quantity": 4}, {"policy": 1}), "v1")
    assert (len(found), found.same.tolist()) == (3, [True] * 3)
    assert (found.differing, found.ahead, found.left_out) == ({}, {}, {})


def test_a_row_that_was_recorded_otherwise_tells_each_cell_with_both_values():
    honest = recorded({"mark": "2.00"}, {"mark": "1.20"}, {"mark": "2.00"})
    lied = replace(honest.outcome, exit_reason=np.array([b"", b"EXPIRY", b""]))
    found = audit(replace(honest, outcome=lied), "v1")
    assert found.same.tolist() == [True, False, True]
    assert found.cells(1) == {"exit_reason": ("EXPIRY", "STOP_LOSS")}
    assert found.cells(0) == {}


def test_each_row_is_decided_by_its_own_policy():
    found = audit(recorded({"mark": "1.55"}, {"mark": "1.55", "policy": 1}), "v1")
    assert [found.made.stored("exit_reason", row) for row in range(2)] == [None, "STOP_LOSS"]
    assert found.same.all()


def test_a_policy_that_can_t_be_read_leaves_its_rows_out_and_no_others():
    whole = recorded({}, {"policy": 1}, {"policy": 1}, {})
    lost = RecordedPolicy(hash="x", text=whole.policies[0].text.replace("force_close", "mood"))
    found = audit(replace(whole, policies=[lost, whole.policies[1]], left_out={"why": 3}), "v1")
    assert found.left_out == {
        "why": 3,
        "a stored policy has the rule 'mood', which this version does not know": 2,
    }
    assert found.recorded.ids.tolist() == [b"d1", b"d2"]
    assert found.same.tolist() == [True, True]


def test_where_no_policy_can_be_read_nothing_is_made_again():
    whole = recorded({}, texts=("default",))
    found = audit(replace(whole, policies=[RecordedPolicy(hash="x", text="calm")]), "v1")
    assert len(found) == 0
    assert found.left_out.total() == 1


def test_the_reasoning_is_compared_where_the_same_version_decided_and_nowhere_else():
    honest = recorded({}, {}, versions=("v1", "v2"), with_reasoning=True)
    assert audit(honest, "v1").differing == {}
    lied = replace(honest, reasoning=[("It rained.",), ("It rained.",)])
    found = audit(lied, "v2")
    assert found.same.tolist() == [True, False]
    ((said, now),) = found.cells(1).values()
    assert said == "It rained."
    assert now == " ".join(honest.reasoning[1])
    assert list(found.differing) == [REASONING]


def test_a_look_ahead_is_told_beside_what_differs():
    found = audit(recorded({"gex_at": "10:01"}, {}), "v1")
    assert found.is_ahead.tolist() == [True, False]
    assert list(found.ahead) == ["gex_at"]
    assert found.same.all()
