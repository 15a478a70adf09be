"""Seeds in several processes, each with a database of its own on one server."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import Final

from exit_pipeline_tests.postgres_server import throwaway_server
from exit_pipeline_tests.simulation.database import SimDatabase, simulated_database
from exit_pipeline_tests.simulation.simulator import Outcome, simulate

SETTINGS: Final = ("autovacuum = off", "full_page_writes = off")

_state: dict[str, SimDatabase] = {}


@contextmanager
def one_database() -> Iterator[SimDatabase]:
    """A database on a server of its own."""
    with throwaway_server(*SETTINGS) as server, simulated_database(server.url, "sim") as database:
        yield database


def simulate_all(seeds: Sequence[int], jobs: int, *, climbs: bool) -> Iterator[Outcome]:
    """The outcomes of seeds in their order; only a failed one has its history."""
    with throwaway_server(*SETTINGS) as server:
        pool = ProcessPoolExecutor(
            jobs, get_context("spawn"), initializer=_begin, initargs=(server.url("NAME"),)
        )
        try:
            yield from pool.map(partial(_run, climbs=climbs), seeds)
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(url: str) -> None:
    _state["database"] = SimDatabase(_at(url), f"sim_{os.getpid()}")


def _at(url: str) -> Callable[[str], str]:
    return lambda name: url.replace("NAME", name, 1)


def _run(seed: int, *, climbs: bool) -> Outcome:
    try:
        outcome = simulate(seed, _state["database"], climbs=climbs)
    except Exception as error:
        message = f"the simulator itself failed at seed {seed}: {error!r}"
        raise RuntimeError(message) from error
    return outcome if outcome.violations else replace(outcome, lines=())
