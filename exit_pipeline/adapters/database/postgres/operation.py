"""How the whole stands, and figures of a day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.overview import account_overview
from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.vitals import Count, DayFigures, FilledOrder, MarketSeen, Vitals

# One statement for what is one row, since every statement is a trip to the server.
_VITALS: Final = """
    SELECT c.state, c.reason, c.changed_by, c.changed_at,
           (SELECT max(name) FROM exit_pipeline_migrations) AS schema,
           (SELECT json_object_agg(severity, alerts) FROM (
               SELECT severity, count(*) AS alerts FROM alerts
               WHERE acknowledged_at IS NULL GROUP BY severity) AS open) AS alerts,
           (SELECT count(*) FROM alerts
            WHERE acknowledged_at IS NULL AND cause = 'WRONG_ACCOUNT') AS wrong_accounts,
           seen.tick_at, seen.market, seen.market_source, seen.counts
    FROM trading_control c LEFT JOIN LATERAL (
        SELECT tick_at, market, market_source, counts FROM decision_runs
        WHERE environment = :environment AND status = 'SUCCEEDED' AND NOT dry_run
          AND market IS NOT NULL
        ORDER BY tick_at DESC LIMIT 1) AS seen ON true
"""

_RUNS: Final = """
    SELECT environment, status, count(*) AS count FROM decision_runs
    WHERE tick_at >= :since AND NOT dry_run GROUP BY 1, 2 ORDER BY 1, 2
"""

_DECISIONS: Final = """
    SELECT r.environment, coalesce(d.exit_action, 'HOLD') AS outcome,
           coalesce(d.exit_reason, '') AS reason, count(*) AS count
    FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
    WHERE d.decided_at >= :since AND NOT d.dry_run GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

_REFUSED: Final = """
    SELECT r.environment, CAST(coalesce(d.quote_flags, 0) AS text) AS flags, count(*) AS count
    FROM refactored_decisions d JOIN decision_runs r ON r.id = d.run_id
    WHERE d.decided_at >= :since AND NOT d.dry_run AND d.quote_grade = 'BAD'
    GROUP BY 1, 2 ORDER BY 1, 2
"""

_ORDERS: Final = """
    SELECT environment, status AS state, count(*) AS count FROM orders
    WHERE exit_action IS NOT NULL AND environment IS NOT NULL
      AND (intent_at >= :since OR status = ANY(:live))
    GROUP BY 1, 2 ORDER BY 1, 2
"""

# 100 shares a contract; a sale slips by what it brings below the mid, a purchase by what it costs
# above.
_FILLED: Final = """
    SELECT o.environment, o.filled_quantity AS contracts,
           CAST(extract(epoch FROM o.filled_at - o.intent_at) AS float8) AS seconds,
           CAST((CASE WHEN o.side LIKE 'SELL%' THEN 1 ELSE -1 END)
               * ((d.bid + d.ask) / 2 - o.avg_fill_price) * o.filled_quantity * 100 AS float8)
               AS slippage
    FROM orders o LEFT JOIN refactored_decisions d ON d.id = o.decision_id
    WHERE o.attempt IS NOT NULL AND o.status = 'FILLED' AND o.intent_at >= :since
    ORDER BY o.intent_at, o.id
"""


class PostgresOperation:
    """The ``OperationStore``, over the tables of runs, decisions, orders and alerts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def vitals(self, environment: str) -> Vitals:
        """How the whole stands now, in one transaction.

        Args:
            environment: Whose newest good tick tells of the market.
        """
        with transaction(self._engine) as connection:
            row = run(connection, _VITALS, environment=environment).one()
            accounts = account_overview(connection)
        return Vitals(
            schema=row.schema,
            control=TradingControl(
                state=TradingState(row.state),
                reason=row.reason,
                changed_by=row.changed_by,
                changed_at=row.changed_at,
            ),
            accounts=accounts,
            alerts=row.alerts or {},
            wrong_accounts=row.wrong_accounts,
            market=None if row.tick_at is None else _seen(row),
        )

    def figures(self, since: datetime) -> DayFigures:
        """Counts of what happened since a moment."""
        live = [status.value for status in OrderStatus if status.is_live]
        with transaction(self._engine) as connection:
            return DayFigures(
                runs=_counts(connection, _RUNS, since=since),
                decisions=_counts(connection, _DECISIONS, since=since),
                refused_quotes=_counts(connection, _REFUSED, since=since),
                orders=_counts(connection, _ORDERS, since=since, live=live),
                filled=[
                    FilledOrder(**row._asdict()) for row in run(connection, _FILLED, since=since)
                ],
            )


def _counts(connection: Connection, statement: str, **values: Any) -> list[Count]:
    found = []
    for row in run(connection, statement, **values):
        labels = row._asdict()
        found.append(Count(count=labels.pop("count"), labels=labels))
    return found


def _seen(row: Any) -> MarketSeen:
    prices: Mapping[str, Mapping[str, str]] = row.market.get("underlyings", {})
    times = [datetime.fromisoformat(price["quoted_at"]) for price in prices.values()]
    counts = row.counts or {}
    return MarketSeen(
        source=row.market_source,
        tick_at=row.tick_at,
        newest_quote_at=max(times, default=None),
        positions=counts.get("positions", 0),
        refused=counts.get("quotes_refused", 0),
    )
