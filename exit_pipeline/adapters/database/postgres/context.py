"""Daily levels, events, what the tick before knew, and what accounts gained."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.core.model.account_pnl import AccountHistory
from exit_pipeline.core.model.daily import DailyBars
from exit_pipeline.core.model.event import EventKind, MarketEvent
from exit_pipeline.core.model.quote import UnderlyingPrice

_HISTORY: Final = """
    WITH r AS (
        SELECT account, tick_at, open_pnl + realised_pnl AS pnl, peak_pnl
        FROM decision_runs
        WHERE environment = :environment AND mode = :mode AND NOT dry_run
          AND open_pnl IS NOT NULL
    )
    SELECT w.account,
           (SELECT coalesce(sum(p.realized_pnl_net), 0) - coalesce(sum(p.carried_pnl), 0)
            FROM refactored_positions p
            WHERE p.environment = :environment AND p.account = w.account) AS realised,
           base.pnl AS baseline, base.tick_at AS baseline_at, last.peak_pnl AS peak
    FROM unnest(CAST(:accounts AS text[])) AS w(account)
    LEFT JOIN LATERAL (
        (SELECT r.pnl, r.tick_at, 1 AS place FROM r
         WHERE r.account = w.account AND r.tick_at < :opens_at ORDER BY r.tick_at DESC LIMIT 1)
        UNION ALL
        (SELECT r.pnl, r.tick_at, 2 FROM r
         WHERE r.account = w.account AND r.tick_at >= :opens_at AND r.tick_at < :before
         ORDER BY r.tick_at LIMIT 1)
        ORDER BY place LIMIT 1
    ) base ON true
    LEFT JOIN LATERAL (
        SELECT r.peak_pnl FROM r WHERE r.account = w.account AND r.tick_at < :before
        ORDER BY r.tick_at DESC LIMIT 1
    ) last ON true
"""


class PostgresContext:
    """The ``ContextStore`` in ``daily_levels``, ``events`` and the tables of runs."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def memory(self, environment: str, mode: str, before: datetime) -> Mapping[str, Any]:
        """The details of the newest context of scheduled runs before a tick; empty without any."""
        with transaction(self._engine) as connection:
            found = run(
                connection,
                """
                SELECT s.details FROM decision_runs r
                JOIN refactored_context_snapshots s ON s.run_id = r.id
                WHERE r.environment = :environment AND r.mode = :mode AND NOT r.dry_run
                  AND r.request_id = '' AND r.tick_at < :before
                  AND r.tick_at > :before - interval '4 days' AND s.details IS NOT NULL
                ORDER BY r.tick_at DESC LIMIT 1
                """,
                environment=environment,
                mode=mode,
                before=before,
            ).scalar_one_or_none()
        return found if isinstance(found, Mapping) else {}

    def keep_levels(
        self, mode: str, day: date, source: str, prices: Sequence[UnderlyingPrice]
    ) -> None:
        """Widen the day's high and low by prices, and keep the newest as its close."""
        rows = [
            {"symbol": one.symbol, "last": one.last, "at": one.quoted_at}
            for one in sorted(prices, key=lambda price: price.symbol)
            if one.last > 0
        ]
        if not rows:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO daily_levels AS d (mode, symbol, day, high, low, close, at, source)
                SELECT :mode, n.symbol, :day, n.last, n.last, n.last, n.at, :source
                FROM json_to_recordset(CAST(:rows AS json)) AS n(
                    symbol text, last numeric, at timestamptz)
                ON CONFLICT (mode, symbol, day) DO UPDATE
                SET high = greatest(d.high, excluded.high), low = least(d.low, excluded.low),
                    close = CASE WHEN excluded.at >= d.at THEN excluded.close ELSE d.close END,
                    source = CASE WHEN excluded.at >= d.at THEN excluded.source ELSE d.source END,
                    at = greatest(d.at, excluded.at)
                """,
                mode=mode,
                day=day,
                source=source,
                rows=as_json(rows),
            )

    def levels(
        self, mode: str, symbols: Sequence[str], since: date, before: date
    ) -> dict[str, DailyBars]:
        """Daily bars of `since` and later, but before `before`, by symbol; none where unknown."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT symbol, day, CAST(high AS float8) AS high, CAST(low AS float8) AS low,
                       CAST(close AS float8) AS close
                FROM daily_levels
                WHERE mode = :mode AND symbol = ANY(CAST(:symbols AS text[]))
                  AND day >= :since AND day < :before
                ORDER BY symbol, day
                """,
                mode=mode,
                symbols=list(symbols),
                since=since,
                before=before,
            ).all()
        return {
            symbol: DailyBars.of((row.day, row.high, row.low, row.close) for row in of)
            for symbol, of in groupby(rows, key=lambda row: str(row.symbol))
        }

    def next_events(self, underlyings: Sequence[str], at: datetime) -> list[MarketEvent]:
        """The next event of each kind of underlyings, none earlier than `at`."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT DISTINCT ON (underlying, kind) underlying, kind, at, amount FROM events
                WHERE underlying = ANY(CAST(:underlyings AS text[])) AND at >= :at
                ORDER BY underlying, kind, at
                """,
                underlyings=list(underlyings),
                at=at,
            )
            return [_event(row._asdict()) for row in rows]

    def events(self, since: datetime | None = None) -> list[MarketEvent]:
        """All events, or those from a moment on, by time."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT underlying, kind, at, amount FROM events
                WHERE CAST(:since AS timestamptz) IS NULL OR at >= :since
                ORDER BY at, underlying, kind
                """,
                since=since,
            )
            return [_event(row._asdict()) for row in rows]

    def import_events(self, events: Sequence[MarketEvent]) -> int:
        """Add events, and replace the amount of known ones; returns how many were new."""
        if not events:
            return 0
        with transaction(self._engine) as connection:
            added = run(
                connection,
                """
                INSERT INTO events (underlying, kind, at, amount)
                SELECT n.underlying, n.kind, n.at, n.amount
                FROM json_to_recordset(CAST(:rows AS json)) AS n(
                    underlying text, kind text, at timestamptz, amount numeric)
                ON CONFLICT (underlying, kind, at) DO UPDATE SET amount = excluded.amount
                RETURNING xmax = 0
                """,
                rows=as_json(asdict(event) for event in events),
            )
            return sum(added.scalars())

    def account_history(
        self,
        environment: str,
        mode: str,
        accounts: Sequence[str],
        opens_at: datetime,
        before: datetime,
    ) -> dict[str, AccountHistory]:
        """What accounts have realised, and what their earlier runs kept, by account."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                _HISTORY,
                environment=environment,
                mode=mode,
                accounts=list(accounts),
                opens_at=opens_at,
                before=before,
            )
            return {
                row.account: AccountHistory(
                    realised=float(row.realised),
                    baseline=None if row.baseline is None else float(row.baseline),
                    baseline_at=row.baseline_at,
                    peak=None if row.peak is None else float(row.peak),
                )
                for row in rows
            }


def _event(row: dict[str, Any]) -> MarketEvent:
    return MarketEvent(**row | {"kind": EventKind(row["kind"])})
