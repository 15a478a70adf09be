"""Recorded decisions, made again: an asset by trading day, and the job that materialises it."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.recorded import EVERYTHING
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayKind
from exit_pipeline.defs.assets import DECISIONS
from exit_pipeline.defs.replay_form import FORM
from exit_pipeline.defs.trading_days import TRADING_DAYS
from exit_pipeline.ports import Calendar, Database

NAME: Final = "decision_replays"
NO_DRIFT: Final = "no_drift"

POOL: Final = "replays"
"""Runs that replay share this pool, which holds one of them (see ``dagster.yaml``). It holds
however a run is launched: a run that the UI launches for the asset has no tags of the job."""

_DESCRIPTION: Final = (
    "Recorded decisions, made again: by their own policies, where nothing may differ, or by "
    "another policy, to see what it would have left. It sends no orders.\n"
    "\n"
    "**One partition is one trading day.**\n"
    "1. *Materialize…* and choose the days: one, or a range. Any range is one run. Days of more "
    "than 90 days ago are under *Show all partitions*.\n"
    "2. As it stands that is an audit. For another policy, open *Config* below the days and write "
    "what it shall be, either a whole policy (`policy: long_premium`) or thresholds over each "
    "position's own (`set`): "
    "`ops: {decision_replays: {config: {mode: what-if, set: stop_loss.percent=25}}}`\n"
    "3. Each day shows its figures and a picture under *Partitions*; the range as a whole is an "
    "observation under *Events*.\n"
    "\n"
    "A green day was replayed, also where nothing was recorded on it, which its note says. The "
    "check `no_drift` says whether any audited day differs from what was recorded. Days that are "
    "replayed anew replace what is kept of them in that mode and of that policy. "
    "`replay_schedule` audits each session at 17:30 in New York."
)


def _replay_days(
    context: dg.AssetExecutionContext,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
) -> Iterator[dg.MaterializeResult[None]]:
    """Replay the days of the run's partitions, and call a person where anything differs."""
    # Loaded by the run that replays: the process of each tick loads this module too.
    from exit_pipeline.defs.replay_modes import replay
    from exit_pipeline.defs.replay_view import drift

    days = [date.fromisoformat(key) for key in context.partition_keys]
    with in_one_sentence():
        done = replay(days, context.op_execution_context.op_config, database, calendar)
        kept = database.replays.days(ReplayKind.AUDIT, EVERYTHING, date.min, date.max)
    for day, shown in done.days.items():
        context.add_asset_metadata(shown, partition_key=str(day))
    for alarm in done.alarms:
        context.log.error("replay: %s", alarm)
    context.log.info("replay: %s", done.said)
    if done.whole:
        context.log_event(dg.AssetObservation(context.asset_key, metadata=done.whole))
    yield dg.MaterializeResult(check_results=[_no_drift(kept, drift(kept))])


def _no_drift(kept: Sequence[ReplayedDay], shown: dict[str, Any]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=NO_DRIFT,
        passed=not any(day.differing or day.ahead for day in kept),
        severity=dg.AssetCheckSeverity.ERROR,
        metadata=shown,
    )


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Show a person's mistake, or a server that does not answer, as its sentence."""
    try:
        yield
    except ExitPipelineError as error:
        raise dg.Failure(str(error), allow_retries=False) from None


with warnings.catch_warnings():
    # Dagster may still change how a backfill policy is said; each start would say so.
    warnings.simplefilter("ignore", dg.BetaWarning)
    decision_replays = dg.asset(
        name=NAME,
        group_name="exits",
        description=_DESCRIPTION,
        deps=[DECISIONS],
        partitions_def=TRADING_DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                NO_DRIFT,
                asset=NAME,
                description="Of all days whose audit is kept, no decision differs from what was "
                "recorded, and none knew what was not known yet. A clean day hides no earlier one.",
            )
        ],
        config_schema=FORM,
        pool=POOL,
    )(_replay_days)


replay_job = dg.define_asset_job(
    "replay_job",
    selection=dg.AssetSelection.assets(NAME) | dg.AssetSelection.checks_for_assets(NAME),
    description="Make the decisions of past trading days again: one partition is one day, and any "
    "range of days is one run.\n"
    "\n"
    "Press *Materialize…* and choose the days. The asset `decision_replays` says how to try "
    "another policy, and shows what came of each day. Sends no orders, and no tick waits for it; "
    "replays wait for each other.",
    executor_def=dg.in_process_executor,
)
