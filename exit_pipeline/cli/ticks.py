"""Commands that decide: tick, day."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from exit_pipeline.cli.show import NEW_YORK, as_json, console, print_report, report_as_json
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.session import Session
from exit_pipeline.services.tick import parse_instant
from exit_pipeline.settings import Settings

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option(
    "--at",
    default=None,
    help="Work at this moment, ISO 8601 with a time zone, in the environment `simulated`.",
)
@click.option("--dry-run", is_flag=True, help="Decide and record, but send and change nothing.")
@click.option("--tape", type=FOLDER, default=None, help="Read quotes from this folder of tapes.")
@click.option("--config", "config_file", type=FILE, default=None, help="Run config, YAML or JSON.")
@click.option("--explain", is_flag=True, help="Show the complete trace of every decision.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def tick(
    at: str | None,
    dry_run: bool,
    tape: Path | None,
    config_file: Path | None,
    explain: bool,
    to_json: bool,
) -> None:
    """Run the exit job once, in this process."""
    from exit_pipeline.defs.launch import instance, run_exit_job
    from exit_pipeline.defs.resources import resources

    quiet()
    moment = parse_instant("--at", at).isoformat() if at else ""
    config = read_config(config_file) if config_file else {}
    if dry_run:
        config["dry_run"] = True
    shells = resources(
        Settings.from_env(), at=moment, tape_dir=tape, environment=_environment(at, tape)
    )
    with instance() as on:
        report = run_exit_job(config, shells, on)
    if to_json:
        report_as_json(report)
    else:
        print_report(report, with_trace=explain)


def _environment(at: str | None, tape: Path | None) -> str | None:
    """A moment of the past is no place for live positions."""
    return "simulated" if at and not tape else None


def read_config(path: Path) -> dict[str, Any]:
    """Read run config from a YAML or JSON file.

    Raises:
        InputError: It can't be read, or is not a mapping.
    """
    import yaml
    from dagster_shared.yaml_utils import DagsterYamlLoader

    try:
        # The Launchpad's reader: a time without quotes stays the text that as_of expects.
        content = yaml.load(path.read_text(encoding="utf-8"), DagsterYamlLoader)  # noqa: S506 safe
    except OSError as error:
        message = f"--config {path} can't be read: {error.strerror}"
        raise InputError(message) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"--config {path} is neither YAML nor JSON"
        raise InputError(message) from error
    if not isinstance(content, Mapping):
        message = f"--config {path} must hold a mapping such as {{dry_run: true}}"
        raise InputError(message)
    return dict(content)


@click.command()
@click.argument("date")
@click.option("--tape", type=FOLDER, required=True, help="Folder of tapes, one per day.")
@click.option("--book", type=FILE, default=None, help="Import these positions first (CSV).")
@click.option("--gex-signals", type=FILE, default=None, help="Import these gamma signals first.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def day(date: str, tape: Path, book: Path | None, gex_signals: Path | None, to_json: bool) -> None:
    """Run every scheduled tick of a day (YYYY-MM-DD) from a tape.

    Gamma signals are taken from gex_signals.csv beside the book, if there is one.
    """
    from exit_pipeline.defs.past_day import run_session, take_in
    from exit_pipeline.defs.resources import make_calendar, open_database
    from exit_pipeline.services.day_figures import day_figures

    quiet()
    session = _session(date, make_calendar())
    settings = Settings.from_env()
    beside = book.parent / "gex_signals.csv" if book else None
    if gex_signals is None and beside and beside.exists():
        gex_signals = beside
    take_in(settings, book, gex_signals, tape=tape)
    database = open_database(settings)
    if not database.positions.accounts("tape"):
        message = "there is no position of the environment tape; import a book with --book"
        raise InputError(message)
    with _progress(session, not to_json) as advance:
        reports = run_session(session, settings, tape, progress=advance)
    lines = database.positions.listing("tape")
    # Read again, since an order may have filled after the tick that sent it.
    runs = [run.run_id for report in reports for run in report.runs]
    figures = day_figures(session, reports, lines, database.orders.of_runs(runs))
    if to_json:
        as_json(figures)
    else:
        _print_day(session, figures)


def _session(text: str, calendar: Any) -> Session:
    try:
        asked = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a date has no zone
    except ValueError as error:
        message = f"DATE is {text!r}; expected a date such as 2015-12-24"
        raise InputError(message) from error
    session: Session | None = calendar.session(asked)
    if session is None:
        noon = datetime(asked.year, asked.month, asked.day, 12, tzinfo=NEW_YORK)
        message = f"{text}: {calendar.why_closed(noon)}"
        raise InputError(message)
    return session


@contextmanager
def _progress(session: Session, visible: bool) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, disable=not visible) as progress:
        task = progress.add_task(str(session.day), total=len(list(session.ticks())) + 1)
        yield lambda: progress.advance(task)


def _print_day(session: Session, figures: Mapping[str, Any]) -> None:
    from rich.table import Table

    out = console()
    opens, closes = (at.astimezone(NEW_YORK) for at in (session.opens_at, session.closes_at))
    out.print(
        f"\n[bold]{session.day}[/bold]  {opens:%H:%M} to {closes:%H:%M} New York, "
        f"{figures['ticks']} ticks, {figures['decisions']} decisions recorded"
    )
    if not figures["worked_now"]:
        out.print(f"Nothing was done: {figures['not_worked']}.")
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("closed by")
    for name in ("positions", "realised", "net of costs"):
        table.add_column(name, justify="right")
    for reason, sums in figures["closed_by"].items():
        gross, net = say_dollars(sums["realised_pnl"]), say_dollars(sums["realised_pnl_net"])
        table.add_row(reason, str(sums["positions"]), gross, net)
    out.print(table)
    out.print(
        f"{figures['orders']} orders, {figures['contracts_filled']} contracts filled, "
        f"{figures['closed']} positions closed, {figures['open']} still open; realised "
        f"[bold]{say_dollars(figures['realised_pnl'])}[/bold] dollars gross, "
        f"[bold]{say_dollars(figures['realised_pnl_net'])}[/bold] net"
    )


def quiet() -> None:
    """Leave the terminal to the tables; how a run failed is said in one sentence at the end."""
    import logging

    from exit_pipeline.defs.loggers import PACKAGE_LOGGER, RUN_LOGGER

    logging.getLogger(PACKAGE_LOGGER).setLevel(logging.ERROR)
    logging.getLogger(RUN_LOGGER).setLevel(logging.CRITICAL)
