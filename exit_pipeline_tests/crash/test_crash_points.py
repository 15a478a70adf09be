"""A fixed sample of the crash matrix; ``make crash`` runs all of it."""

from collections.abc import Iterator

import pytest

from exit_pipeline import ports
from exit_pipeline_tests.crash.lab import Case, Forks, Kill, forks, run_case
from exit_pipeline_tests.crash.points import POINTS, READS, WRITES
from exit_pipeline_tests.crash.sample import SAMPLE
from exit_pipeline_tests.crash.scenarios import EVERYWHERE, SCENARIOS

NOT_IN_A_TICK = {
    "runs.fail", "runs.overview", "positions.listing", "positions.check_import",
    "positions.import_positions", "positions.keep_in_step", "positions.adopt",
    "signals.gex_history", "signals.newest_trend", "signals.import_gex_signals",
    "signals.entry_directions", "signals.recent_signals", "context.memory", "context.levels",
    "context.next_events", "context.events", "context.import_events", "context.account_history",
    "runs.alerts", "runs.acknowledge", "orders.listing", "exit_requests.add",
    "decisions.newest", "decisions.due_in_a_row", "decisions.refused_in_a_row",
    "decisions.listing", "audit_trail.last_link", "audit_trail.link", "audit_trail.first_since",
    "audit_trail.faults", "audit_trail.unlinked",
}  # fmt: skip
"""Methods of stores that no tick calls without a chain, a spread guard or a refused quote, or that
only read the market."""

STORES = {
    "runs": ports.RunStore, "positions": ports.PositionStore, "signals": ports.SignalStore,
    "context": ports.ContextStore, "decisions": ports.DecisionStore, "orders": ports.OrderStore,
    "exit_requests": ports.ExitRequestStore, "closings": ports.ClosingStore,
    "audit_trail": ports.AuditTrailStore,
}  # fmt: skip


@pytest.fixture(scope="module")
def runner() -> Iterator[Forks]:
    with forks() as started:
        yield started


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_nothing_is_lost_doubled_or_left_undone_by_a_killed_tick(
    case: Case, runner: Forks, database_url: str
) -> None:
    outcome = run_case(case, runner, database_url)
    assert outcome.wrongs == []
    assert outcome.killed == [kill.point for kill in case.kills]


@pytest.mark.parametrize(
    ("story", "broker"),
    [
        ("a stop is repriced", "paper"),
        ("a cancel is confirmed late", "tradier"),
        ("a fill during the cancel", "alpaca"),
    ],
)
def test_a_story_ends_with_its_last_tick_where_nothing_is_killed(
    story: str, broker: str, runner: Forks, database_url: str
) -> None:
    outcome = run_case(Case(scenario=story, broker=broker), runner, database_url)
    assert (outcome.wrongs, outcome.killed, outcome.cost) == ([], [], 0)


def test_a_point_that_is_never_reached_is_no_success(runner: Forks, database_url: str) -> None:
    never = Kill("orders.begin_cancel.before_commit")
    case = Case(scenario="a plain exit", broker="paper", kills=(never,))
    assert run_case(case, runner, database_url).wrongs == [f"{never.point} was never reached"]


def test_the_sample_has_every_point_story_and_broker() -> None:
    assert {kill.point for case in SAMPLE for kill in case.kills} == set(POINTS)
    assert {case.scenario for case in SAMPLE} == set(SCENARIOS)
    assert {case.broker for case in SAMPLE} == set(EVERYWHERE)


def test_every_method_of_the_stores_that_a_tick_calls_has_points() -> None:
    known = {*WRITES, *READS, *NOT_IN_A_TICK}
    methods = {
        f"{name}.{method}"
        for name, store in STORES.items()
        for method in vars(store)
        if not method.startswith("_")
    }
    assert methods - known == set()
