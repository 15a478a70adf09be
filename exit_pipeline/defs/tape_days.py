"""Decisions of past days, made from a tape: an asset by trading day, and its job."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.defs.past_day import run_session, take_in
from exit_pipeline.defs.replay import in_one_sentence
from exit_pipeline.defs.tape_folder import tape_root, within
from exit_pipeline.defs.trading_days import TRADING_DAYS, why_no_session
from exit_pipeline.defs.views import Metadata, table
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.day_figures import day_figures
from exit_pipeline.settings import Settings

NAME: Final = "tape_decisions"

POOL: Final = "tapes"
"""Runs that work a tape share this pool, which holds one: two would meet in the same accounts."""

# Plain types, for the reason that defs/config.py gives.
_FORM: Final = {
    "tape": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="Folder of tapes within EXIT_TAPE_DIR; empty for that folder itself.",
    ),
    "book": dg.Field(
        str,
        default_value="",
        is_required=False,
        description="CSV file within EXIT_TAPE_DIR, whose positions are imported first; empty "
        "for those that the environment `tape` has. Gamma signals are taken from gex_signals.csv "
        "beside it, if there is one.",
    ),
    "policy": dg.Field(
        dg.Noneable(str),
        default_value=None,
        is_required=False,
        description="Policy over each position's own, such as: stop_loss.percent=25, gex_flip=off",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tape:
    """What a run reads, and where it writes."""

    folder: Path
    policy: str | None
    settings: Settings
    database: Database
    calendar: Calendar

    def work(self, day: date) -> Metadata:
        """Work a day; its figures, or one sentence why there are none."""
        session = self.calendar.session(day)
        if session is None:
            return {"decisions": 0, "note": why_no_session(day, self.calendar)}
        if not self.has(day):
            return {"decisions": 0, "note": f"the tape has no {day}"}
        reports = run_session(session, self.settings, self.folder, policy=self.policy)
        runs = [run.run_id for report in reports for run in report.runs]
        lines, orders = self.database.positions.listing("tape"), self.database.orders.of_runs(runs)
        return _shown(day_figures(session, reports, lines, orders))

    def has(self, day: date) -> bool:
        """Whether the tape has that day."""
        return (self.folder / day.isoformat()).is_dir()


def _work_days(
    context: dg.AssetExecutionContext,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
) -> Iterator[dg.MaterializeResult[None]]:
    """Work the days of the run's partitions, the earliest first."""
    days = [date.fromisoformat(key) for key in context.partition_keys]
    with in_one_sentence():
        tape = _open(context.op_execution_context.op_config, days, database, calendar)
        for day in days:
            shown = tape.work(day)
            context.add_asset_metadata(shown, partition_key=str(day))
            context.log.info("tape: %s: %s decisions", day, shown["decisions"])
    yield dg.MaterializeResult()


def _open(
    form: dict[str, Any], days: Sequence[date], database: Database, calendar: Calendar
) -> _Tape:
    # Whatever else is configured: a tape is worked on paper, and only in the environment `tape`.
    settings = replace(Settings.from_env(), broker="paper")
    root = tape_root(settings.tape_dir)
    tape = _Tape(
        folder=within(root, "tape", form["tape"], is_folder=True),
        policy=form["policy"],
        settings=settings,
        database=database,
        calendar=calendar,
    )
    if not any(tape.has(day) for day in days):
        span = str(days[0]) if len(days) == 1 else f"of {days[0]} to {days[-1]}"
        message = f"the tape has {'no' if len(days) == 1 else 'no day'} {span}"
        raise InputError(message)
    if form["book"]:
        book = within(root, "book", form["book"], is_folder=False)
        beside = book.with_name("gex_signals.csv")
        signals = beside if beside.resolve().is_relative_to(root) and beside.is_file() else None
        take_in(settings, book, signals, tape=tape.folder)
    if not database.positions.accounts("tape"):
        message = "there is no position of the environment tape; name a book"
        raise InputError(message)
    return tape


def _shown(figures: dict[str, Any]) -> Metadata:
    exits = [
        {"reason": reason, "decisions": count}
        for reason, count in figures["exit_decisions_by_reason"].items()
    ]
    shown: Metadata = {
        "ticks": figures["ticks"],
        "ticks_worked": figures["worked_now"],
        "decisions": figures["decisions"],
        "orders": figures["orders"],
        "contracts_filled": figures["contracts_filled"],
        "exits": table(exits),
    }
    return shown | ({"note": figures["not_worked"]} if not figures["worked_now"] else {})


with warnings.catch_warnings():
    # As in defs/replay.py.
    warnings.simplefilter("ignore", dg.BetaWarning)
    tape_decisions = dg.asset(
        name=NAME,
        group_name="exits",
        description="Simulated: decisions of past days, made from a tape and a book on paper, in "
        "the environment `tape` and the mode `recorded`. What was decided stays as it is, and "
        "days are worked in their order: a day before one that was worked already is passed over.",
        partitions_def=TRADING_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        config_schema=_FORM,
        pool=POOL,
    )(_work_days)


tape_job = dg.define_asset_job(
    "tape_job",
    selection=dg.AssetSelection.assets(NAME),
    description="Work past days from a tape and a book, to try a policy before the first live day. "
    "Sends nothing to any broker.",
    executor_def=dg.in_process_executor,
)
