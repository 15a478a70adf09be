"""How far the attempts of an exit reach."""

import pytest

from exit_pipeline.core.engine.ladders import Ladder, OnTimeout, price_level, usual_reach
from exit_pipeline.core.engine.price_orders import PriceLimits
from exit_pipeline.core.model.decision import Urgency
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import parse_policy

PATIENT, NORMAL, FAST, EMERGENCY = Urgency
USUAL_HASH_TEXT = '"prices":{"collar_percent":10.0,"collar_ticks":2}'


@pytest.mark.parametrize(
    ("urgency", "levels"),
    [
        pytest.param(PATIENT, [0, 1, 1, 1, 1], id="patient, never beyond the far side"),
        pytest.param(NORMAL, [1, 2, 3, 4, 5], id="normal"),
        pytest.param(FAST, [2, 3, 4, 5, 6], id="fast"),
        pytest.param(EMERGENCY, [3, 4, 5, 6, 7], id="emergency"),
    ],
)
def test_each_repricing_leans_one_level_more(urgency, levels):
    assert [price_level(urgency, step) for step in range(5)] == levels


@pytest.mark.parametrize(
    ("level", "at", "worst"),
    [(0, 50, 200), (1, 100, 200), (2, 150, 200), (3, 200, 200), (4, 350, 350), (5, 600, 600),
     (9, 600, 600)],
)  # fmt: skip
def test_usual_levels_reach_from_half_way_to_five_collars(level, at, worst):
    reach = usual_reach(level)
    assert (reach.at, reach.worst) == (at, worst)


@pytest.mark.parametrize(("step", "at"), [(0, 50), (1, 100), (2, 150), (3, 200), (4, 200)])
def test_a_ladder_goes_in_equal_steps_and_stays_at_its_end(step, at):
    ladder = Ladder(start_percent=50, worst_percent=200, steps=3)
    assert (ladder.reach(step).at, ladder.reach(step).worst) == (at, 200)


def test_an_urgency_without_a_ladder_goes_by_the_usual_levels():
    prices = PriceLimits(normal=Ladder(start_percent=10, worst_percent=90, steps=2))
    assert [prices.reach(NORMAL, step).at for step in range(4)] == [10, 50, 90, 90]
    assert [prices.reach(FAST, step).at for step in range(4)] == [150, 200, 350, 600]


def test_a_ladder_is_written_in_a_policy_and_reads_back():
    policy = parse_policy("prices.normal=start:20|steps:3|timeout:next, prices.budget_seconds=30")
    assert policy.prices.normal == Ladder(start_percent=20, steps=3, on_timeout=OnTimeout.NEXT)
    assert "prices.normal=start:20|worst:100|steps:3|seconds:10|timeout:next" in policy.name
    assert parse_policy(policy.name) == policy


def test_a_ladder_is_taken_away_again():
    assert parse_policy("prices.fast=start:50, prices.fast=none") == parse_policy()


def test_policies_without_a_ladder_keep_the_hashes_that_they_had_before_there_were_any():
    assert USUAL_HASH_TEXT in parse_policy().canonical_json()
    assert "urgencies" not in parse_policy().canonical_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("prices.normal=50", "prices.normal = '50' is not usable: expected none, or",
                     id="a number"),
        pytest.param("prices.normal=start:50|end:90", "each once of start, worst", id="name"),
        pytest.param("prices.normal=start:5|start:6", "each once of start", id="said twice"),
        pytest.param("prices.normal=start:700", "prices.normal.start_percent = '700'", id="range"),
        pytest.param("prices.normal=steps:0", "prices.normal.steps = '0'", id="no steps"),
        pytest.param("prices.normal=seconds:0", "greater than or equal to 1", id="no seconds"),
        pytest.param("prices.normal=start:150", "a worst of at least the start, 150", id="order"),
        pytest.param("prices.normal=timeout:never", "'leave', 'cancel' or 'next'", id="time-out"),
        pytest.param("prices.patient=worst:150", "a patient ladder of at most worst:100",
                     id="a patient exit beyond the far side"),
        pytest.param("prices.budget_seconds=60", "prices.budget_seconds = '60'", id="budget"),
    ],
)  # fmt: skip
def test_what_is_no_ladder_is_refused_in_one_sentence(text, said):
    with pytest.raises(InputError) as caught:
        parse_policy(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
