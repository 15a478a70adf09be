"""A fixed set of short seeds, and the simulator judged by mistakes that it must find."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline_tests.simulation.coverage import FAIL_SAFE
from exit_pipeline_tests.simulation.database import SimDatabase, simulated_database
from exit_pipeline_tests.simulation.faults import BY_NAME, KINDS
from exit_pipeline_tests.simulation.simulator import simulate

TICKS = 16
SEEDS = range(1, 31)


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Iterator[SimDatabase]:
    with simulated_database(server.url, "simulation") as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shortened_day_with_faults_breaks_nothing(database, seed):
    outcome = simulate(seed, database, ticks=TICKS)
    assert [str(one) for one in outcome.violations] == []


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_a_shortened_day_with_ladders_inside_its_ticks_breaks_nothing(database, seed):
    outcome = simulate(seed, database, ticks=TICKS, climbs=True)
    assert [str(one) for one in outcome.violations] == []


def test_the_same_seed_has_the_same_history(database):
    first, again = (simulate(8, database, ticks=TICKS) for _ in range(2))
    assert first.lines == again.lines
    assert first.struck == again.struck
    assert len(first.lines) > 50


def test_another_seed_has_another_history(database):
    assert simulate(8, database, ticks=6).lines != simulate(11, database, ticks=6).lines


def test_without_its_faults_a_seed_has_the_same_market_and_positions(database):
    with_all, with_none = (simulate(14, database, ticks=6, only=only) for only in (None, ()))
    books = [
        [line for line in outcome.lines if " book " in line] for outcome in (with_all, with_none)
    ]
    assert books[0] == books[1]
    assert with_all.struck
    assert not with_none.struck


def _books_no_fills(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def book(order: Any, report: Any) -> Any:
        return method(order, replace(report, fills=()))

    return book if name == "orders.book" else method


def _decides_one_less(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    def record(rows: Any) -> Any:
        columns = {column: values[1:] for column, values in rows.columns.items()}
        method(replace(rows, columns=columns))
        return len(rows)

    return record if name == "decisions.record" else method


@pytest.mark.parametrize(
    ("mistake", "told_by"),
    [
        pytest.param(_books_no_fills, {"I7", "L1"}, id="fills are lost"),
        pytest.param(_decides_one_less, {"I9"}, id="a decision is lost"),
    ],
)
def test_a_mistake_in_the_program_is_found(database, mistake, told_by):
    found = set()
    for seed in SEEDS[:12]:
        outcome = simulate(seed, database, ticks=TICKS, mutation=mistake)
        found |= {one.invariant for one in outcome.violations}
        if found & told_by:
            return
    pytest.fail(f"12 seeds found {found or 'nothing'}")


def test_every_fault_has_a_name_of_its_own():
    assert len(BY_NAME) == len(KINDS)


def test_every_row_of_the_fail_safe_table_is_brought_about_by_known_faults():
    assert {fault for faults in FAIL_SAFE.values() for fault in faults} <= BY_NAME.keys()
