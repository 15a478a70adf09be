"""Orders, decisions and alerts as a person looks at them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.core.model.lines import AlertLine, DecisionLine, DecisionPlace, OrderLine

_ORDERS: Final = """
    SELECT o.client_order_id, coalesce(o.intent_at, CAST(o.created_at AS timestamptz)) AS at,
           o.environment, o.broker, o.account, o.refactored_position_id AS position_id, o.symbol,
           o.side, o.quantity, coalesce(o.filled_quantity, 0) AS filled_quantity,
           o.avg_fill_price AS average_price, o.limit_price, o.worst_price, o.exit_reason,
           o.urgency, o.attempt, o.step, o.status,
           concat_ws(': ', o.denial_code, coalesce(o.rejection_reason, o.error_message)) AS why,
           o.status = ANY(:live) AND EXISTS (
               SELECT FROM alerts a
               WHERE (a.cause, a.subject) = ('EXIT_ESCALATED', o.refactored_position_id)
                 AND a.acknowledged_at IS NULL) AS escalated
    FROM orders o
    WHERE o.exit_action IS NOT NULL
      AND (CAST(:environment AS text) IS NULL OR o.environment = :environment)
      AND (CAST(:position_id AS text) IS NULL OR o.refactored_position_id = :position_id)
      AND (NOT :only_live OR o.status = ANY(:live))
    ORDER BY 2 DESC NULLS LAST, o.attempt DESC NULLS LAST, o.client_order_id COLLATE "C"
"""

_ALERTS: Final = """
    SELECT CAST(a.id AS text) AS id, a.raised_at, a.severity, a.cause, a.subject, a.message,
           r.environment, r.account, a.acknowledged_at, a.acknowledged_by
    FROM alerts a LEFT JOIN decision_runs r ON r.id = a.run_id
    WHERE NOT :only_open OR a.acknowledged_at IS NULL
    ORDER BY a.raised_at DESC, a.id
"""

_OF_RUN: Final = ("environment", "account")
_DECISIONS: Final = f"""
    SELECT {
    ", ".join(f"{'r' if one.name in _OF_RUN else 'd'}.{one.name}" for one in fields(DecisionLine))
}
    FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
    WHERE (CAST(:position_id AS text) IS NULL OR d.position_id = :position_id)
      AND (CAST(:since AS timestamptz) IS NULL OR d.decided_at >= :since)
      AND (CAST(:at AS timestamptz) IS NULL OR (d.decided_at, d.id) < (:at, :id))
    ORDER BY d.decided_at DESC, d.id DESC LIMIT :limit
"""  # noqa: S608 the names are those of a dataclass


def order_lines(
    connection: Connection,
    environment: str | None,
    position_id: str | None,
    live: Sequence[str],
    *,
    only_live: bool,
) -> list[OrderLine]:
    """Exit orders, the newest first.

    Args:
        connection: Within a transaction.
        environment: Only of this environment; None means all. Likewise position_id.
        position_id: Only of this position.
        live: The states of an order that may still fill.
        only_live: Only orders in one of them.
    """
    rows = run(
        connection,
        _ORDERS,
        environment=environment,
        position_id=position_id,
        live=list(live),
        only_live=only_live,
    )
    return [OrderLine(**row._asdict()) for row in rows]


def alert_lines(connection: Connection, *, only_open: bool) -> list[AlertLine]:
    """Alerts, the newest first; `only_open` leaves out those that somebody acknowledged."""
    rows = run(connection, _ALERTS, only_open=only_open)
    return [AlertLine(**row._asdict()) for row in rows]


def decision_lines(
    connection: Connection,
    limit: int,
    position_id: str | None,
    since: datetime | None,
    before: DecisionPlace | None,
) -> list[DecisionLine]:
    """Decisions of runs, the newest first; see ``DecisionStore.listing``."""
    rows = run(
        connection,
        _DECISIONS,
        limit=limit,
        position_id=position_id,
        since=since,
        at=before and before.decided_at,
        id=before and before.id,
    )
    return [
        DecisionLine(
            **row._asdict() | {"run_id": str(row.run_id), "reasoning": tuple(row.reasoning or ())}
        )
        for row in rows
    ]
