"""Whether the books are sound, as checks of the assets: after each tick, or when none comes."""

from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from exit_pipeline.core.model.book_state import BookCheck
from exit_pipeline.defs.assets import DECISIONS, ORDERS, POSITIONS
from exit_pipeline.defs.replay import in_one_sentence
from exit_pipeline.defs.resources import environment_of
from exit_pipeline.defs.views import Metadata, table
from exit_pipeline.ports import Calendar, Clock, Database
from exit_pipeline.services.check_book import (
    LOOKED_BACK,
    Checked,
    check_book,
    look_at_book,
    scope_of,
)
from exit_pipeline.services.heartbeat import LIMIT
from exit_pipeline.services.reconcile_orders import QUARANTINE
from exit_pipeline.settings import Settings

_DAYS: Final = f"Of the last {LOOKED_BACK.days} days."

_SPECS: Final = {
    BookCheck.EVERY_ORDER_HAS_A_DECISION: (
        ORDERS,
        "Every order that was sent has a decision of its position to exit, made in earnest. "
        f"{_DAYS}",
    ),
    BookCheck.EVERY_EXIT_HAS_AN_ORDER: (
        DECISIONS,
        "Every decision to exit has an order, a denial, or a reason why its tick sent nothing. Of "
        f"ticks that succeeded; one that failed is decided anew by the next one. {_DAYS}",
    ),
    BookCheck.NEVER_EXITED_ABOVE_HELD: (
        POSITIONS,
        "No position has lost more contracts than it had, by orders, settlements and closings "
        f"elsewhere together. Of positions that are open or had orders: {_DAYS.lower()}",
    ),
    BookCheck.NO_TICK_GAP: (
        DECISIONS,
        "In today's session no account with open positions was left alone for more than "
        f"{LIMIT.total_seconds() / 60:.0f} minutes, from the opening or the arrival of its oldest "
        "open position on. What fails stays failed until the next session.",
    ),
    BookCheck.NO_ORDER_UNKNOWN_FOR_LONG: (
        ORDERS,
        f"No order is in doubt for longer than {QUARANTINE.total_seconds():.0f} seconds: the "
        "broker may or may not have it, and its position waits.",
    ),
}

SPECS: Final = tuple(
    dg.AssetCheckSpec(check.value, asset=asset.key, description=description)
    for check, (asset, description) in _SPECS.items()
)


@dg.multi_asset_check(
    name="book_checks",
    specs=list(SPECS),
    can_subset=True,
    description="Ask five questions about the books of this environment, which every tick asks as "
    "well: in one statement, which changes nothing.",
)
def book_checks(
    context: dg.AssetCheckExecutionContext,
    database: dg.ResourceParam[Database],
    calendar: dg.ResourceParam[Calendar],
    clock: dg.ResourceParam[Clock],
) -> Iterator[dg.AssetCheckResult]:
    """Answer those that were asked."""
    scope = scope_of(environment_of(Settings.from_env()), calendar, clock.now())
    with in_one_sentence():
        state = look_at_book(scope, database=database)
    asked = {key.name for key in context.selected_asset_check_keys}
    for one in check_book(state, scope):
        if one.check.value not in asked:
            continue
        yield dg.AssetCheckResult(
            check_name=one.check.value,
            asset_key=_SPECS[one.check][0].key,
            passed=one.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=_say(one),
            metadata=_shown(one),
        )


check_job = dg.define_asset_job(
    "check_job",
    selection=dg.AssetSelection.checks(book_checks),
    description="Ask whether the books are sound, and change nothing: what every tick asks when it "
    "is done, also when no tick comes.",
    executor_def=dg.in_process_executor,
)


def evaluations(checked: Sequence[Checked]) -> list[dg.AssetCheckEvaluation]:
    """The answers as events of the run that found them."""
    return [
        dg.AssetCheckEvaluation(
            asset_key=_SPECS[one.check][0].key,
            check_name=one.check.value,
            passed=one.passed,
            severity=dg.AssetCheckSeverity.ERROR,
            description=_say(one),
            metadata=_shown(one),
        )
        for one in checked
    ]


def _say(one: Checked) -> str:
    if one.passed:
        return f"sound; looked at: {one.covers}"
    newest = one.faults[0]
    more = f", and {one.count - 1} more" if one.count > 1 else ""
    return f"{newest.subject}: {newest.what}{more}"


def _shown(one: Checked) -> Metadata:
    rows = [
        {
            "which": fault.subject,
            "at": "" if fault.at is None else f"{fault.at:%Y-%m-%d %H:%M:%S} UTC",
            "what": fault.what,
        }
        for fault in one.faults
    ]
    return {"faults": one.count, "looked_at": one.covers} | ({"rows": table(rows)} if rows else {})
