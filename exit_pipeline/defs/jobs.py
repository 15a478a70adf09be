"""The job: the six ops in a row."""

import dagster as dg

from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs import ops
from exit_pipeline.defs.config import exit_config
from exit_pipeline.defs.loggers import console

EXCLUSIVE_TAG = "exit_pipeline/exclusive"
"""Runs with the same value of this tag are not started at once (see ``dagster.yaml``). That is
politeness between queued runs; the lease in the database is what holds."""

MAX_RUNTIME_TAG = "dagster/max_runtime"
"""Seconds after which run monitoring ends a run. A tick's is below one slot of the schedule, and
the time for which its lease on its accounts lasts; that of other runs is in ``dagster.yaml``."""


@dg.job(
    config=exit_config,
    executor_def=dg.in_process_executor,
    logger_defs={"console": console},
    tags={EXCLUSIVE_TAG: "exit_job", MAX_RUNTIME_TAG: f"{LEASE.total_seconds():.0f}"},
    description="One tick: look at every open position, and leave those that are due.\n"
    "\n"
    "1. `fetch_positions`: take the accounts, bring the books up to date with the broker\n"
    "2. `fetch_market_data`: quotes, and prices of the underlyings\n"
    "3. `build_context`: VIX, trend, regime, gamma exposure\n"
    "4. `decide`: judge every rule on every position, and record why\n"
    "5. `execute`: record each closing order, then send it\n"
    "6. `persist`: leave marks, close the tick, check the books\n"
    "\n"
    "What a tick did is at the end of its run's log. To see what one would do now, launch it with "
    "`dry_run: true` from the Launchpad.",
)
def exit_job() -> None:
    """One tick."""
    tick = ops.fetch_positions()
    seen = ops.fetch_market_data(tick)
    known = ops.build_context(seen)
    decided = ops.decide(known)
    executed = ops.execute(decided)
    ops.persist(executed)
