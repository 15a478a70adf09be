"""How every account stands, read without going through every run that there ever was."""

from typing import Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.core.model.lines import AccountOverview
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import UNASSIGNED

# Accounts and their newest ticks are found by stepping through an index: a program that watches
# asks every few seconds, and runs are some 20,000 a year and account.
_OVERVIEW: Final = """
    WITH RECURSIVE runs AS (
        (SELECT environment, account FROM decision_runs ORDER BY environment, account LIMIT 1)
        UNION ALL
        SELECT next.environment, next.account
        FROM runs CROSS JOIN LATERAL (
            SELECT d.environment, d.account FROM decision_runs d
            WHERE (d.environment, d.account) > (runs.environment, runs.account)
            ORDER BY d.environment, d.account LIMIT 1) AS next
    ),
    accounts AS (
        SELECT coalesce(environment, 'paper') AS environment,
               coalesce(account, :unassigned) AS account
        FROM refactored_positions WHERE environment IS NOT NULL OR status = 'OPEN'
        UNION SELECT environment, account FROM runs
    ),
    held AS (
        SELECT coalesce(environment, 'paper') AS environment,
               coalesce(account, :unassigned) AS account, count(*) AS positions,
               min(CAST(created_at AS timestamptz)) AS since
        FROM refactored_positions WHERE status = 'OPEN' GROUP BY 1, 2
    ),
    working AS (
        SELECT environment, account, count(*) AS orders FROM orders
        WHERE exit_action IS NOT NULL AND status = ANY(:live) GROUP BY 1, 2
    ),
    worked AS (
        SELECT environment, account, (
            SELECT d.tick_at FROM decision_runs d
            WHERE (d.environment, d.account) = (runs.environment, runs.account)
              AND d.status = 'SUCCEEDED' AND NOT d.dry_run AND d.request_id = ''
            ORDER BY d.tick_at DESC LIMIT 1) AS tick_at
        FROM runs
    ),
    raised AS (
        SELECT r.environment, r.account, count(*) AS alerts
        FROM alerts a JOIN decision_runs r ON r.id = a.run_id
        WHERE a.acknowledged_at IS NULL GROUP BY 1, 2
    )
    SELECT environment, account, coalesce(held.positions, 0) AS open_positions,
           coalesce(working.orders, 0) AS live_orders, worked.tick_at AS last_tick_at,
           coalesce(raised.alerts, 0) AS alerts, held.since AS open_since
    FROM accounts
    LEFT JOIN held USING (environment, account)
    LEFT JOIN working USING (environment, account)
    LEFT JOIN worked USING (environment, account)
    LEFT JOIN raised USING (environment, account)
    ORDER BY environment COLLATE "C", account COLLATE "C"
"""


def account_overview(connection: Connection) -> list[AccountOverview]:
    """How every account stands, by environment and account."""
    live = [status.value for status in OrderStatus if status.is_live]
    rows = run(connection, _OVERVIEW, unassigned=UNASSIGNED, live=live)
    return [AccountOverview(**row._asdict()) for row in rows]
