"""Commands about dates that matter to underlyings: events import, events list."""

from pathlib import Path

import click
from rich.table import Table

from exit_pipeline.cli.positions import FILE
from exit_pipeline.cli.show import NEW_YORK, as_json, console
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.settings import Settings


@click.group()
def events() -> None:
    """Import and list earnings and dividends."""


@events.command("import")
@click.argument("file", type=FILE)
def import_(file: Path) -> None:
    """Import events from FILE, a CSV with the columns underlying,kind,at,amount.

    kind is EARNINGS, without an amount, or DIVIDEND with dollars per share; at is a time with a
    zone, or a date, which stands for the open of that session.
    """
    from exit_pipeline.defs.resources import make_calendar, open_database
    from exit_pipeline.services.import_events import read_events

    found = read_events(file, make_calendar())
    new = open_database(Settings.from_env()).context.import_events(found)
    click.echo(f"{new} events imported, {len(found) - new} were there already")


@events.command("list")
@click.option("--all", "with_past", is_flag=True, help="Also those that are over.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def list_(with_past: bool, to_json: bool) -> None:
    """List the events to come."""
    from exit_pipeline.defs.resources import make_clock, open_database

    since = None if with_past else make_clock().now()
    found = open_database(Settings.from_env()).context.events(since)
    if to_json:
        as_json(found)
        return
    if not found:
        click.echo("No events. Import some: exit-pipeline events import FILE.csv")
        return
    table = Table(header_style="bold", pad_edge=False)
    for name in ("New York", "underlying", "kind"):
        table.add_column(name, no_wrap=True)
    table.add_column("amount", justify="right")
    for one in found:
        at = f"{one.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}"
        table.add_row(at, one.underlying, one.kind.value, say_dollars(one.amount))
    console().print(table)
