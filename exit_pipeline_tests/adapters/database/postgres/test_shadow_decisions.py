"""Decisions of shadow policies: once per run, position and name, and what is remembered of them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from exit_pipeline.core.model.record import RunStatus, RunSummary
from exit_pipeline.core.model.shadow import ShadowDecision, ShadowMemory
from exit_pipeline_tests.adapters.database.postgres.examples import NOON, start

LATER = NOON + timedelta(minutes=5)


@pytest.fixture
def worked(database):
    """Opens a tick and finishes it, or leaves it open; gives its run."""
    database.decisions.keep_policies({"abc": "{}"})

    def work(at=NOON, *, is_finished=True, **other):
        holder = f"run-{at}-{other}"
        (run_id,) = start(database, holder, at, **other)
        if is_finished:
            summary = RunSummary(run_id=run_id, status=RunStatus.SUCCEEDED)
            database.runs.close(holder, [summary])
        return run_id

    return work


def made(run_id, position_id="p1", **other):
    values = {
        "name": "tight",
        "decided_at": NOON,
        "dry_run": False,
        "policy_hash": "abc",
        "rule_hits": None,
        "gex_latched": False,
        "decision": "EXIT",
        "exit_reason": "STOP_LOSS",
        "exit_action": "FULL",
        "exit_quantity": 2,
        "urgency": "FAST",
        "fired_mask": 1 << 31,
        "evaluable_mask": 3,
        "gex_latched_after": True,
        "rule_hits_after": [0, 2],
    }
    return ShadowDecision(run_id=run_id, position_id=position_id, **values | other)


def test_a_decision_is_read_back_as_it_was_recorded(database, worked):
    one = made(worked())
    assert database.shadow_decisions.record([one]) == 1
    assert database.shadow_decisions.of_runs([one.run_id]) == [one]


def test_a_decision_that_its_run_already_has_is_left_as_it_is(database, worked):
    one = made(worked())
    store = database.shadow_decisions
    store.record([one])
    other = made(one.run_id, name="loose")
    assert store.record([replace(one, exit_quantity=1), other]) == 1
    assert store.of_runs([one.run_id]) == [other, one]


def test_a_thousand_decisions_are_one_statement_and_none_is_none(database, worked, statements):
    run_id = worked()
    statements.clear()
    database.shadow_decisions.record([made(run_id, f"p{number}") for number in range(1000)])
    assert len(statements) == 1
    assert database.shadow_decisions.record([]) == 0
    assert len(statements) == 1


def test_what_is_remembered_is_the_newest_of_each_position_and_name(database, worked, statements):
    store = database.shadow_decisions
    first, second = worked(), worked(LATER)
    store.record([
        made(first), made(first, "p2"), made(first, name="loose", rule_hits_after=[7]),
        made(second, decided_at=LATER, rule_hits_after=[3], gex_latched_after=False),
    ])  # fmt: skip
    statements.clear()
    found = store.memories(["p1", "p2", "p3"], ["tight", "loose"], LATER + timedelta(minutes=5))
    assert len(statements) == 1
    told = {key: (memory.decided_at, memory.rule_hits) for key, memory in found.items()}
    assert told == {
        ("p1", "tight"): (LATER, [3]),
        ("p1", "loose"): (NOON, [7]),
        ("p2", "tight"): (NOON, [0, 2]),
    }
    assert found["p2", "tight"] == ShadowMemory(
        decided_at=NOON, policy_hash="abc", rule_hits=[0, 2], gex_latched=True
    )


@pytest.mark.parametrize(
    ("run", "decision"),
    [
        ({}, {"decided_at": LATER}),
        ({"dry_run": True, "request_id": "dry"}, {"dry_run": True}),
        ({"is_finished": False}, {}),
    ],
    ids=["the tick's own", "a dry run", "a run that was not finished"],
)
def test_nothing_is_remembered_of_what_leaves_nothing_on_a_position(
    database, worked, run, decision
):
    database.shadow_decisions.record([made(worked(**run), **decision)])
    assert database.shadow_decisions.memories(["p1"], ["tight"], LATER) == {}


def test_an_exit_without_a_quantity_is_refused_by_the_table(database, worked):
    with pytest.raises(Exception, match="shadow_decisions_exit_check"):
        database.shadow_decisions.record([made(worked(), exit_quantity=None)])
