"""The page of a trading day: made by hand, and by a schedule after the close."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.defs.loggers import console
from exit_pipeline.defs.replay import in_one_sentence
from exit_pipeline.defs.resources import environment_of
from exit_pipeline.defs.slots import slots
from exit_pipeline.defs.trading_days import ZONE, why_no_session
from exit_pipeline.ports import Calendar, Clock, Database
from exit_pipeline.services.day_report import DayReport, report_day
from exit_pipeline.services.day_request import ReportRequest, choose_day
from exit_pipeline.settings import Settings

_EVALUATED_EVERY: Final = timedelta(hours=1)

_FORM: Final = {
    "date": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="Trading day, such as 2026-03-18. Empty: the last one with a record.",
    ),
    "account": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="Only this account of the broker. Empty: all.",
    ),
}


def read_report(
    request: ReportRequest,
    *,
    settings: Settings,
    database: Database,
    calendar: Calendar,
    at: datetime,
) -> DayReport:
    """A trading day, held against the configured schedule.

    Raises:
        InputError: There is no such day, or no record of it.
        ConfigurationError: ``EXIT_WORKER_CRON`` is no cron expression.
    """
    chosen = choose_day(request, database=database, calendar=calendar, at=at)
    due = slots(settings, chosen.session.opens_at, chosen.session.closes_at)
    return report_day(chosen, due, database=database, at=at)


def report_file(report: DayReport, account: str | None, folder: Path) -> Path:
    """Where the page of a day lies: one file for each day, environment and account asked for.

    Example: ``2026-03-18-paper.html``, and ``2026-03-18-paper-PA3XYZ.html`` of one account.
    """
    named = [str(report.session.day), report.environment, *([account] if account else [])]
    # An account is whatever a broker or a file called it, and no path.
    return folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', '-'.join(named))}.html"


@dg.op(
    config_schema=_FORM,
    out=dg.Out(dg.Nothing),
    description="Read the day from the record and write its page into the folder EXIT_REPORTS; "
    "the page of before is replaced in one step.",
)
def write_report(
    context: dg.OpExecutionContext,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
    clock: dg.ResourceParam[Clock],
) -> None:
    """One page; the run tells where it lies and what is in it."""
    # Loaded by the run that writes: the process of each tick loads this module too.
    from exit_pipeline.pages.day import day_page
    from exit_pipeline.pages.write import write_page

    settings, account = Settings.from_env(), context.op_config["account"] or None
    with in_one_sentence():
        request = ReportRequest(
            day=_read(context.op_config["date"]),
            environment=environment_of(settings),
            account=account,
        )
        report = read_report(
            request, settings=settings, database=database, calendar=calendar, at=clock.now()
        )
        path = report_file(report, account, settings.report_folder)
        write_page(path, day_page(report, calendar.zone), make_folder=True)
    context.log.info("report: %s: %s", path, report.summary.sentence)
    context.add_output_metadata(_shown(path, report))


def _read(day: str) -> date | None:
    try:
        return date.fromisoformat(day) if day else None
    except ValueError as error:
        message = f"date is {day!r}; expected a date such as 2026-03-16"
        raise InputError(message) from error


def _shown(path: Path, report: DayReport) -> dict[str, Any]:
    summary = report.summary
    return {
        "page": dg.MetadataValue.path(path),
        "day": str(report.session.day),
        "summary": summary.sentence,
        "realised_after_costs": float(summary.net),
        "open_pnl": float(summary.open_pnl),
        "contracts_left": summary.contracts,
        "orders_denied": summary.denied,
        "ticks_missed": len(report.ticks.missed),
        "alerts_open": sum(summary.alerts.values()),
    }


@dg.config_mapping(config_schema=_FORM)
def _form(form: dict[str, Any]) -> dict[str, Any]:
    return {
        "ops": {"write_report": {"config": form}},
        "loggers": {"console": {"config": {}}},
    }


@dg.job(
    config=_form,
    executor_def=dg.in_process_executor,
    logger_defs={"console": console},
    description="One page for a trading day: positions with their paths, rules, exits, P&L, data "
    "quality, alerts. Reads the database and writes one file; sends nothing.",
)
def report_job() -> None:
    """One page."""
    write_report()


@dg.schedule(
    job=report_job,
    # Whenever the session ends: at 16:00, or at 13:00 on a short day.
    cron_schedule="10 13-16 * * 1-5",
    execution_timezone=ZONE,
    # It reads, and writes one file.
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Ten minutes after the close, make the page of the day.",
)
def report_schedule(
    context: dg.ScheduleEvaluationContext,
    calendar: dg.ResourceParam[Calendar],
    database: dg.ResourceParam[Database],
) -> dg.RunRequest | dg.SkipReason:
    """One run for each session that has a record, at the first evaluation after its close."""
    due = context.scheduled_execution_time.astimezone(calendar.zone)
    session = calendar.session(due.date())
    if session is None:
        return dg.SkipReason(f"there is no day to report: {why_no_session(due.date(), calendar)}")
    closes = f"{session.closes_at.astimezone(calendar.zone):%H:%M}"
    if due < session.closes_at:
        return dg.SkipReason(f"the session goes on until {closes} New York")
    if due - session.closes_at >= _EVALUATED_EVERY:
        return dg.SkipReason(f"the session closed at {closes} New York, and its page was made then")
    request = ReportRequest(day=session.day, environment=environment_of(Settings.from_env()))
    try:
        choose_day(request, database=database, calendar=calendar, at=due)
    except InputError as error:
        return dg.SkipReason(str(error))
    form = {"date": str(session.day)}
    return dg.RunRequest(run_key=str(session.day), run_config=form)
