"""What a run came to for each position, in one row per position, for whoever launched it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.position import UNASSIGNED, Position
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.services.tick import TickReport

HOLD: Final = "HOLD"
SKIPPED: Final = "SKIPPED"
DRY_RUN: Final = "DRY_RUN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to for one position.

    Prices are dollars per share; None where not known.

    Attributes:
        position_id: The position.
        status: HOLD; SKIPPED where it was not decided, or its exit was not sent; DRY_RUN for an
            exit that would be sent; else the status of its order.
        reason: Why, in a sentence or a few.
        exit_reason: The rule's name in capitals on an exit.
        exit_action: PARTIAL or FULL on an exit.
        exit_quantity: Contracts to close on an exit.
        current_price: The mark that was decided on.
        entry_price: Of the position.
        pnl_percent: On the entry price at the mark.
        symbol: Compact OCC symbol.
        side: LONG or SHORT.
        open_quantity: Contracts held when it was decided.
        client_order_id: Of the order, ours; likewise what of it filled, and at what price.
    """

    position_id: str
    status: str
    reason: str
    exit_reason: str | None = None
    exit_action: str | None = None
    exit_quantity: int | None = None
    current_price: Decimal | None = None
    entry_price: Decimal | None = None
    pnl_percent: float | None = None
    symbol: str | None = None
    side: str | None = None
    open_quantity: int | None = None
    client_order_id: str | None = None
    filled_quantity: int | None = None
    average_price: Decimal | None = None


def outcomes(
    report: TickReport, *, in_scope: Sequence[Position], working: Sequence[ExitOrder]
) -> list[Outcome]:
    """One outcome for each position, by id.

    Args:
        report: Of the run.
        in_scope: Positions that the run was asked about; one that it did not decide is SKIPPED.
        working: Orders that may still fill, for exits whose order an earlier run has sent.
    """
    orders = {order.position_id: order for order in working}
    orders |= {
        order.position_id: order for order in sorted(report.orders, key=lambda one: one.attempt)
    }
    found = {
        one.position_id: _decided(one, report, orders.get(one.position_id))
        for one in report.decisions
    }
    for position in in_scope:
        if position.id not in found:
            found[position.id] = _not_decided(position, report)
    return [found[position_id] for position_id in sorted(found)]


def _decided(decision: StoredDecision, report: TickReport, order: ExitOrder | None) -> Outcome:
    is_dry = report.executed.decided.tick.request.dry_run
    if decision.decision != "EXIT" or is_dry:
        order = None
    note = report.executed.notes.get(decision.position_id, "")
    said = " ".join(decision.reasoning)
    return Outcome(
        position_id=decision.position_id,
        status=_status(decision, order, is_dry=is_dry),
        reason=f"{note}. {said}" if note and decision.decision == "EXIT" else said or note,
        exit_reason=decision.exit_reason,
        exit_action=decision.exit_action,
        exit_quantity=decision.exit_quantity,
        current_price=decision.mark,
        entry_price=decision.entry_price,
        pnl_percent=decision.pnl_percent,
        symbol=decision.option_symbol,
        side=decision.side,
        open_quantity=decision.open_quantity,
        client_order_id=order.request.client_order_id if order else None,
        filled_quantity=order.filled_quantity if order else None,
        average_price=order.average_price if order else None,
    )


def _status(decision: StoredDecision, order: ExitOrder | None, *, is_dry: bool) -> str:
    if decision.policy_hash is None:
        return SKIPPED
    if decision.decision != "EXIT":
        return HOLD
    if is_dry:
        return DRY_RUN
    return SKIPPED if order is None else order.status.value


def _not_decided(position: Position, report: TickReport) -> Outcome:
    why: Mapping[str, str] = {run.account: run.reason for run in report.runs}
    return Outcome(
        position_id=position.id,
        status=SKIPPED,
        reason=why.get(position.account or UNASSIGNED) or "it was not decided by this run",
        entry_price=position.entry_price,
        symbol=position.contract.symbol if position.contract else None,
        side=position.side.value,
        open_quantity=position.open_quantity,
    )
