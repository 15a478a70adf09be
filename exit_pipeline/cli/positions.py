"""Commands about positions."""

from pathlib import Path

import click

from exit_pipeline.cli.show import as_json, print_positions
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.policies import load_policies
from exit_pipeline.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)
ENVIRONMENT = click.Choice(["paper", "live", "tape", "simulated"])


@click.group()
def positions() -> None:
    """Import, adopt and list positions."""


@positions.command("import")
@click.argument("file", type=FILE, required=False)
@click.option("--broker", "from_broker", is_flag=True, help="What the broker's accounts hold.")
@click.option("--account", default=None, help="With --broker: only this account.")
@click.option(
    "--environment", type=ENVIRONMENT, help="Where they live; by default EXIT_BROKER_ENV."
)
@click.option("--gex-signals", type=FILE, default=None, help="Also import gamma signals from here.")
def import_(
    file: Path | None,
    from_broker: bool,
    account: str | None,
    environment: str | None,
    gex_signals: Path | None,
) -> None:
    """Import positions from FILE, a CSV, or with --broker what the broker's accounts hold.

    The file's columns are id,account,symbol,side,quantity,entry_price,entry_time and, if wanted,
    timeframe,policy. Its positions belong to the configured broker; the paper broker's ledger
    receives them. What comes from the broker is decided and not sent until it is adopted.
    """
    if (file is None) != from_broker or (gex_signals and from_broker):
        message = "positions import takes either FILE, with or without --gex-signals, or --broker"
        raise InputError(message)
    if account is not None and not from_broker:
        message = f"account is {account!r} without --broker; a file names its accounts itself"
        raise InputError(message)
    if file is None:
        _import_held(account, environment)
    else:
        _import_file(file, environment, gex_signals)


def _import_file(file: Path, environment: str | None, gex_signals: Path | None) -> None:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.import_book import import_book, read_book, read_gex_signals

    settings = Settings.from_env()
    shells = resources(settings, environment=environment)
    signals = read_gex_signals(gex_signals) if gex_signals else []
    with built(shells) as parts:
        book = read_book(
            file,
            broker=parts.broker.name,
            environment=parts.broker.environment,
            policies=load_policies(settings.policies),
        )
        new = import_book(book, broker=parts.broker, database=parts.database)
        added = parts.database.signals.import_gex_signals(signals)
        where = f"{parts.broker.name}/{parts.broker.environment}"
    click.echo(f"{new} positions imported into {where}, {len(book) - new} were there already")
    if signals:
        click.echo(f"{added} gamma signals imported, {len(signals) - added} were there already")


def _import_held(account: str | None, environment: str | None) -> None:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.import_held import accounts_of, import_held

    with built(resources(Settings.from_env(), environment=environment)) as parts:
        for one in accounts_of(parts.broker) if account is None else [account]:
            said = import_held(
                one,
                broker=parts.broker,
                database=parts.database,
                calendar=parts.calendar,
                at=parts.clock.now(),
            )
            where = f"{parts.broker.name}/{parts.broker.environment}/{one}"
            click.echo(f"{where}: {'' if said else 'nothing has changed'}".strip())
            for sentence in said:
                click.echo(f"  {sentence}")


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
@click.option(
    "--account", default=None, help="The broker's account; needed for rows that have none yet."
)
@click.option("--policy", default=None, help="Policy for them, such as stop_loss.percent=25.")
def adopt_(position_ids: tuple[str, ...], account: str | None, policy: str | None) -> None:
    """Have exits sent of positions that were imported from the broker, or that none has yet."""
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.adopt import adopt

    settings = Settings.from_env()
    with built(resources(settings)) as parts:
        count = adopt(
            position_ids,
            account,
            policy,
            broker=parts.broker,
            database=parts.database,
            policies=load_policies(settings.policies),
        )
        where = f"{parts.broker.name}/{parts.broker.environment}"
    click.echo(f"{count} positions adopted into {where}{f'/{account}' if account else ''}")
