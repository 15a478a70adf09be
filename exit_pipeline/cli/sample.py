"""The command that shows what the pipeline does, on the shipped sample day."""

from dataclasses import replace

import click

from exit_pipeline.cli.show import console, print_report
from exit_pipeline.cli.ticks import quiet
from exit_pipeline.services.tick import TickReport
from exit_pipeline.settings import Settings


@click.command()
def sample() -> None:
    """Run the exit job once on the shipped sample day (what `make run` does)."""
    from exit_pipeline.defs.launch import instance, run_exit_job
    from exit_pipeline.defs.past_day import take_in
    from exit_pipeline.defs.resources import open_database, resources
    from exit_pipeline.sample import BOOK, GEX_SIGNALS, SAMPLE_AT

    quiet()
    # Whatever is configured: the sample's prices are those of the simulated market.
    settings = replace(Settings.from_env(), broker="paper", market_data="simulated")
    take_in(settings, BOOK, GEX_SIGNALS, environment="simulated")
    shells = resources(settings, at=SAMPLE_AT.isoformat(), environment="simulated")
    with instance() as on:
        report = run_exit_job({}, shells, on)
    print_report(report)
    if not report.executed.decided.tick.run_ids:
        lines = open_database(settings).positions.listing("simulated")
        closed = sum(line.status == "CLOSED" for line in lines)
        console().print(
            f"\nThe sample tick was worked before: {closed} of {len(lines)} positions are closed "
            f"already, and nothing is sent again. A fresh start: make clean run"
        )
    _print_next(report)


def _print_next(report: TickReport) -> None:
    out = console()
    out.print("\n[bold]Next[/bold]")
    for command, meaning in (
        ("make ui", "Dagster's UI at http://127.0.0.1:3000, with the schedule running"),
        (".venv/bin/exit-pipeline positions list", "every position, open and closed"),
        (".venv/bin/exit-pipeline tick --dry-run --explain --at "
         f"{report.executed.decided.tick.at.isoformat()}", "every rule's part in every decision"),
        (".venv/bin/exit-pipeline positions import FILE.csv", "your own book, on paper"),
        (".venv/bin/exit-pipeline --help", "everything else"),
    ):  # fmt: skip
        out.print(f"  {command}\n      [dim]{meaning}[/dim]", highlight=False)
