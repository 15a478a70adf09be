"""What a tick leaves on the assets: figures that their pages plot over time.

What is not known is left out, so that a plot has a hole there and no zero.
"""

from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.book_state import BookState
from exit_pipeline.core.model.reading import ReadingState
from exit_pipeline.defs.assets import CONTEXT, DECISIONS, ORDERS, POSITIONS
from exit_pipeline.defs.order_view import order_figures
from exit_pipeline.defs.pictures import most_gamma, small_pictures
from exit_pipeline.defs.views import Metadata, exit_rows, table
from exit_pipeline.services.context_details import ContextDetails
from exit_pipeline.services.tick import DecidedTick, TickReport

_MILLION: Final = 1e6
_INDICES: Final = ("VIX", "VIX3M", "VIX9D")
_UNDERLYINGS: Final = 12
"""Whose gamma is plotted, those with the most: a page of a hundred plots is read by nobody."""


def materializations(done: TickReport, state: BookState) -> list[dg.AssetMaterialization]:
    """A tick's figures on the assets that it wrote; none of a dry run, which is no history.

    Args:
        done: The tick.
        state: The books after it.
    """
    decided = done.executed.decided
    if decided.tick.request.dry_run or not decided.tick.run_ids:
        return []
    shown = {POSITIONS.key: positions(decided, state)}
    if decided.details is not None:
        shown[CONTEXT.key] = market(decided.details)
    if decided.stored:
        shown[DECISIONS.key] = decisions(done)
    if state.orders:
        shown[ORDERS.key] = order_figures(state.orders)
    where = {
        "environment": decided.tick.identity.environment,
        "tick_at": dg.MetadataValue.timestamp(decided.tick.identity.tick_at),
    }
    return [
        dg.AssetMaterialization(key, metadata=figures | where) for key, figures in shown.items()
    ]


def positions(decided: DecidedTick, state: BookState) -> Metadata:
    """P&L in dollars, where the tick saw every account of its environment."""
    figures: dict[str, float | None] = {
        "positions": len(decided.stored),
        "realised_pnl": None if state.realised_pnl is None else float(state.realised_pnl),
    }
    accounts = decided.accounts
    tick = decided.tick
    is_whole = not tick.request.accounts and len(tick.run_ids) == len(tick.runs)
    if accounts and is_whole:
        unmarked = sum(one.unmarked for one in accounts.values())
        days = [one.day for one in accounts.values()]
        figures |= {
            # To the cent: a sum of floats has more digits than anybody wants on a page.
            "open_pnl": round(sum(one.open for one in accounts.values()), 2)
            if unmarked < len(decided.stored)
            else None,
            "positions_without_mark": unmarked,
            "day_pnl": None
            if None in days
            else round(sum(day for day in days if day is not None), 2),
        }
    rows = [
        {
            "account": account,
            "open_pnl": f"{one.open:+,.2f}",
            "realised_pnl": f"{one.realised:+,.2f}",
            "day_pnl": "not known" if one.day is None else f"{one.day:+,.2f}",
            "below_peak": "not known" if one.drawdown is None else f"{one.drawdown:,.2f}",
        }
        for account, one in sorted(accounts.items())
    ]
    return known(figures) | ({"when_decided": table(rows)} if rows else {})


def market(details: ContextDetails) -> Metadata:
    """Indices and gamma exposure, as far as they are fresh, with small pictures of both."""
    fresh = {
        name: reading.value
        for name, reading in details.readings.items()
        if reading.state(details.at) is ReadingState.FRESH
    }
    figures: dict[str, float | None] = {name.lower(): fresh.get(name) for name in _INDICES}
    for ticker in most_gamma(details)[:_UNDERLYINGS]:
        gamma = details.underlyings[ticker].gamma
        if gamma is not None and gamma.net is not None:
            figures[f"net_gamma_{ticker}"] = round(gamma.net / _MILLION, 3)
        if gamma is not None and gamma.zero_gamma is not None:
            figures[f"zero_gamma_{ticker}"] = round(gamma.zero_gamma, 2)
    return small_pictures(details) | known(figures)


def decisions(done: TickReport) -> Metadata:
    """Exits by reason, with a zero for each rule that was judged and let nothing go."""
    judged = {
        f"exit_{reason.lower()}": 0
        for policy in done.executed.decided.policies
        for reason in policy.reasons
    }
    counts = {
        name: count
        for name, count in done.counts.items()
        if name in {"exits", "holds", "quotes_refused"} or name.startswith("exit_")
    }
    return {"decisions": table(exit_rows(done.decisions)), **judged, **counts}


def known(figures: Mapping[str, float | None]) -> dict[str, Any]:
    """The figures that are known."""
    return {name: value for name, value in figures.items() if value is not None}
