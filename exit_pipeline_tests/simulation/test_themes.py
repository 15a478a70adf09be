"""Days with a theme have its faults and no others, and every theme comes about."""

from collections import Counter

import pytest

from exit_pipeline_tests.simulation.faults import BY_NAME, OF_THEMES, ORDINARY
from exit_pipeline_tests.simulation.plan import make_plan
from exit_pipeline_tests.simulation.themes import THEMES, theme_of

SEEDS = range(1, 601)


def test_a_third_of_the_days_have_a_theme_and_each_theme_comes_about():
    found = Counter(map(theme_of, SEEDS))
    assert found.keys() == {"", *THEMES}
    assert 0.6 < found[""] / len(SEEDS) < 0.73


@pytest.mark.parametrize("theme", THEMES)
def test_a_day_with_a_theme_has_only_faults_of_it_that_its_broker_can_have(theme):
    plans = [make_plan(seed) for seed in SEEDS if theme_of(seed) == theme]
    for plan in plans:
        assert {one.kind.name for one in plan.faults} <= THEMES[theme].keys()
        assert all(plan.broker in one.kind.brokers for one in plan.faults)
    assert {one.kind.name for plan in plans for one in plan.faults} == THEMES[theme].keys()


def test_an_ordinary_day_has_no_fault_that_is_kept_for_themes():
    ordinary = frozenset(ORDINARY)
    for seed in SEEDS[:100]:
        assert {one.kind for one in make_plan(seed, theme="").faults} <= ordinary


def test_every_fault_that_is_kept_for_themes_is_one_of_a_theme():
    assert {kind.name for kind in OF_THEMES} <= {name for one in THEMES.values() for name in one}
    assert {name for one in THEMES.values() for name in one} <= BY_NAME.keys()


def test_somebody_trades_by_hand_only_where_the_broker_guards_what_is_held():
    assert all(make_plan(seed).guards for seed in SEEDS if theme_of(seed) == "hands")
