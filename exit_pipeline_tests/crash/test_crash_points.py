"""A fixed sample of the crash matrix: every point, every scenario, every broker."""

from collections.abc import Iterator

import pytest

from exit_pipeline_tests.crash.lab import Case, Forks, forks, run_case
from exit_pipeline_tests.crash.scenarios import SCENARIOS

BASE = [
    Case(scenario=name, broker=broker)
    for name, scenario in SCENARIOS.items()
    for broker in scenario.brokers
]


@pytest.fixture(scope="module")
def runner() -> Iterator[Forks]:
    with forks() as started:
        yield started


@pytest.mark.parametrize("case", BASE, ids=str)
def test_a_story_ends_with_its_last_tick_where_nothing_is_killed(
    case: Case, runner: Forks, database_url: str
) -> None:
    outcome = run_case(case, runner, database_url)
    assert outcome.wrongs == []
    assert outcome.cost == 0
