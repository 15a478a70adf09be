"""A tick in a few lines of text: what was decided, why, and what came of it."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from functools import reduce
from operator import add
from typing import Final

from exit_pipeline.core.model.book_state import TickOrder
from exit_pipeline.core.model.contract import OptionContract
from exit_pipeline.core.model.position import Position
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.core.model.slippage import Slippage
from exit_pipeline.services.tick import TickReport

ROWS: Final = 8
"""Positions that are named: with three lines around them, as many as Dagster's page of a run shows
without a click."""

LINE: Final = 124
"""Characters of a line, which that page shows on a screen of 1600 pixels."""

_HEAD: Final = ("position", "contract", "P&L %", "decision", "filled, slippage")
_MOST, _CAME_OF = 24, 44
_WHY: Final = 3
_NARROWEST_WHY: Final = 24


def tell_tick(report: TickReport, orders: Sequence[TickOrder], zone: tzinfo) -> str:
    """Lines of equal columns: exits first, then whatever has moved most.

    Args:
        report: The tick.
        orders: Those that it sent, or that changed while it worked.
        zone: Of the exchange, in which its time is written.
    """
    decided = report.executed.decided
    at = decided.tick.at.astimezone(zone)
    head = f"{at:%H:%M} {_city(zone)}, {decided.tick.identity.environment}: {_say(report, orders)}"
    positions = {one.id: one for one in decided.decided}
    ordered = {order.position_id: order for order in orders}
    ranked = sorted(report.decisions, key=_rank)
    rows = [_HEAD, *(
        (
            one.position_id,
            say_contract(positions.get(one.position_id)),
            "" if one.pnl_percent is None else f"{one.pnl_percent:+.1f}",
            say_why(one),
            _came_of(one, ordered.get(one.position_id), report.executed.notes),
        )
        for one in ranked[:ROWS]
    )]  # fmt: skip
    more = len(ranked) - ROWS
    left_out = [f"and {more} more, all of them at the step decide"] if more > 0 else []
    return "\n".join([head, *(_aligned(rows) if ranked else ()), *left_out])


def say_why(decision: StoredDecision) -> str:
    """What decided, in one sentence; of a HOLD, which rule came nearest."""
    first = decision.reasoning[0] if decision.reasoning else "no reason is kept"
    return first.removeprefix("Nothing is due. ").replace(" closes ", " ", 1).rstrip(".")


def say_contract(position: Position | None) -> str:
    """A contract as a trader says it, such as ``IWM 258C 27Mar26``."""
    contract: OptionContract | None = position.contract if position else None
    if contract is None:
        return "not known"
    strike = f"{contract.strike.normalize():f}"
    return f"{contract.root} {strike}{contract.right[0]} {contract.expiration:%d%b%y}"


def slippage_of(orders: Sequence[TickOrder]) -> Slippage | None:
    """What all fills cost together; None where none of them can be judged."""
    known = [one.slippage for one in orders if one.slippage is not None]
    return reduce(add, known) if known else None


def say_slippage(slippage: Slippage | None) -> str:
    """Dollars and the share of the spread, such as ``$ 22.50, 30 % of the spread``."""
    if slippage is None:
        return ""
    share = slippage.of_spread
    of_spread = "" if share is None else f", {share:.0f} % of the spread"
    return f"$ {slippage.dollars:,.2f}{of_spread}"


def _say(report: TickReport, orders: Sequence[TickOrder]) -> str:
    counts = report.counts
    parts = [
        _many(counts["positions"], "position"),
        _many(counts["exits"], "exit"),
        _many(counts["quotes_refused"], "quote") + " refused",
        _many(len(orders), "order"),
        f"{counts['contracts_filled']:,} filled",
    ]
    slipped = say_slippage(slippage_of(orders))
    if report.executed.decided.tick.request.dry_run:
        parts.append("a dry run, of which nothing is sent")
    return ", ".join([*parts, *([f"slippage {slipped}"] if slipped else [])])


def _rank(decision: StoredDecision) -> tuple[bool, float, str]:
    moved = 0.0 if decision.pnl_percent is None else abs(decision.pnl_percent)
    return decision.decision == "HOLD", -moved, decision.position_id


def _came_of(decision: StoredDecision, order: TickOrder | None, notes: Mapping[str, str]) -> str:
    if order is None or notes.get(decision.position_id):
        return notes.get(decision.position_id, "")
    if not order.filled_quantity:
        return f"{order.status} at {say_dollars(order.limit_price)}"
    filled = f"{order.filled_quantity} of {order.quantity} at {say_dollars(order.average_price)}"
    return filled if order.slippage is None else f"{filled}, $ {order.slippage.dollars:,.2f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their cells; why a decision was made gets what is left of the line."""
    widths = [min(max(map(len, column)), _MOST) for column in zip(*rows, strict=True)]
    widths[-1] = min(max(len(row[-1]) for row in rows), _CAME_OF)
    others = sum(widths) - widths[_WHY] + 2 * (len(widths) - 1)
    widths[_WHY] = max(LINE - others, _NARROWEST_WHY)
    return [
        "  ".join(
            _cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _city(zone: tzinfo) -> str:
    return str(zone).rpartition("/")[2].replace("_", " ")
