"""How the books stand after a tick: one statement, since every tick waits for it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection

from exit_pipeline.adapters.clients.postgres_engine import run
from exit_pipeline.core.model.book_state import (
    FAULTS_SHOWN,
    BookCheck,
    BookScope,
    BookState,
    Fault,
    TickOrder,
)
from exit_pipeline.core.model.order import OrderSide
from exit_pipeline.core.model.position import UNASSIGNED

# Orders are read once for three questions. What is denied or not sent yet was never at a broker.
# Which exits of a tick had a reason for sending nothing is known by their number alone, so all of
# a tick that have no order are named where they are more than had a reason.
_STATE: Final = f"""
    WITH recent AS MATERIALIZED (
        SELECT o.*, d.bid, d.ask, d.id AS decided_by, d.decision, d.dry_run,
               d.position_id AS decided_on
        FROM orders o LEFT JOIN refactored_decisions d ON d.id = o.decision_id
        WHERE o.attempt IS NOT NULL AND o.environment = :environment
          AND (o.intent_at >= :since OR o.updated_at >= :since)
    ),
    faults AS (
        SELECT '{BookCheck.EVERY_ORDER_HAS_A_DECISION}' AS name, client_order_id AS subject,
               intent_at AS at,
               CASE WHEN decided_by IS NULL THEN 'it was sent and no decision is kept for it'
                    WHEN decided_on IS DISTINCT FROM refactored_position_id
                        THEN 'it was sent for ' || refactored_position_id
                             || ', and its decision is on ' || coalesce(decided_on, 'no position')
                    WHEN dry_run THEN 'it was sent, and its decision is that of a dry run'
                    ELSE 'it was sent, and its decision is a ' || coalesce(decision, 'blank') END
                   AS what
        FROM recent
        WHERE status NOT IN ('PENDING', 'DENIED')
          AND (decided_by IS NULL OR dry_run OR decision IS DISTINCT FROM 'EXIT'
               OR decided_on IS DISTINCT FROM refactored_position_id)
        UNION ALL
        SELECT '{BookCheck.EVERY_EXIT_HAS_AN_ORDER}', position_id, decided_at,
               exit_reason || ' closes ' || exit_quantity || ', without an order or a denial; of '
               || silent || ' such exits of its tick, ' || explained || ' have a reason'
        FROM (
            SELECT d.position_id, d.decided_at, d.exit_reason, d.exit_quantity,
                   CAST(r.counts ->> 'not_sent' AS int) AS explained,
                   count(*) OVER (PARTITION BY r.id) AS silent
            FROM decision_runs r
            JOIN refactored_decisions d ON d.run_id = r.id AND d.decision = 'EXIT'
            WHERE r.environment = :environment AND r.tick_at >= :since AND NOT r.dry_run
              AND r.status = 'SUCCEEDED' AND CAST(r.counts ->> 'exits' AS int) > 0
              AND r.counts ->> 'not_sent' IS NOT NULL
              AND NOT EXISTS (SELECT FROM orders o
                              WHERE o.decision_id = d.id AND o.exit_action IS NOT NULL)
        ) AS exits
        WHERE silent > explained
        UNION ALL
        SELECT '{BookCheck.NEVER_EXITED_ABOVE_HELD}', id, updated_at,
               'of ' || quantity || ' contracts ' || greatest(exited_quantity, gone) || ' have left'
        FROM (
            SELECT p.id, CAST(p.updated_at AS timestamptz) AS updated_at, p.quantity,
                   p.exited_quantity,
                   p.carried_quantity + p.settled_quantity + p.external_quantity + (
                       SELECT coalesce(sum(o.filled_quantity), 0) FROM orders o
                       WHERE o.refactored_position_id = p.id AND o.attempt IS NOT NULL) AS gone
            FROM refactored_positions p
            WHERE p.environment = :environment AND (p.status = 'OPEN' OR p.id IN (
                SELECT refactored_position_id FROM recent))
        ) AS positions
        WHERE greatest(exited_quantity, gone) > quantity
        UNION ALL
        SELECT '{BookCheck.NO_TICK_GAP}', account, after,
               'no good tick from ' || to_char(after AT TIME ZONE 'America/New_York', 'HH24:MI')
               || ' to ' || to_char(before AT TIME ZONE 'America/New_York', 'HH24:MI')
               || ' in New York'
        FROM (
            SELECT h.account, t.at AS before,
                   lag(t.at) OVER (PARTITION BY h.account ORDER BY t.at) AS after
            FROM (
                SELECT coalesce(account, :unassigned) AS account,
                       greatest(CAST(min(created_at) AS timestamptz), :opens_at) AS since
                FROM refactored_positions
                WHERE status = 'OPEN' AND coalesce(environment, 'paper') = :environment
                GROUP BY 1
            ) AS h
            CROSS JOIN LATERAL (
                SELECT h.since UNION ALL SELECT :until UNION ALL
                SELECT r.tick_at FROM decision_runs r
                WHERE r.environment = :environment AND r.account = h.account
                  AND r.tick_at > h.since AND r.tick_at < :until
                  AND r.status = 'SUCCEEDED' AND NOT r.dry_run AND r.request_id = ''
            ) AS t(at)
            WHERE CAST(:opens_at AS timestamptz) IS NOT NULL AND h.since < :until
        ) AS ticks
        WHERE before - after > :gap
        UNION ALL
        SELECT '{BookCheck.NO_ORDER_UNKNOWN_FOR_LONG}', client_order_id, intent_at,
               refactored_position_id || ' waits for it, which is ' || status || ' since '
               || to_char(intent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
        FROM orders
        WHERE exit_action IS NOT NULL AND attempt IS NOT NULL AND environment = :environment
          AND status IN ('UNKNOWN', 'SUBMITTED') AND intent_at < :unknown_before
    )
    SELECT (SELECT sum(coalesce(realized_pnl_net, 0)) FROM refactored_positions
            WHERE environment = :environment) AS realised_pnl,
           (SELECT json_agg(f) FROM (
               SELECT *, row_number() OVER newest AS place, count(*) OVER (PARTITION BY name) AS all
               FROM faults WINDOW newest AS (PARTITION BY name ORDER BY at DESC, subject)
               ORDER BY name, place) AS f
            WHERE place <= {FAULTS_SHOWN}) AS faults,
           (SELECT json_agg(o ORDER BY o.intent_at, o.client_order_id) FROM (
               SELECT intent_at, client_order_id, refactored_position_id AS position_id, symbol,
                      side, quantity, CAST(bid AS text) AS bid, CAST(ask AS text) AS ask,
                      CAST(limit_price AS text) AS limit_price,
                      CAST(worst_price AS text) AS worst_price, status,
                      coalesce(filled_quantity, 0) AS filled_quantity,
                      CAST(avg_fill_price AS text) AS average_price,
                      coalesce(exit_reason, '') AS exit_reason, coalesce(urgency, '') AS urgency,
                      attempt, coalesce(rejection_reason, error_message, '') AS why
               FROM recent
               WHERE run_id = ANY(CAST(:run_ids AS uuid[])) OR updated_at >= (
                   SELECT min(started_at) FROM decision_runs
                   WHERE id = ANY(CAST(:run_ids AS uuid[])))) AS o) AS orders
"""  # noqa: S608 the parts are this module's own text

_PRICES: Final = ("bid", "ask", "limit_price", "worst_price", "average_price")


def book_state(connection: Connection, scope: BookScope) -> BookState:
    """How the books stand, in one statement."""
    values = asdict(scope) | {"run_ids": list(scope.run_ids), "unassigned": UNASSIGNED}
    row = run(connection, _STATE, **values).one()
    faults: dict[BookCheck, list[Fault]] = {}
    counts: dict[BookCheck, int] = {}
    for one in row.faults or ():
        check = BookCheck(one["name"])
        at = one["at"] and datetime.fromisoformat(one["at"])
        faults.setdefault(check, []).append(Fault(subject=one["subject"], at=at, what=one["what"]))
        counts[check] = one["all"]
    return BookState(
        realised_pnl=row.realised_pnl,
        orders=tuple(_orders(row.orders or ())),
        faults=faults,
        counts=counts,
    )


def _orders(rows: Iterable[Mapping[str, Any]]) -> Iterable[TickOrder]:
    for row in rows:
        prices = {name: row[name] and Decimal(row[name]) for name in _PRICES}
        named = {name: value for name, value in row.items() if name != "intent_at"}
        yield TickOrder(**named | prices | {"side": OrderSide(row["side"])})
