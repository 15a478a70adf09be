"""One trading day as it is kept: ticks, positions, orders, what left, and alerts."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.core.model.day_record import (
    DayAlert,
    DayAsked,
    DayOrder,
    DayPosition,
    DayRecord,
    DayTick,
    Leaving,
)

_NEWEST: Final = """
    SELECT tick_at FROM decision_runs
    WHERE tick_at < :before AND NOT dry_run AND status <> 'SKIPPED'
      AND (CAST(:environment AS text) IS NULL OR environment = :environment)
      AND (CAST(:account AS text) IS NULL OR account = :account)
    ORDER BY tick_at DESC LIMIT 1
"""

_ACCOUNTS: Final = """
    SELECT DISTINCT environment, account FROM decision_runs
    WHERE tick_at >= :start AND tick_at < :end AND NOT dry_run AND status <> 'SKIPPED'
    ORDER BY environment, account
"""

_TICKS: Final = """
    SELECT account, tick_at, mode, status, status_reason AS reason,
           request_id = '' AS is_scheduled, started_at, market_source, day_pnl
    FROM decision_runs
    WHERE environment = :environment AND tick_at >= :start AND tick_at < :end AND NOT dry_run
      AND (CAST(:account AS text) IS NULL OR account = :account)
    ORDER BY tick_at, account COLLATE "C"
"""

# A fill that was more than its order closed nothing, and is in no sum of its position either; that
# it happened is an alert. What left without anybody telling the price is there without one.
_LEAVINGS: Final = """
    SELECT o.refactored_position_id AS position_id, t.executed_at AS at, t.quantity AS contracts,
           t.execution_price AS price, coalesce(t.commission, 0) + coalesce(t.fees, 0) AS costs,
           coalesce(o.exit_reason, '') AS reason
    FROM trades t JOIN orders o ON o.id = t.order_id
    WHERE o.attempt IS NOT NULL AND t.executed_at >= :start AND t.executed_at < :end
      AND o.environment = :environment
      AND (CAST(:account AS text) IS NULL OR o.account = :account)
    UNION ALL
    SELECT c.position_id, c.closed_at, c.quantity, c.price, c.commission + c.fees, c.kind
    FROM closings c JOIN refactored_positions p ON p.id = c.position_id
    WHERE c.closed_at >= :start AND c.closed_at < :end AND p.environment = :environment
      AND (CAST(:account AS text) IS NULL OR p.account = :account)
    UNION ALL
    SELECT p.id, p.external_at, CAST(p.external_quantity - told.quantity AS integer), NULL, NULL,
           'EXTERNAL'
    FROM refactored_positions p CROSS JOIN LATERAL (
        SELECT coalesce(sum(c.quantity), 0) AS quantity FROM closings c
        WHERE c.position_id = p.id AND c.kind = 'EXTERNAL') AS told
    WHERE p.external_at >= :start AND p.external_at < :end AND p.environment = :environment
      AND p.external_quantity > told.quantity
      AND (CAST(:account AS text) IS NULL OR p.account = :account)
    ORDER BY at, position_id, contracts
"""

_POSITIONS: Final = """
    SELECT id, account, option_symbol, side, quantity, entry_price FROM refactored_positions
    WHERE id = ANY(:left_ids) OR id IN (
        SELECT d.position_id FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
        WHERE d.decided_at >= :start AND d.decided_at < :end AND NOT r.dry_run
          AND r.environment = :environment
          AND (CAST(:account AS text) IS NULL OR r.account = :account))
    ORDER BY id COLLATE "C"
"""

_ORDERS: Final = """
    SELECT o.refactored_position_id AS position_id, o.intent_at AS at, o.side, o.quantity,
           coalesce(o.filled_quantity, 0) AS filled_quantity, o.avg_fill_price AS average_price,
           o.limit_price, o.worst_price, d.bid, d.ask, o.exit_reason, o.urgency, o.attempt,
           o.status,
           concat_ws(': ', o.denial_code, coalesce(o.rejection_reason, o.error_message)) AS why
    FROM orders o LEFT JOIN refactored_decisions d ON d.id = o.decision_id
    WHERE o.attempt IS NOT NULL AND o.intent_at >= :start AND o.intent_at < :end
      AND o.environment = :environment
      AND (CAST(:account AS text) IS NULL OR o.account = :account)
    ORDER BY o.intent_at, o.refactored_position_id COLLATE "C", o.attempt
"""

_ALERTS: Final = """
    SELECT at, severity, cause, subject, message, acknowledged_at, acknowledged_by
    FROM alerts a LEFT JOIN decision_runs r ON r.id = a.run_id
    CROSS JOIN LATERAL (SELECT coalesce(r.tick_at, a.raised_at) AS at) AS raised
    WHERE (r.id IS NULL OR r.environment = :environment
           AND (CAST(:account AS text) IS NULL OR r.account = :account))
      AND at < :end AND (at >= :start OR a.acknowledged_at IS NULL OR a.acknowledged_at >= :start)
    ORDER BY at DESC, a.id
"""


class PostgresDay:
    """The ``DayStore``, over the tables of runs, decisions, orders and alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest_tick(
        self, before: datetime, environment: str | None, account: str | None
    ) -> datetime | None:
        """The time of the newest run before a moment; see ``DayStore.newest_tick``."""
        asked = {"before": before, "environment": environment, "account": account}
        with transaction(self._engine) as connection:
            found: datetime | None = run(connection, _NEWEST, **asked).scalar_one_or_none()
            return found

    def accounts(self, start: datetime, end: datetime) -> list[tuple[str, str]]:
        """Environment and account of each account with a run in ``[start, end)``."""
        with transaction(self._engine) as connection:
            rows = run(connection, _ACCOUNTS, start=start, end=end)
            return [(row.environment, row.account) for row in rows]

    def record(self, asked: DayAsked) -> DayRecord:
        """Everything of a day but its decisions, in one transaction."""
        by = {name: getattr(asked, name) for name in ("start", "end", "environment", "account")}
        with transaction(self._engine) as connection:
            # Of one moment: a tick may be at work.
            run(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return _read(connection, by)


def _read(connection: Connection, by: dict[str, Any]) -> DayRecord:
    leavings = [Leaving(**row._asdict()) for row in run(connection, _LEAVINGS, **by)]
    left_ids = sorted({one.position_id for one in leavings})
    positions = run(connection, _POSITIONS, **by, left_ids=left_ids)
    return DayRecord(
        ticks=[DayTick(**row._asdict()) for row in run(connection, _TICKS, **by)],
        positions=[DayPosition(**row._asdict()) for row in positions],
        orders=[DayOrder(**row._asdict()) for row in run(connection, _ORDERS, **by)],
        leavings=leavings,
        alerts=[DayAlert(**row._asdict()) for row in run(connection, _ALERTS, **by)],
    )
