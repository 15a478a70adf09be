"""Processes that run crash cases, as many as there are cores, with a progress bar."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from exit_pipeline_tests.crash.lab import Case, Forks, Outcome, run_case
from exit_pipeline_tests.databases import MIGRATED, Server, database


@dataclass(frozen=True, slots=True)
class Crew:
    """Processes that run cases, with a progress bar."""

    pool: ProcessPoolExecutor
    server: Server
    console: Console

    def run(self, cases: Sequence[Case], title: str) -> list[Outcome]:
        """Run cases, in whatever order they end, and print what is wrong at once."""
        done = []
        with Progress(
            TextColumn("{task.description:24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
        ) as progress:
            bar = progress.add_task(title, total=len(cases))
            futures = [self.pool.submit(_run, case, self.server) for case in cases]
            for future in as_completed(futures):
                outcome = future.result()
                done.append(outcome)
                progress.advance(bar)
                for wrong in outcome.wrongs:
                    progress.console.print(f"[red]{outcome.case}: {wrong}")
        return done


@cache
def _runner() -> Forks:
    """This process's own; it ends with the process, whose pipe it reads."""
    return Forks()


def _run(case: Case, server: Server) -> Outcome:
    with database(server, MIGRATED) as url:
        try:
            return run_case(case, _runner(), url)
        except Exception as error:  # a fault of the matrix itself must not pass for a result
            return Outcome(case, wrongs=[f"the run itself failed: {error!r}"])
