"""The command that opens Dagster's UI."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from exit_pipeline.cli.ticks import quiet
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.settings import Settings

HOST = "127.0.0.1"
"""Dagster's UI has no login and can launch runs, so it is never offered to other machines."""


@click.command()
@click.option("--port", default=3000, show_default=True, help="Port on 127.0.0.1.")
def ui(port: int) -> None:
    """Open Dagster's UI on this machine: webserver, daemon and code location.

    The schedule runs against the configured broker and market data. With the paper broker on the
    simulated market and no open position, a small demo book is put into the account `demo`.
    """
    from exit_pipeline.defs.resources import open_database

    quiet()
    settings = Settings.from_env()
    refuse_without_instance()
    # This process keeps the embedded server running for all that it starts.
    open_database(settings)
    if settings.broker == "paper" and settings.market_data == "simulated":
        _put_demo_book(settings)
    _sweep(settings)
    environ = {**os.environ, "EXIT_PIPELINE_HOME": str(settings.home)}
    environ.setdefault("DAGSTER_HOME", str(Path.cwd()))
    click.echo(f"Dagster's UI: http://{HOST}:{port}  (Ctrl-C ends it)")
    command = ["-m", "dagster", "dev", "-m", "exit_pipeline.definitions", "-h", HOST]
    raise SystemExit(_run([sys.executable, *command, "-p", str(port)], environ))


def refuse_without_instance() -> None:
    """Refuse to go on where Dagster would keep nothing of what is run.

    Raises:
        ConfigurationError: Neither this folder nor ``DAGSTER_HOME`` has an instance.
    """
    if not Path("dagster.yaml").exists() and not os.environ.get("DAGSTER_HOME"):
        message = "there is no dagster.yaml here and DAGSTER_HOME is not set"
        raise ConfigurationError(message)


def _sweep(settings: Settings) -> None:
    """End what an earlier stack left behind when it was killed; it would keep ticks queued."""
    from exit_pipeline.defs.launch import instance
    from exit_pipeline.defs.resources import make_clock, open_database
    from exit_pipeline.defs.sweep import end_dead_runs

    with instance() as on:
        ended = end_dead_runs(on, runs=open_database(settings).runs, clock=make_clock())
    for run_id in ended:
        click.echo(f"Run {run_id} was left behind by a stack that was killed; it counts as failed.")


def _put_demo_book(settings: Settings) -> None:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.sample.demo import demo_book
    from exit_pipeline.services.import_book import import_book

    with built(resources(settings)) as parts:
        if parts.database.positions.open_positions(parts.broker.environment):
            return
        book = demo_book(parts.market_data, parts.clock.now())
        import_book(book, broker=parts.broker, database=parts.database)
        click.echo(f"A demo book of {len(book)} positions is in the paper account demo.")


def _run(command: list[str], environ: dict[str, str]) -> int:
    """Run a program until it ends or this one is told to; its own children are told as well."""
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: Any) -> None:  # noqa: ARG001 signal handlers get both
        for child in children:
            os.killpg(child.pid, signal.SIGINT)

    # Set before the start: a signal that is ignored here, as in a background job of a shell, would
    # be ignored there as well, and nothing could end it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, pass_on)
    # In a session of its own, so that one signal reaches webserver, daemon and code server.
    child = subprocess.Popen(command, env=environ, start_new_session=True)  # noqa: S603 our own
    children.append(child)
    return child.wait()
