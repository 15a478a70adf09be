"""Processes that run crash cases, as many as there are cores, with a progress bar."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from exit_pipeline_tests.crash.lab import Case, Forks, Outcome, run_case
from exit_pipeline_tests.postgres_server import fresh_database


@dataclass(frozen=True, slots=True)
class Crew:
    """Processes that run cases, with a progress bar.

    Attributes:
        pool: The processes.
        server_url: Of the database ``postgres`` of a server.
        template: Name of its database that each case gets a copy of.
    """

    pool: ProcessPoolExecutor
    server_url: str
    template: str
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
            futures = [
                self.pool.submit(_run, case, self.server_url, self.template) for case in cases
            ]
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


def _run(case: Case, server_url: str, template: str) -> Outcome:
    with fresh_database(server_url, template) as url:
        try:
            return run_case(case, _runner(), url)
        except Exception as error:  # a fault of the matrix itself must not pass for a result
            return Outcome(case, wrongs=[f"the run itself failed: {error!r}"])
