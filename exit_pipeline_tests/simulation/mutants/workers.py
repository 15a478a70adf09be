"""Mutants hunted in several processes, each with a database of its own."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import Any, Final

from exit_pipeline_tests.postgres_server import throwaway_server
from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.mutants.catalogue import BY_NAME
from exit_pipeline_tests.simulation.mutants.hunt import Kill, Sound, hunt
from exit_pipeline_tests.simulation.mutants.mutant import Mutant
from exit_pipeline_tests.simulation.mutants.table import Found
from exit_pipeline_tests.simulation.workers import SETTINGS

_AT_ONCE: Final = 6
"""Seeds that one mutant is hunted with before it is another one's turn."""

_state: dict[str, Any] = {}


def hunt_all(seeds_of: Mapping[Mutant, range], jobs: int, ticks: int | None) -> Iterator[Found]:
    """Hunt all at once, a few seeds in turn, so that what dies early is told early."""
    with throwaway_server(*SETTINGS) as server:
        pool = ProcessPoolExecutor(
            jobs, get_context("spawn"), initializer=_begin, initargs=(server.url("NAME"), ticks)
        )
        try:
            running: dict[Future[Kill | None], tuple[Mutant, range]] = {}
            for mutant, seeds in seeds_of.items():
                running[pool.submit(_some, mutant.name, seeds[:_AT_ONCE])] = mutant, seeds
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    mutant, left = running.pop(future)
                    kill, left = future.result(), left[_AT_ONCE:]
                    if kill is not None or not left:
                        yield Found.of(mutant, kill, seeds_of[mutant], ticks)
                    else:
                        running[pool.submit(_some, mutant.name, left[:_AT_ONCE])] = mutant, left
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(url: str, ticks: int | None) -> None:
    _state["sound"] = Sound(ticks)
    _state["database"] = SimDatabase(
        lambda name: url.replace("NAME", name, 1), f"mutants_{os.getpid()}"
    )


def _some(name: str, seeds: range) -> Kill | None:
    return hunt(BY_NAME[name], seeds, _state["database"], _state["sound"])
