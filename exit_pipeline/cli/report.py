"""The command that makes the page of a trading day."""

from pathlib import Path

import click

from exit_pipeline.cli.positions import ENVIRONMENT
from exit_pipeline.cli.read_day import read_day
from exit_pipeline.cli.ticks import FILE, quiet
from exit_pipeline.services.day_request import ReportRequest
from exit_pipeline.settings import Settings


@click.command()
@click.option("--date", "day", default=None, help="By default the last one with a record.")
@click.option("--account", default=None, help="Only this account of the broker.")
@click.option(
    "--environment",
    type=ENVIRONMENT,
    help="By default the first with a record of live, paper, tape, simulated.",
)
@click.option(
    "--to",
    "path",
    type=FILE,
    default=None,
    help="Write it here, - for standard output; by default into the folder EXIT_REPORTS.",
)
def report(
    day: str | None, account: str | None, environment: str | None, path: Path | None
) -> None:
    """Make one page of a trading day (YYYY-MM-DD), which needs no network and fits any screen.

    It shows each position's path and how far its rules were, the exits with slippage, P&L by
    reason, data quality and alerts, all from the record.
    """
    from exit_pipeline.defs.report import read_report, report_file
    from exit_pipeline.defs.resources import make_calendar, make_clock, open_database
    from exit_pipeline.pages.day import day_page
    from exit_pipeline.pages.write import write_page

    quiet()
    settings, calendar = Settings.from_env(), make_calendar()
    request = ReportRequest(
        day=read_day("--date", day) if day else None, environment=environment, account=account
    )
    found = read_report(
        request,
        settings=settings,
        database=open_database(settings),
        calendar=calendar,
        at=make_clock().now(),
    )
    page = day_page(found, calendar.zone)
    if str(path) == "-":
        click.echo(page)
        return
    if path:
        write_page(path, page)
    else:
        path = report_file(found, account, settings.report_folder)
        write_page(path, page, make_folder=True)
    click.echo(f"{found.session.day} {found.environment}: {found.summary.sentence}")
    click.echo(f"wrote {path}")
