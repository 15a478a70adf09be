"""Runs of ticks, alerts and broker calls."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.adapters.database.postgres.lines import alert_lines
from exit_pipeline.adapters.database.postgres.opening import Opening
from exit_pipeline.adapters.database.postgres.overview import account_overview
from exit_pipeline.core.model.lines import SEVERITIES, AccountOverview, AlertLine
from exit_pipeline.core.model.record import (
    Alert,
    BrokerCall,
    RunHandle,
    RunSummary,
    TickIdentity,
)

# As of ever, and not of now: the server's clock may be set back.
_GIVE_BACK: Final = """
    WITH mine AS (
        SELECT l.environment, l.account FROM account_leases l
        WHERE l.holder = :holder
          AND (CAST(:run_ids AS uuid[]) IS NULL OR EXISTS (
              SELECT FROM decision_runs d
              WHERE d.id = ANY(CAST(:run_ids AS uuid[]))
                AND (d.environment, d.account) = (l.environment, l.account)))
        ORDER BY l.environment, l.account FOR UPDATE
    )
    UPDATE account_leases l SET expires_at = '-infinity' FROM mine
    WHERE (l.environment, l.account) = (mine.environment, mine.account)
      AND l.expires_at > clock_timestamp()
"""

# Rows are locked in the order of their ids, so that two raising the same ones wait and don't die.
_RAISE: Final = """
    WITH raised AS (
        SELECT DISTINCT ON (n.cause, n.subject) n.* FROM (
            SELECT *, array_position(CAST(:severities AS text[]), severity) AS rank
            FROM json_to_recordset(CAST(:rows AS json)) AS j(
                severity text, cause text, subject text, message text, run_id uuid)) AS n
        ORDER BY n.cause, n.subject, n.rank
    ), known AS (
        SELECT a.id, a.cause, a.subject,
               array_position(CAST(:severities AS text[]), a.severity) AS rank
        FROM alerts a JOIN raised n ON (a.cause, a.subject) = (n.cause, n.subject)
        WHERE a.acknowledged_at IS NULL ORDER BY a.id FOR UPDATE OF a
    ), again AS (
        UPDATE alerts a SET
            times = a.times + CASE WHEN n.run_id = coalesce(a.last_run_id, a.run_id)
                              THEN 0 ELSE 1 END,
            last_run_id = coalesce(n.run_id, a.last_run_id),
            severity = CASE WHEN n.rank < k.rank THEN n.severity ELSE a.severity END,
            message = CASE WHEN n.rank < k.rank THEN n.message ELSE a.message END
        FROM known k JOIN raised n ON (k.cause, k.subject) = (n.cause, n.subject)
        WHERE a.id = k.id
    )
    INSERT INTO alerts (severity, cause, subject, message, run_id)
    SELECT n.severity, n.cause, n.subject, n.message, n.run_id FROM raised n
    WHERE NOT EXISTS (SELECT FROM known k WHERE (k.cause, k.subject) = (n.cause, n.subject))
    ON CONFLICT (cause, subject, run_id) DO NOTHING
