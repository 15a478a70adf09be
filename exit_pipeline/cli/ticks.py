"""Commands that decide: tick, day."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from exit_pipeline.cli.show import NEW_YORK, as_json, console, print_report, report_as_json
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.session import Session
from exit_pipeline.policies import load_policies
from exit_pipeline.services.tick import TickReport, parse_instant
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
    from exit_pipeline.defs.resources import make_calendar, open_database

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
    reports = run_session(session, settings, tape, show_progress=not to_json)
    lines = database.positions.listing("tape")
    # Read again, since an order may have filled after the tick that sent it.
    runs = [run.run_id for report in reports for run in report.runs]
    figures = _day_figures(session, reports, lines, database.orders.of_runs(runs))
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


def take_in(
    settings: Settings,
    book: Path | None,
    gex_signals: Path | None,
    *,
    tape: Path | None = None,
    environment: str | None = None,
) -> None:
    """Import a book and gamma signals into the environment that a run will work in."""
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.services.import_book import import_book, read_book, read_gex_signals

    signals = read_gex_signals(gex_signals) if gex_signals else []
    with built(resources(settings, tape_dir=tape, environment=environment)) as parts:
        if book:
            positions = read_book(
                book,
                broker=parts.broker.name,
                environment=parts.broker.environment,
                policies=load_policies(settings.policies),
            )
            import_book(positions, broker=parts.broker, database=parts.database)
        parts.database.signals.import_gex_signals(signals)


def run_session(
    session: Session, settings: Settings, tape: Path, *, show_progress: bool
) -> list[TickReport]:
    """Run the ticks of a session, and after its close settle what has expired."""
    import dagster as dg

    from exit_pipeline.defs.launch import run_exit_job
    from exit_pipeline.defs.resources import resources

    # Dagster's record of 42 runs would tell nothing that the database doesn't.
    with dg.DagsterInstance.ephemeral() as on, _progress(session, show_progress) as advance:
        reports = []
        for at in [*session.ticks(), session.closes_at]:
            shells = resources(settings, at=at.isoformat(), tape_dir=tape)
            report = run_exit_job({}, shells, on)
            held = [run.reason for run in report.runs if run.is_held]
            if held:
                message = f"{at:%H:%M} UTC: {held[0]}; try again when it is done"
                raise UnavailableError(message)
            reports.append(report)
            advance()
        return reports


@contextmanager
def _progress(session: Session, visible: bool) -> Iterator[Any]:
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


def _day_figures(
    session: Session,
    reports: Sequence[TickReport],
    lines: Sequence[PositionLine],
    orders: Sequence[ExitOrder],
) -> dict[str, Any]:
    reasons = Counter(
        one.exit_reason for report in reports for one in report.decisions if one.exit_reason
    )
    return {
        "day": str(session.day),
        "ticks": len(reports) - 1,
        "worked_now": sum(bool(report.executed.decided.tick.run_ids) for report in reports),
        "not_worked": _why_not_worked(reports),
        "decisions": sum(len(report.decisions) for report in reports),
        "exit_decisions_by_reason": dict(reasons.most_common()),
        "orders": len(orders),
        "contracts_filled": sum(order.filled_quantity for order in orders),
        "closed": sum(line.status == "CLOSED" for line in lines),
        "open": sum(line.status == "OPEN" for line in lines),
        **_profit(lines),
        "closed_by": {
            reason: {"positions": len(closed), **_profit(closed)}
            for reason, closed in _closed_by_reason(lines).items()
        },
    }


def _why_not_worked(reports: Sequence[TickReport]) -> str:
    """Why the first tick was not worked, for the first account; empty where it was."""
    runs = reports[0].executed.decided.tick.runs
    return next((run.reason for run in runs if run.reason), "")


def _profit(lines: Sequence[PositionLine]) -> dict[str, Decimal]:
    nothing = Decimal(0)
    return {
        "realised_pnl": sum((line.realized_pnl or nothing for line in lines), nothing),
        "realised_pnl_net": sum((line.realized_pnl_net or nothing for line in lines), nothing),
    }


def _closed_by_reason(lines: Sequence[PositionLine]) -> dict[str, list[PositionLine]]:
    closed: dict[str, list[PositionLine]] = {}
    for line in lines:
        if line.status == "CLOSED":
            closed.setdefault(line.exit_reason or line.close_kind or "", []).append(line)
    return dict(sorted(closed.items(), key=lambda one: -len(one[1])))


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
