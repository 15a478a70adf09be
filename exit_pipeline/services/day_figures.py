"""A worked day in figures."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.session import Session
from exit_pipeline.services.tick import TickReport


def day_figures(
    session: Session,
    reports: Sequence[TickReport],
    lines: Sequence[PositionLine],
    orders: Sequence[ExitOrder],
) -> dict[str, Any]:
    """What was decided, sent and closed, by name.

    Args:
        session: The day.
        reports: Its ticks in order, and the one after the close.
        lines: Every position of the environment, as it stands after the day.
        orders: The orders of these ticks, as they stand after the day.
    """
    reasons = Counter(
        one.exit_reason for report in reports for one in report.decisions if one.exit_reason
    )
    return {
        "day": str(session.day),
        "ticks": len(reports) - 1,
        "worked_now": sum(bool(report.executed.decided.tick.run_ids) for report in reports),
        "not_worked": _why_not_worked(reports),
        "decisions": sum(len(report.decisions) for report in reports),
        "exit_decisions_by_reason": dict(reasons.most_common()),
        "orders": len(orders),
        "contracts_filled": sum(order.filled_quantity for order in orders),
        "closed": sum(line.status == "CLOSED" for line in lines),
        "open": sum(line.status == "OPEN" for line in lines),
        **_profit(lines),
        "closed_by": {
            reason: {"positions": len(closed), **_profit(closed)}
            for reason, closed in _closed_by_reason(lines).items()
        },
    }


def _why_not_worked(reports: Sequence[TickReport]) -> str:
    """Why the first tick was not worked, for the first account; empty where it was."""
    runs = reports[0].executed.decided.tick.runs
    return next((run.reason for run in runs if run.reason), "")


def _profit(lines: Sequence[PositionLine]) -> dict[str, Decimal]:
    nothing = Decimal(0)
    return {
        "realised_pnl": sum((line.realized_pnl or nothing for line in lines), nothing),
        "realised_pnl_net": sum((line.realized_pnl_net or nothing for line in lines), nothing),
    }


def _closed_by_reason(lines: Sequence[PositionLine]) -> dict[str, list[PositionLine]]:
    closed: dict[str, list[PositionLine]] = {}
    for line in lines:
        if line.status == "CLOSED":
            closed.setdefault(line.exit_reason or line.close_kind or "", []).append(line)
    return dict(sorted(closed.items(), key=lambda one: -len(one[1])))
