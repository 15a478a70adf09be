"""Commands that make recorded decisions again: replay audit, what-if and shadow."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exit_pipeline.cli.read_day import read_day
from exit_pipeline.cli.show import NEW_YORK, as_json, console
from exit_pipeline.cli.what_if import shadow, what_if
from exit_pipeline.services.audit import audit_days
from exit_pipeline.services.audit_report import CHUNK, SHOWN, AuditReport, AuditRequest, Cell
from exit_pipeline.settings import Settings


@click.group()
def replay() -> None:
    """Make recorded decisions again, as they were made and as another policy makes them."""


replay.add_command(what_if)
replay.add_command(shadow)


@replay.command()
@click.option("--from", "first", required=True, help="First trading day, YYYY-MM-DD.")
@click.option("--to", "last", required=True, help="Last trading day, itself included.")
@click.option("--environment", help="Only of paper, live, tape or simulated.")
@click.option("--mode", help="Only of this mode: live, or a source such as recorded.")
@click.option("--dry-runs/--no-dry-runs", "dry_run", default=None, help="Only, or no, dry runs.")
@click.option(
    "--reasoning", "with_reasoning", is_flag=True, help="Compare the sentences too, which is slow."
)
@click.option("--keep/--no-keep", default=True, help="Keep what comes of each day.")
@click.option(
    "--resume", "skip_audited", is_flag=True, help="Pass over days that this version has audited."
)
@click.option("--chunk", type=int, default=CHUNK, show_default=True, help="Decisions in memory.")
@click.option(
    "--show", "shown", type=int, default=SHOWN, show_default=True, help="Differences to show."
)
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def audit(first: str, last: str, to_json: bool, **asked: Any) -> None:
    """Decide each recorded decision again by its own policy: nothing may differ.

    Exits 1 if anything differs, or if a decision knew what was not known yet.
    """
    from exit_pipeline.defs.resources import make_calendar, open_database

    request = AuditRequest(first=read_day("--from", first), last=read_day("--to", last), **asked)
    with _progress(request, visible=not to_json) as progress:
        report = audit_days(
            request,
            database=open_database(Settings.from_env()),
            calendar=make_calendar(),
            progress=progress,
        )
    report.refuse_nothing()
    if to_json:
        as_json(_facts(report))
    else:
        _print(report)
    if not report.is_clean:
        raise SystemExit(1)


@contextmanager
def _progress(request: AuditRequest, *, visible: bool) -> Iterator[Callable[[date, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days, {task.fields[decisions]:,} decisions"),
        TimeElapsedColumn(),
    )
    decisions = 0
    with Progress(*columns, disable=not visible, transient=True) as progress:
        task = progress.add_task("audit", total=len(list(request.days())), decisions=0)

        def advance(day: date, count: int) -> None:
            nonlocal decisions
            decisions += count
            progress.update(task, advance=1, description=str(day), decisions=decisions)

        yield advance


def _facts(report: AuditReport) -> dict[str, Any]:
    return {
        "from": str(report.request.first),
        "to": str(report.request.last),
        "decisions": report.decisions,
        "differing": report.differing,
        "ahead": report.looking_ahead,
        "left_out": report.left_out,
        "code_versions": report.code_versions,
        "code_version": report.code_version,
        "differing_columns": report.columns,
        "differences": [asdict(cell) for cell in report.differences],
        "looks_ahead": [asdict(cell) for cell in report.ahead],
        "days": [asdict(day) | {"trading_day": str(day.key.trading_day)} for day in report.days],
        "resumed_days": report.audited_before,
        "kept": report.request.keep,
    }


def _print(report: AuditReport) -> None:
    out = console()
    days = "1 day" if len(report.days) == 1 else f"{len(report.days)} days"
    before = f", {report.audited_before} of them audited before" if report.audited_before else ""
    out.print(
        f"[bold]{report.request.first} to {report.request.last}[/bold]  {days} with decisions"
        f"{before}: {report.decisions:,} decisions made again",
        highlight=False,
    )
    versions = ", ".join(f"{name} ({count:,})" for name, count in report.code_versions.items())
    out.print(
        f"Decided by version {versions or 'not known'}; made again by {report.code_version}.",
        highlight=False, markup=False,
    )  # fmt: skip
    for reason, count in report.left_out.most_common():
        out.print(f"Not replayable: {count:,} {reason}.", highlight=False, markup=False,
                  soft_wrap=True)  # fmt: skip
    _print_cells(out, report)
    if report.is_clean:
        out.print("[green]Every decision is what was recorded, and none looked ahead.[/green]")


def _print_cells(out: Console, report: AuditReport) -> None:
    if report.differing:
        out.print(
            f"[bold red]INCIDENT[/bold red] {report.differing:,} decisions are not what was "
            "recorded.",
            highlight=False,
        )
        told = ", ".join(f"{name} {count:,}" for name, count in report.columns.most_common())
        if told:
            out.print(f"By column: {told}.", highlight=False, markup=False, soft_wrap=True)
        _print_table(out, report.differences, ("recorded", "is now"), report.cells)
    if report.looking_ahead:
        out.print(
            f"[bold red]INCIDENT[/bold red] {report.looking_ahead:,} decisions had an input of a "
            "later time than their own.",
            highlight=False,
        )
        _print_table(out, report.ahead, ("input's time", "decided"), report.looking_ahead)


def _print_table(out: Console, cells: Sequence[Cell], titles: tuple[str, str], number: int) -> None:
    if not cells:
        return
    table = Table(header_style="bold", pad_edge=False)
    for name in ("position", "decided, New York", "column"):
        table.add_column(name, no_wrap=True)
    for name in (*titles, "decided by"):
        table.add_column(name, overflow="fold")
    for cell in cells:
        at = cell.decided_at.astimezone(NEW_YORK)
        table.add_row(
            escape(cell.position_id), f"{at:%Y-%m-%d %H:%M:%S}", cell.column,
            *(escape(_say(value)) for value in (cell.recorded, cell.made)), cell.code_version,
        )  # fmt: skip
    out.print(table)
    if number > len(cells):
        out.print(f"... and {number - len(cells):,} more.", highlight=False)


def _say(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S.%f}"
    return "nothing" if value is None else str(value)
