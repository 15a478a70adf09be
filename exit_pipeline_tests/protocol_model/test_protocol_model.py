"""The rules chosen for the order protocol are safe, and those that were rejected are not."""

from dataclasses import fields, replace

import pytest

from exit_pipeline_tests.protocol_model.broker_moves import broker_moves
from exit_pipeline_tests.protocol_model.model import Violation, initial, moves
from exit_pipeline_tests.protocol_model.rules import Freezes, GivesUp, Proof, Rules, Variant, World
from exit_pipeline_tests.protocol_model.search import search
from exit_pipeline_tests.protocol_model.state import canonical
from exit_pipeline_tests.protocol_model.table import (
    CHOSEN,
    DOUBLE,
    HARSH,
    NOT_PREVENTED,
    ORPHAN,
    PROVING,
    REJECTED,
    REPEATING,
    SUFFICIENT,
)
from exit_pipeline_tests.protocol_model.worker_moves import worker_moves


def by_title(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.title)


def steps_that_test(case):
    """Parts of the sentences of steps without which a safe row would show little."""
    rules, world = case.rules, case.world
    gives_up = rules.gives_up is GivesUp.AFTER_QUARANTINE
    return [
        text
        for text, is_due in {
            "it is placed, the answer is lost": True,
            "the POST is lost": True,
            f"books {{order}}: ended, {world.contracts} filled": True,
            "crashes and is started again": world.crashes,
            "loses its database session": world.session_losses,
            "the late POST of {order} arrives": world.delays,
            "begins to show": world.hides,
            "books that {order} is refused": world.refuses,
            "the broker reports the fills": world.reports_late,
            "expires at the broker": world.expires,
            "carries out the cancel": world.cancels,
            "the database refuses the intent": world.workers > 1,
            "may not send {order} any more": world.workers > 1,
            "again": rules.sends_again,
            "gives {order} up as never placed": gives_up,
            "is too late to send": gives_up and rules.keeps_deadline and world.freezes,
            "its quarantine begins": gives_up and rules.proof is Proof.LOCK_BEFORE_QUARANTINE,
        }.items()
        if is_due
    ]


@by_title([*CHOSEN, *SUFFICIENT])
def test_a_safe_protocol_breaks_nothing_in_any_history(case):
    answer = case.answer()
    assert answer.is_safe, f"{case.title}: {answer}"
    assert answer.ends > 0
    met = " / ".join(answer.happened)
    assert [text for text in steps_that_test(case) if text not in met] == []


@by_title([*REJECTED, *NOT_PREVENTED])
def test_an_unsafe_protocol_breaks_exactly_what_it_is_said_to(case):
    answer = case.answer()
    assert case.is_borne_out(answer), f"{case.title}: {answer}"


@by_title(REJECTED)
def test_the_world_that_breaks_a_rejected_protocol_does_not_break_the_chosen_one(case):
    chosen = [PROVING, REPEATING] if case.world.is_idempotent else [PROVING]
    for rules in chosen:
        answer = search(Variant(rules, case.world))
        assert answer.is_safe, f"{case.title}: {answer}"


@pytest.mark.parametrize("rule", [field.name for field in fields(Rules)])
def test_every_rule_has_a_row_that_shows_what_happens_without_it(rule):
    default = getattr(Rules(), rule)
    assert [case for case in REJECTED if getattr(case.rules, rule) != default] != []


def test_every_violation_has_a_row_that_finds_it():
    assert {violation for case in REJECTED for violation in case.breaks} == set(Violation)


def test_a_history_is_the_shortest_and_is_told_in_numbered_steps():
    answer = search(Variant(Rules(records_first=False), World(crashes=0)), (ORPHAN, DOUBLE))
    assert str(answer).splitlines() == [
        "orphan order in 3 steps",
        "   1. worker A finds no live exit, and 2 to close",
        "   2. worker A makes up order 1 without recording it",
        "   3. worker A sends order 1; it is placed, the answer is lost",
        "double exit in 6 steps",
        "   1. worker A finds no live exit, and 2 to close",
        "   2. worker A makes up order 1 without recording it",
        "   3. worker A sends order 1; it is placed, the answer is lost",
        "   4. worker A finds no live exit, and 2 to close",
        "   5. worker A makes up order 2 without recording it",
        "   6. worker A sends order 2; it is placed, the answer is lost",
    ]


def test_a_history_names_its_workers_the_same_all_along():
    rules = Rules(proof=Proof.NONE, keeps_deadline=False)
    world = World(workers=2, crashes=0, freezes=Freezes.BEFORE_CHECK)
    (trace,) = search(Variant(rules, world), (DOUBLE,)).traces.values()
    assert trace == [
        "worker A finds no live exit, and 2 to close",
        "worker A commits the intent of order 1",
        "worker A commits that it sends order 1",
        "the quarantine of order 1 passes",
        "worker B does not find order 1 at the broker",
        "worker B gives order 1 up as never placed",
        "worker B finds no live exit, and 2 to close",
        "worker B commits the intent of order 2",
        "worker B commits that it sends order 2",
        "worker A sends order 1; it is placed, the answer is lost",
        "worker B sends order 2; it is placed, the answer is lost",
    ]


@pytest.mark.parametrize(
    ("rules", "world"),
    [
        (PROVING, replace(HARSH, expires=False, cancels=False)),
        (PROVING, replace(HARSH, delays=False, hides=False, refuses=False, contracts=1)),
        (REPEATING, World(workers=2, crashes=0, is_idempotent=True)),
        (Rules(has_fence=False), World(workers=2, reports_late=True)),
    ],
    ids=["proving", "replacing", "repeating", "broken"],
)
def test_states_that_are_taken_as_one_behave_alike(rules, world):
    variant = Variant(rules, world)
    all_states = reached(variant, every_move, lambda state: state)
    assert {canonical(state) for state in all_states} == reached(variant, moves, canonical)
    assert len(all_states) > 1.5 * len({canonical(state) for state in all_states})


def every_move(variant, state):
    yield from broker_moves(variant, state)
    for who in range(len(state.workers)):
        yield from worker_moves(variant, state, who)


def reached(variant, follow, stand_for):
    seen = {stand_for(initial(variant))}
    frontier = list(seen)
    while frontier:
        state = frontier.pop()
        for move in follow(variant, state):
            following = stand_for(move.to)
            if following not in seen:
                seen.add(following)
                frontier.append(following)
    return seen
