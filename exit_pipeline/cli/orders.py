"""The commands about exit orders, and about what needs a person: orders, alerts."""

from collections.abc import Sequence

import click
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from exit_pipeline.cli.person import who
from exit_pipeline.cli.positions import ENVIRONMENT
from exit_pipeline.cli.show import NEW_YORK, as_json, console
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.lines import AlertLine, OrderLine
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.settings import Settings

NEEDS_A_LOOK = frozenset({"UNKNOWN", "DENIED"})
COLOURS = {"CRITICAL": "bold red", "WARNING": "yellow", "INFO": ""}
ID_SHOWN = 8
"""Characters of an alert's id in the table; as many are enough to acknowledge it."""


@click.command()
@click.option("--environment", type=ENVIRONMENT, help="Only this environment.")
@click.option("--open", "only_live", is_flag=True, help="Only orders that may still fill.")
@click.option("--position", "position_id", default=None, help="Only of this position.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def orders(
    environment: str | None, only_live: bool, position_id: str | None, to_json: bool
) -> None:
    """List exit orders, the newest first."""
    from exit_pipeline.defs.resources import open_database

    database = open_database(Settings.from_env())
    lines = database.orders.listing(environment, position_id, only_live=only_live)
    if to_json:
        as_json(lines)
    elif lines:
        console().print(_order_table(lines))
    else:
        click.echo("No exit orders.")


def _order_table(lines: Sequence[OrderLine]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in ("New York", "position", "symbol", "side"):
        table.add_column(name, no_wrap=True)
    for name in ("filled", "limit", "worst"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("reason", "urgency", "try", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("why")
    for line in lines:
        table.add_row(*_order_cells(line))
    return table


def _order_cells(line: OrderLine) -> list[Text | str]:
    at = f"{line.at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" if line.at else ""
    red = line.status in NEEDS_A_LOOK or line.escalated
    state = f"{line.status} escalated" if line.escalated else line.status
    return [
        at,
        escape(line.position_id or "-"),
        escape(line.symbol or "-"),
        line.side or "-",
        f"{line.filled_quantity}/{'-' if line.quantity is None else line.quantity}",
        say_dollars(line.limit_price),
        say_dollars(line.worst_price),
        line.exit_reason or "-",
        line.urgency or "-",
        f"{'-' if line.attempt is None else line.attempt}/{line.step}",
        Text(state, "bold red" if red else ""),
        escape(line.why),
    ]


@click.group(invoke_without_command=True)
@click.option("--all", "show_all", is_flag=True, help="Also those that somebody acknowledged.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
@click.pass_context
def alerts(context: click.Context, show_all: bool, to_json: bool) -> None:
    """List what needs a person, the newest first; `alerts acknowledge` notes that you saw it."""
    from exit_pipeline.defs.resources import open_database

    if context.invoked_subcommand:
        return
    lines = open_database(Settings.from_env()).runs.alerts(only_open=not show_all)
    if to_json:
        as_json(lines)
    elif lines:
        console().print(_alert_table(lines))
    else:
        click.echo("No alerts." if show_all else "No alerts that nobody has acknowledged.")


@alerts.command()
@click.argument("alert_ids", nargs=-1, metavar="ID...")
@click.option("--all", "every", is_flag=True, help="All that nobody has acknowledged.")
def acknowledge(alert_ids: tuple[str, ...], every: bool) -> None:
    """Note that you have seen alerts, by their ids or the beginnings of these."""
    from exit_pipeline.defs.resources import make_clock, open_database

    if bool(alert_ids) == every:
        given = "both" if every else "neither"
        message = f"acknowledge was given {given}; expected either ids of alerts or --all"
        raise InputError(message)
    database = open_database(Settings.from_env())
    known = database.runs.alerts(only_open=every)
    # Those that were there just now, and are shown: one raised meanwhile was seen by nobody.
    seen = known if every else [_find(given, known) for given in dict.fromkeys(alert_ids)]
    new = database.runs.acknowledge([line.id for line in seen], who(), make_clock().now())
    for line in seen:
        click.echo(
            f"{line.id[:ID_SHOWN]} {line.severity} {line.cause} {line.subject}: {line.message}"
        )
    click.echo(f"{new} alerts acknowledged, {len(seen) - new} were before")


def _find(given: str, known: Sequence[AlertLine]) -> AlertLine:
    """The alert whose id begins as given.

    Raises:
        InputError: None does, or several do.
    """
    found = [line for line in known if given and line.id.startswith(given.lower())]
    if len(found) == 1:
        return found[0]
    which = "is no alert's" if not found else f"is how {len(found)} of them begin"
    message = f"ID is {given!r}, which {which}; expected an id of: exit-pipeline alerts --all"
    raise InputError(message)


def _alert_table(lines: Sequence[AlertLine]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in ("id", "New York", "severity", "where", "cause", "subject"):
        table.add_column(name, no_wrap=True)
    for name in ("message", "acknowledged"):
        table.add_column(name)
    for line in lines:
        where = "/".join(part for part in (line.environment, line.account) if part)
        seen = ""
        if line.acknowledged_at:
            seen = (
                f"{line.acknowledged_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M} {line.acknowledged_by}"
            )
        table.add_row(
            line.id[:ID_SHOWN],
            f"{line.raised_at.astimezone(NEW_YORK):%Y-%m-%d %H:%M}",
            Text(line.severity, COLOURS.get(line.severity, "")),
            escape(where),
            line.cause,
            escape(line.subject),
            escape(line.message),
            escape(seen),
        )
    return table
