"""Commands about positions."""

from pathlib import Path

import click

from exit_pipeline.cli.show import as_json, print_positions
from exit_pipeline.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)
ENVIRONMENT = click.Choice(["paper", "live", "tape", "simulated"])


@click.group()
def positions() -> None:
    """Import, adopt and list positions."""


@positions.command("import")
@click.argument("file", type=FILE)
@click.option(
    "--environment", type=ENVIRONMENT, help="Where they live; by default EXIT_BROKER_ENV."
)
@click.option("--gex-signals", type=FILE, default=None, help="Also import gamma signals from here.")
def import_(file: Path, environment: str | None, gex_signals: Path | None) -> None:
    """Import positions from FILE, a CSV.

    Its columns are id,account,symbol,side,quantity,entry_price,entry_time and, if wanted,
    timeframe,policy. The positions belong to the paper broker, whose ledger receives them.
    """
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.import_book import import_book, read_book, read_gex_signals

    settings = Settings.from_env()
    shells = resources(settings, environment=environment)
    signals = read_gex_signals(gex_signals) if gex_signals else []
    with built(shells) as parts:
        book = read_book(file, broker=parts.broker.name, environment=parts.broker.environment)
        new = import_book(book, broker=parts.broker, database=parts.database)
        added = parts.database.signals.import_gex_signals(signals)
        where = f"{parts.broker.name}/{parts.broker.environment}"
    click.echo(f"{new} positions imported into {where}, {len(book) - new} were there already")
    if signals:
        click.echo(f"{added} gamma signals imported, {len(signals) - added} were there already")


@positions.command("list")
@click.option("--environment", type=ENVIRONMENT, help="Only this environment.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def list_(environment: str | None, to_json: bool) -> None:
    """List positions, open and closed."""
    from exit_pipeline.defs.resources import open_database

    lines = open_database(Settings.from_env()).positions.listing(environment)
    if to_json:
        as_json(lines)
    else:
        print_positions(lines)


@positions.command("adopt")
@click.argument("position_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--account", required=True, help="The broker's account that holds them.")
@click.option("--policy", default=None, help="Policy for them, such as stop_loss.percent=25.")
def adopt_(position_ids: tuple[str, ...], account: str, policy: str | None) -> None:
    """Give positions that no broker has yet to the configured broker, so that exits are sent."""
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.adopt import adopt

    with built(resources(Settings.from_env())) as parts:
        count = adopt(position_ids, account, policy, broker=parts.broker, database=parts.database)
        where = f"{parts.broker.name}/{parts.broker.environment}/{account}"
    click.echo(f"{count} positions adopted into {where}")
