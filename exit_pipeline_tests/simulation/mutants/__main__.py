"""``python -m exit_pipeline_tests.simulation.mutants``: which mistakes the simulator finds."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from exit_pipeline_tests.simulation.mutants.catalogue import ALL, BY_NAME
from exit_pipeline_tests.simulation.mutants.table import Table
from exit_pipeline_tests.simulation.mutants.workers import hunt_all

console = Console()


@click.command(help=__doc__)
@click.option("--seeds", default=900, show_default=True, help="At most so many for each mutant.")
@click.option(
    "--harmless", default=60, show_default=True, help="And for each that is harmless alone."
)
@click.option("--from", "first", default=1, show_default=True, help="The first.")
@click.option("--ticks", default=24, show_default=True, help="Of each day; 0 for all of it.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--only", multiple=True, metavar="NAME", help="Only these mutants.")
@click.option("--keep", type=click.Path(path_type=Path), help="Renew their rows in this file.")
def main(  # noqa: PLR0917 - one for each option
    seeds: int, harmless: int, first: int, ticks: int, jobs: int, only: Sequence[str],
    keep: Path | None,
) -> None:  # fmt: skip
    for name in only:
        if name not in BY_NAME:
            message = f"--only is {name!r}; expected one of {', '.join(BY_NAME)}"
            raise click.BadParameter(message)
    chosen = [mutant for mutant in ALL if not only or mutant.name in only]
    table = Table()
    if keep:
        table.load(keep, BY_NAME.keys() - {mutant.name for mutant in chosen})
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress("hunting", *columns, console=console) as progress:
        task = progress.add_task("", total=len(chosen))
        most = {
            mutant: range(first, first + (harmless if mutant.guarded_by else seeds))
            for mutant in chosen
        }
        for found in hunt_all(most, jobs, ticks or None):
            table.add(found)
            progress.console.print(found.say(), highlight=False)
            progress.update(task, advance=1)
            if keep:
                table.save(keep)
    table.show(console)
    sys.exit(1 if table.holes else 0)


if __name__ == "__main__":
    main()
