"""The command line: ``exit-pipeline``."""

import sys
from collections.abc import Sequence
from typing import Any

import click

from exit_pipeline.cli.context import context
from exit_pipeline.cli.database import db, doctor, migrate
from exit_pipeline.cli.events import events
from exit_pipeline.cli.explain import explain
from exit_pipeline.cli.force_close import force_close
from exit_pipeline.cli.notify import notify
from exit_pipeline.cli.orders import alerts, orders
from exit_pipeline.cli.policy import policy
from exit_pipeline.cli.positions import positions
from exit_pipeline.cli.replay import replay
from exit_pipeline.cli.report import report
from exit_pipeline.cli.sample import sample
from exit_pipeline.cli.serve import serve
from exit_pipeline.cli.status import status
from exit_pipeline.cli.switch import halt, resume
from exit_pipeline.cli.ticks import day, tick
from exit_pipeline.cli.ui import ui
from exit_pipeline.cli.verify_chain import verify_chain
from exit_pipeline.cli.watch import watch
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.redaction import install, redact, scrubbed

COMMANDS = (
    migrate, positions, events, policy, tick, day, explain, replay, context, report, status, watch,
    orders, alerts, notify, halt, resume, force_close, verify_chain, db, doctor, sample, ui, serve,
)  # fmt: skip


class SentenceGroup(click.Group):
    """A group that says a person's mistake in one sentence and exits with status 1.

    What it says, and what it raises, has no secret in it.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        install()
        try:
            return super().main(*args, **kwargs)
        except ExitPipelineError as error:
            click.echo(f"exit-pipeline: {redact(str(error))}", err=True)
            sys.exit(1)

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options of the group."""
        with scrubbed():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Read the options of a command and run it."""
        with scrubbed():
            return super().invoke(ctx)


@click.group(cls=SentenceGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exit-pipeline")
def group() -> None:
    """Watch open option positions, leave them when it is time, and say why."""


for command in COMMANDS:
    group.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of the program."""
    group.main(arguments, prog_name="exit-pipeline")
