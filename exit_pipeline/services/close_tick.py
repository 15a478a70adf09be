"""Close a tick: refresh the positions, write down how it went, and read the whole of it back."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.quote import MarketSnapshot, QuoteGrade
from exit_pipeline.core.model.record import (
    PositionMark,
    RunHandle,
    RunStatus,
    RunSummary,
    StoredDecision,
)
from exit_pipeline.ports import Database
from exit_pipeline.services.audit_trail import add_links
from exit_pipeline.services.tick import ExecutedTick, OpenTick, TickReport

log = logging.getLogger(__name__)


def close_tick(executed: ExecutedTick, *, database: Database) -> TickReport:
    """Leave marks and rule states on the positions, close the runs, and report what is kept.

    A dry run leaves the positions as they were.
    """
    tick = executed.decided.tick
    if not tick.request.dry_run:
        database.positions.refresh(_marks(executed))
    worked = list(tick.run_ids.values())
    before = [run.run_id for run in tick.runs if run.run_id not in worked]
    decisions = [*executed.decided.stored, *database.decisions.of_runs(before)]
    orders = database.orders.of_runs([*worked, *before])
    summaries = [_summary(run_id, executed, decisions, orders) for run_id in worked]
    database.runs.close(tick.request.run_key, summaries)
    add_links(database)
    counts = _counts(decisions, orders, executed.notes)
    log.info("ExitWorker: tick %s %s: %s", tick.identity.tick_at, tick.identity.environment, counts)
    return TickReport(
        executed=executed,
        runs=tuple(_finished(run) for run in tick.runs),
        decisions=tuple(decisions),
        orders=tuple(orders),
        counts=counts,
    )


def _marks(executed: ExecutedTick) -> list[PositionMark]:
    return [
        PositionMark(
            position_id=one.position_id,
            mark=one.mark,
            mid=_mid(one),
            good_mark=one.mark if one.quote_grade == QuoteGrade.GOOD.name else None,
            gex_latched=one.gex_latched_after,
            rule_hits=one.rule_hits_after,
            rule_hits_policy=one.policy_hash,
            entry_iv=one.iv,
            entry_regime=one.regime,
            entry_gex=one.gex_entry or one.gex_direction,
            carried_pnl=executed.decided.carried.get(one.position_id),
            marked_at=executed.decided.tick.at,
        )
        for one in executed.decided.stored
    ]


def _mid(decision: StoredDecision) -> Decimal | None:
    """The mid of a usable quote, rounded down as the core does."""
    if decision.bid is None or decision.ask is None:
        return None
    if decision.quote_grade == QuoteGrade.BAD.name:
        return None
    return ((decision.bid + decision.ask) * 5_000 // 1).scaleb(-4)


def _summary(
    run_id: str,
    executed: ExecutedTick,
    decisions: Sequence[StoredDecision],
    orders: Sequence[ExitOrder],
) -> RunSummary:
    market = executed.decided.market
    return RunSummary(
        run_id=run_id,
        status=RunStatus.SUCCEEDED,
        counts=_counts(
            [one for one in decisions if one.run_id == run_id],
            [one for one in orders if one.run_id == run_id],
            executed.notes,
        ),
        market=_market(executed.decided.tick, market),
        market_source=market.source,
        pnl=_pnl(run_id, executed),
    )


def _pnl(run_id: str, executed: ExecutedTick) -> dict[str, float | None]:
    """How the run's account stood when it was decided; a dry run keeps none of it."""
    tick = executed.decided.tick
    account = next(run.account for run in tick.runs if run.run_id == run_id)
    stands = executed.decided.accounts.get(account)
    if stands is None or tick.request.dry_run:
        return {}
    return {
        "open_pnl": stands.open,
        "realised_pnl": stands.realised,
        "peak_pnl": stands.peak,
        "day_pnl": stands.day,
        "drawdown": stands.drawdown,
    }


def _market(tick: OpenTick, market: MarketSnapshot) -> dict[str, Any]:
    prices = {
        symbol: {"last": str(price.last), "quoted_at": price.quoted_at.isoformat()}
        for symbol, price in market.underlyings.items()
    }
    return {"at": tick.at.isoformat(), "underlyings": prices}


def _counts(
    decisions: Sequence[StoredDecision], orders: Sequence[ExitOrder], notes: Mapping[str, str]
) -> dict[str, int]:
    """Figures of a tick; `not_sent` are exits for which no order was recorded, and a reason was."""
    ordered = {order.position_id for order in orders}
    reasons = Counter(one.exit_reason for one in decisions if one.exit_reason)
    return {
        "positions": len(decisions),
        "exits": sum(one.decision == "EXIT" for one in decisions),
        "holds": sum(one.decision == "HOLD" for one in decisions),
        "quotes_refused": sum(one.quote_grade == QuoteGrade.BAD.name for one in decisions),
        "orders": len(orders),
        "not_sent": sum(
            one.decision == "EXIT" and one.position_id in notes.keys() - ordered
            for one in decisions
        ),
        "contracts_filled": sum(order.filled_quantity for order in orders),
        **{f"exit_{reason.lower()}": count for reason, count in sorted(reasons.items())},
    }


def _finished(run: RunHandle) -> RunHandle:
    if run.status is not RunStatus.STARTED:
        return run
    return replace(run, status=RunStatus.SUCCEEDED)
