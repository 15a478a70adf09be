"""How the whole stands, and figures of a day."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.book_state import book_state
from exit_pipeline.core.model.book_state import BookScope, BookState
from exit_pipeline.core.model.control import TradingControl, TradingState
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.position import UNASSIGNED
from exit_pipeline.core.model.vitals import (
    AccountPulse,
    Count,
    DayFigures,
    FilledOrder,
    MarketSeen,
    Vitals,
)

# One statement, since every statement is a trip to the server, and short, since most of its time
# goes into planning it. Accounts are those that were ever leased, and those with open positions:
# these are grouped as bytes, which takes a quarter of the time of grouping them as words.
_VITALS: Final = """
    SELECT c.state, c.reason, c.changed_by, c.changed_at,
           (SELECT max(name) FROM exit_pipeline_migrations) AS schema,
           (SELECT json_agg(o) FROM (
               SELECT severity, count(*) AS alerts,
                      count(*) FILTER (WHERE cause = 'WRONG_ACCOUNT') AS wrong_accounts
               FROM alerts WHERE acknowledged_at IS NULL GROUP BY severity
           ) AS o) AS open_alerts,
           (SELECT json_agg(a) FROM (
               SELECT environment, account, open_positions, open_since,
                      (SELECT d.tick_at FROM decision_runs d
                       WHERE d.environment = k.environment AND d.account = k.account
                         AND d.status = 'SUCCEEDED' AND NOT d.dry_run AND d.request_id = ''
                       ORDER BY d.tick_at DESC LIMIT 1) AS last_tick_at
               FROM (
                   SELECT environment, account, 0 AS open_positions, NULL AS open_since
                   FROM account_leases
                   UNION ALL
                   SELECT coalesce(environment, 'paper') COLLATE "C",
                          coalesce(account, :unassigned) COLLATE "C",
                          count(*), min(CAST(created_at AS timestamptz))
                   FROM refactored_positions WHERE status = 'OPEN' GROUP BY 1, 2
               ) AS k(environment, account, open_positions, open_since)
           ) AS a) AS accounts,
           (SELECT json_build_object('tick_at', tick_at, 'market', market,
                                     'source', market_source, 'counts', counts)
            FROM decision_runs
            WHERE environment = :environment AND status = 'SUCCEEDED' AND NOT dry_run
              AND market IS NOT NULL
            ORDER BY tick_at DESC LIMIT 1) AS seen
    FROM trading_control c
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
        """How the whole stands now, in one statement.

        Args:
            environment: Whose newest good tick tells of the market.
        """
        with transaction(self._engine) as connection:
            row = run(connection, _VITALS, environment=environment, unassigned=UNASSIGNED).one()
        open_alerts = row.open_alerts or ()
        return Vitals(
            schema=row.schema,
            control=TradingControl(
                state=TradingState(row.state),
                reason=row.reason,
                changed_by=row.changed_by,
                changed_at=row.changed_at,
            ),
            accounts=_accounts(row.accounts or ()),
            alerts={one["severity"]: one["alerts"] for one in open_alerts},
            wrong_accounts=sum(one["wrong_accounts"] for one in open_alerts),
            market=row.seen and _seen(row.seen),
        )

    def book_state(self, scope: BookScope) -> BookState:
        """How the books of an environment stand, and what in them must not be."""
        with transaction(self._engine) as connection:
            return book_state(connection, scope)

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


def _accounts(rows: Sequence[Mapping[str, Any]]) -> list[AccountPulse]:
    """One for each account; one that is leased and has positions comes as two rows."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault((row["environment"], row["account"]), dict(row))
        if row["open_positions"]:
            one.update(row)
    return [
        AccountPulse(
            environment=environment,
            account=account,
            open_positions=one["open_positions"],
            last_tick_at=_time(one["last_tick_at"]),
            open_since=_time(one["open_since"]),
        )
        for (environment, account), one in sorted(found.items())
    ]


def _seen(found: Mapping[str, Any]) -> MarketSeen:
    prices: Mapping[str, Mapping[str, str]] = found["market"].get("underlyings", {})
    times = [datetime.fromisoformat(price["quoted_at"]) for price in prices.values()]
    counts = found["counts"] or {}
    return MarketSeen(
        source=found["source"],
        tick_at=datetime.fromisoformat(found["tick_at"]),
        newest_quote_at=max(times, default=None),
        positions=counts.get("positions", 0),
        refused=counts.get("quotes_refused", 0),
    )


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
