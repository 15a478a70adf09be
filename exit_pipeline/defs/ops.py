"""The six ops of a tick: each calls one service and shows what it did.

Ops carry no retry policy: an op that sends orders must not run twice by itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import dagster as dg

from exit_pipeline.core.engine.check_orders import OrderLimits
from exit_pipeline.core.model.errors import ExitPipelineError, UnavailableError
from exit_pipeline.defs import context_view, views
from exit_pipeline.defs.config import ExitConfig, to_request
from exit_pipeline.defs.pictures import pictures
from exit_pipeline.defs.tell import tell
from exit_pipeline.policies import load_policies
from exit_pipeline.ports import Broker, Calendar, Clock, Database, MarketData
from exit_pipeline.redaction import scrubbed
from exit_pipeline.services.close_tick import close_tick
from exit_pipeline.services.context import build_context as build_market_context
from exit_pipeline.services.decide_tick import decide_tick
from exit_pipeline.services.market import fetch_market
from exit_pipeline.services.open_tick import open_tick
from exit_pipeline.services.submit import execute_tick
from exit_pipeline.services.tick import (
    ContextTick,
    DecidedTick,
    ExecutedTick,
    MarketTick,
    OpenTick,
    TickReport,
)
from exit_pipeline.settings import Settings

TICK_AT_TAG = "exit_pipeline/tick_at"
"""Tag of a scheduled run: the time that its tick was due."""


@contextmanager
def step(context: dg.OpExecutionContext, database: Database) -> Iterator[None]:
    """Work of one op: where it fails, the run's accounts are given back at once.

    A mistake of a person's is shown as its sentence instead of a traceback. Nothing that leaves an
    op has a secret in it.
    """
    try:
        with scrubbed():
            yield
    except Exception as error:
        with suppress(UnavailableError):
            database.runs.fail(context.run_id, str(error))
        if isinstance(error, ExitPipelineError):
            raise dg.Failure(str(error), allow_retries=False) from None
        raise


@dg.op(description="Open the tick, bring the books up to date, load the open positions.")
def fetch_positions(
    context: dg.OpExecutionContext,
    config: ExitConfig,
    broker: dg.ResourceParam[Broker],
    database: dg.ResourceParam[Database],
    market_data: dg.ResourceParam[MarketData],
    calendar: dg.ResourceParam[Calendar],
    clock: dg.ResourceParam[Clock],
) -> OpenTick:
    """Open the tick."""
    with step(context, database):
        request = to_request(config, context.run_id, context.run.tags.get(TICK_AT_TAG))
        settings = Settings.from_env()
        tick = open_tick(
            # Settings of who runs the program, and so no part of the form that others fill in.
            replace(
                request,
                import_held=settings.import_positions,
                policies=load_policies(settings.policies),
                shadow_policies=settings.shadow_policies,
            ),
            broker=broker,
            database=database,
            market_data=market_data,
            calendar=calendar,
            clock=clock,
        )
    for note in tick.notes:
        context.log.info("ExitWorker: %s", note)
    context.add_output_metadata(views.positions(tick))
    return tick


@dg.op(
    description="Fetch quotes of the contracts, prices of the underlyings, VIX, VIX3M and VIX9D."
)
def fetch_market_data(
    context: dg.OpExecutionContext,
    tick: OpenTick,
    market_data: dg.ResourceParam[MarketData],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> MarketTick:
    """Fetch the market."""
    with step(context, database):
        seen = fetch_market(tick, market_data=market_data, database=database, clock=clock)
    context.add_output_metadata(views.market(seen))
    return seen


@dg.op(description="Put together VIX, trend, regime and gamma exposure, each with its age.")
def build_context(
    context: dg.OpExecutionContext,
    seen: MarketTick,
    market_data: dg.ResourceParam[MarketData],
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
) -> ContextTick:
    """Build the context."""
    with step(context, database):
        known = build_market_context(
            seen,
            market_data=market_data,
            database=database,
            calendar=calendar,
            every_minutes=Settings.from_env().chain_minutes,
        )
    context.add_output_metadata(context_view.context(known) | _pictures(context, known))
    return known


def _pictures(context: dg.OpExecutionContext, known: ContextTick) -> dict[str, Any]:
    """Pictures, where a UI can show them; what goes wrong in drawing costs no tick."""
    if context.instance.is_ephemeral:
        return {}
    try:
        return pictures(known)
    except Exception:
        context.log.exception("ExitWorker: the context can't be drawn")
        return {}


@dg.op(description="Decide every position under its policy and record why.")
def decide(
    context: dg.OpExecutionContext,
    known: ContextTick,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
) -> DecidedTick:
    """Decide."""
    with step(context, database):
        decided = decide_tick(known, database=database, calendar=calendar)
    context.add_output_metadata(views.decisions(decided))
    return decided


@dg.op(description="Record each closing order, then send it, most urgent first.")
def execute(
    context: dg.OpExecutionContext,
    decided: DecidedTick,
    broker: dg.ResourceParam[Broker],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
    order_limits: dg.ResourceParam[OrderLimits],
    market_data: dg.ResourceParam[MarketData],
) -> ExecutedTick:
    """Send what is due."""
    with step(context, database):
        executed = execute_tick(
            decided,
            broker=broker,
            database=database,
            clock=clock,
            limits=order_limits,
            market_data=market_data,
        )
    context.add_output_metadata(views.executed(executed))
    return executed


@dg.op(description="Leave marks on the positions, close the runs, report and check the tick.")
def persist(
    context: dg.OpExecutionContext,
    executed: ExecutedTick,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
) -> TickReport:
    """Close the tick."""
    with step(context, database):
        report = close_tick(executed, database=database)
    context.log.info("ExitWorker: %s", dict(report.counts))
    tell(context, report, database, calendar)
    return report
