"""What is told of a tick when it is done: to its assets, to their checks, and on its own page."""

from datetime import datetime
from typing import Final

import dagster as dg

from exit_pipeline.core.model.book_state import BookScope, BookState
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.defs.book_checks import evaluations
from exit_pipeline.defs.history import materializations
from exit_pipeline.defs.pictures import small_pictures
from exit_pipeline.defs.views import Metadata
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.check_book import check_book, look_at_book, scope_of
from exit_pipeline.services.open_tick import SLOT
from exit_pipeline.services.tell_tick import tell_tick
from exit_pipeline.services.tick import TickReport

_QUARTER_SECONDS: Final = 15 * 60


def tell(
    context: dg.OpExecutionContext, done: TickReport, database: Database, calendar: Calendar
) -> None:
    """Tell what a tick did, where a UI can show it.

    The lines come last, since the page of a run shows the end of its log. The tick is done by
    now, so that a database which does not answer any more costs the telling and no more.
    """
    if context.instance.is_ephemeral:
        return
    tick = done.executed.decided.tick
    runs = [run.run_id for run in done.runs]
    scope = scope_of(tick.identity.environment, calendar, tick.at, runs)
    try:
        state = look_at_book(scope, database=database)
    except UnavailableError as error:
        context.log.warning("ExitWorker: the books are not checked: %s", error)
        return
    for event in materializations(done, state):
        context.log_event(event)
    for evaluation in _evaluations(done, state, scope):
        # It takes them, though its annotation does not say so yet.
        context.log_event(evaluation)  # type: ignore[arg-type]
    context.log.info(tell_tick(done, state.orders, calendar.zone))
    context.add_output_metadata(_shown(done))


def _evaluations(
    done: TickReport, state: BookState, scope: BookScope
) -> list[dg.AssetCheckEvaluation]:
    """The answers of the checks: what failed at once, and what passed every quarter of an hour.

    Writing all five takes Dagster as long as a sixth of a tick. A launch by hand writes them, for
    whoever waits for it. A dry run leaves none: it may stand at another time.
    """
    request, at = done.executed.decided.tick.request, done.executed.decided.tick.identity.tick_at
    if request.dry_run:
        return []
    checked = check_book(state, scope)
    is_due = request.tick_at is None or _quarter(at) != _quarter(at - SLOT)
    return evaluations(checked if is_due else [one for one in checked if not one.passed])


def _quarter(at: datetime) -> int:
    return int(at.timestamp()) // _QUARTER_SECONDS


def _shown(done: TickReport) -> Metadata:
    """Pictures alone: more would push the lines off the screen."""
    details = done.executed.decided.details
    return {} if details is None else small_pictures(details)