"""


class PostgresRuns:
    """The ``RunStore``, in the tables of runs, leases, alerts and broker calls."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open(
        self,
        tick: TickIdentity,
        accounts: Sequence[str],
        holder: str,
        code_version: str,
        lease: timedelta,
    ) -> list[RunHandle]:
        """Open one run per account, atomically with the account's lease.

        A holder may enter its own lease again; one that has expired is taken over. A tick that may
        not be worked leaves a SKIPPED run with the reason, unless a run of that tick is there.

        Args:
            tick: What is to be worked.
            accounts: The accounts to work; the answer is in the same order.
            holder: Who works, such as the id of the Dagster run.
            code_version: Kept with the run.
            lease: How long the accounts are held unless given back before.
        """
        with transaction(self._engine) as connection:
            opening = Opening(connection, tick, holder, code_version, lease)
            handles = {account: opening.open(account) for account in sorted(set(accounts))}
        return [handles[account] for account in accounts]

    def close(self, holder: str, summaries: Sequence[RunSummary]) -> None:
        """Write how runs ended, and give their accounts back.

        A run that somebody else has taken over since, or had before, is left as it is.
        """
        with transaction(self._engine) as connection:
            run(
                connection,
                _GIVE_BACK,
                holder=holder,
                run_ids=[summary.run_id for summary in summaries],
            )
            run(
                connection,
                """
                UPDATE decision_runs d
                SET status = s.status, status_reason = s.reason, counts = s.counts,
                    market = s.market, market_source = s.market_source, finished_at = now(),
                    open_pnl = s.open_pnl, realised_pnl = s.realised_pnl, peak_pnl = s.peak_pnl,
                    day_pnl = s.day_pnl, drawdown = s.drawdown
                FROM json_to_recordset(CAST(:rows AS json)) AS s(
                    run_id uuid, status text, reason text, counts jsonb, market jsonb,
                    market_source text, open_pnl numeric, realised_pnl numeric, peak_pnl numeric,
                    day_pnl numeric, drawdown numeric)
                WHERE d.id = s.run_id AND d.dagster_run_id = :holder
                """,
                holder=holder,
                rows=as_json(asdict(summary) | dict(summary.pnl) for summary in summaries),
            )

    def fail(self, holder: str, reason: str) -> None:
        """End as FAILED what the holder has begun and not ended, and give its accounts back."""
        with transaction(self._engine) as connection:
            run(connection, _GIVE_BACK, holder=holder, run_ids=None)
            run(
                connection,
                """
                UPDATE decision_runs SET status = 'FAILED', status_reason = :reason,
                    finished_at = now()
                WHERE dagster_run_id = :holder AND status = 'STARTED'
                """,
                holder=holder,
                reason=reason,
            )

    def raise_alerts(self, alerts: Sequence[Alert]) -> None:
        """Record alerts; of one cause and subject there is one until it is acknowledged.

        Raised again by another run it is counted; raised as graver it becomes so, with the newer
        sentence.
        """
        if not alerts:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                _RAISE,
                rows=as_json(asdict(alert) for alert in alerts),
                severities=list(SEVERITIES),
            )

    def alerts(self, *, only_open: bool) -> list[AlertLine]:
        """Alerts, the newest first; `only_open` leaves out those that somebody acknowledged."""
        with transaction(self._engine) as connection:
            return alert_lines(connection, only_open=only_open)

    def acknowledge(self, alert_ids: Sequence[str], acknowledged_by: str, at: datetime) -> int:
        """Note who has seen alerts; returns how many nobody had acknowledged before."""
        with transaction(self._engine) as connection:
            return run(
                connection,
                """
                UPDATE alerts SET acknowledged_at = :at, acknowledged_by = :acknowledged_by
                WHERE id = ANY(CAST(:ids AS uuid[])) AND acknowledged_at IS NULL
                """,
                ids=list(alert_ids),
                acknowledged_by=acknowledged_by,
                at=at,
            ).rowcount

    def overview(self) -> list[AccountOverview]:
        """How every account stands, by environment and account.

        Open positions that no environment has yet are counted in ``paper``. A launch for some
        positions, or with a policy of its own, is no tick of its account.
        """
        with transaction(self._engine) as connection:
            return account_overview(connection)

    def log_calls(self, calls: Sequence[BrokerCall]) -> None:
        """Record broker calls in ``adapter_logs``."""
        if not calls:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO adapter_logs (run_id, broker, environment, account, broker_call,
                                          client_order_id, outcome, detail, called_at)
                SELECT c.run_id, c.broker, c.environment, c.account, c.call, c.client_order_id,
                       c.outcome, c.detail, c.called_at
                FROM json_to_recordset(CAST(:rows AS json)) AS c(
                    run_id uuid, broker text, environment text, account text, call text,
                    client_order_id text, outcome text, detail text, called_at timestamptz)
                """,
                rows=as_json(asdict(call) for call in calls),
            )
