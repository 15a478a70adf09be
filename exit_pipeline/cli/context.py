"""The command that shows the context: context."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from exit_pipeline.cli.show import as_json, console
from exit_pipeline.cli.ticks import FOLDER, quiet
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.services.context_details import ContextDetails
from exit_pipeline.services.tick import ContextTick, parse_instant
from exit_pipeline.settings import Settings


@click.command()
@click.argument("underlyings", nargs=-1)
@click.option("--at", default=None, help="At this moment, ISO 8601 with a time zone.")
@click.option("--tape", type=FOLDER, default=None, help="Read quotes from this folder of tapes.")
@click.option("--png", type=FOLDER, default=None, help="Write pictures into this folder.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def context(
    underlyings: tuple[str, ...],
    at: str | None,
    tape: Path | None,
    png: Path | None,
    to_json: bool,
) -> None:
    """Show volatility, trend, regime and gamma exposure, of UNDERLYINGS or the open positions'.

    Nothing is recorded. Without --tape, --at looks at the simulated market of that moment.
    """
    known = _look(underlyings, at, tape)
    details = known.details
    if details is None:
        message = "nothing is known of a moment outside the exchange's session"
        raise InputError(message)
    if to_json:
        as_json({"at": details.at, **details.to_stored()})
    else:
        _print(details)
    if png:
        _write(details, png, to_json=to_json)


def _look(underlyings: Sequence[str], at: str | None, tape: Path | None) -> ContextTick:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.context import build_context
    from exit_pipeline.services.look_at_market import look_at_market

    quiet()
    settings = Settings.from_env()
    moment = parse_instant("--at", at).isoformat() if at else ""
    where = "simulated" if at and not tape else None
    shells = resources(settings, at=moment, tape_dir=tape, environment=where)
    with built(shells) as parts:
        seen = look_at_market(
            [one.upper() for one in underlyings],
            environment=parts.broker.environment,
            database=parts.database,
            market_data=parts.market_data,
            calendar=parts.calendar,
            clock=parts.clock,
        )
        return build_context(
            seen,
            market_data=parts.market_data,
            database=parts.database,
            calendar=parts.calendar,
            every_minutes=settings.chain_minutes,
        )


def _print(details: ContextDetails) -> None:
    from exit_pipeline.defs.context_view import (
        SHORT_CONVENTION,
        gamma_rows,
        reading_rows,
        say_vix,
        underlying_rows,
    )

    out = console()
    out.print(f"[bold]VIX[/bold]  {escape(say_vix(details))}")
    out.print(_table(reading_rows(details), "input"))
    rows = underlying_rows(details)
    out.print(_table([{k: v for k, v in row.items() if k != "why"} for row in rows], "underlying"))
    out.print(f"Gamma, in millions of dollars per 1 % move: {SHORT_CONVENTION}.")
    out.print(_table(gamma_rows(details), "underlying"))
    for row in rows:
        out.print(f"[bold]{escape(row['underlying'])}[/bold]  {escape(row['why'])}")
    for note in details.notes:
        out.print(escape(note))


def _table(rows: Sequence[Mapping[str, Any]], key: str) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), no_wrap=name == key)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"
    return escape(str(value))


def _write(details: ContextDetails, folder: Path, *, to_json: bool) -> None:
    from exit_pipeline.defs.pictures import draw

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in draw(details, most=len(details.underlyings)).items():
            file = folder / f"{name}.png"
            file.write_bytes(picture)
            if not to_json:
                click.echo(f"wrote {file}")
    except OSError as error:
        message = f"--png {folder} can't be written: {error.strerror}"
        raise InputError(message) from error
