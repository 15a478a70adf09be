"""The whole crash matrix, in parallel: ``python -m exit_pipeline_tests.crash [--json FILE]``.

Ends with a table of the points, and with status 1 where anything was wrong.
"""

import json
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import cpu_count, get_context
from pathlib import Path

import click
from rich.console import Console

from exit_pipeline_tests.crash.crew import Crew
from exit_pipeline_tests.crash.lab import Case, passings
from exit_pipeline_tests.crash.matrix import pairs, singles, stories
from exit_pipeline_tests.crash.report import show, summarize
from exit_pipeline_tests.postgres_server import migrated_database, throwaway_server


@click.command()
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures here too.")
@click.option("--share", default=1, help="Run only every so-many-th case.")
@click.option("--only", default="", help="Run only cases whose text has this.")
def main(file: Path | None, share: int, only: str) -> None:
    """Kill ticks at every point of every story at every broker, and look what comes of it."""

    def chosen(cases: Iterable[Case]) -> list[Case]:
        return [case for case in cases if only in str(case)][::share]

    console = Console()
    # Spawned, not forked: a worker has servers in threads, and starts its runner itself.
    workers = ProcessPoolExecutor(cpu_count(), mp_context=get_context("spawn"))
    with throwaway_server() as server, workers as pool:
        url = server.url("postgres")
        crew = Crew(pool, url, migrated_database(url), console)
        told = crew.run(list(stories()), "stories")
        passed = {outcome.case: passings(outcome) for outcome in told}
        killed = crew.run(chosen(singles(passed)), "one kill")
        twice = crew.run(chosen(pairs(passed)), "two kills")
    figures = summarize(told, killed, twice)
    show(figures, console)
    if file is not None:
        file.write_text(json.dumps(figures, indent=1) + "\n")
    if figures["violations"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
