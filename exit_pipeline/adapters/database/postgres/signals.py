"""Gamma signals, trends and the context that runs saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine, Row

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.core.model.context import Direction, GexHistory, GexSignal

_CONTEXT_COLUMNS: Final = ("vix", "vix3m", "vix_at", "trend", "timestamp", "source")


class PostgresSignals:
    """The ``SignalStore`` in ``refactored_gex_signals`` and ``refactored_context_snapshots``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def gex_history(self, underlyings: Sequence[str], at: datetime) -> dict[str, GexHistory]:
        """The newest gamma signal and the one before it, by underlying, none later than `at`.

        An underlying without signals is absent. A strength that was not recorded is NaN.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT wanted.symbol, g.direction, g.strength, g.at
                FROM unnest(CAST(:symbols AS text[])) AS wanted(symbol)
                CROSS JOIN LATERAL (
                    SELECT direction, CAST(strength AS float8) AS strength,
                           CAST(timestamp AS timestamptz) AS at
                    FROM refactored_gex_signals
                    WHERE symbol = wanted.symbol AND timestamp <= :at AND direction IS NOT NULL
                    ORDER BY timestamp DESC, created_at DESC, id DESC LIMIT 2
                ) g
                ORDER BY wanted.symbol, g.at
                """,
                symbols=list(underlyings),
                at=at,
            )
            history: dict[str, GexHistory] = {}
            for row in rows:
                older = history.get(row.symbol)
                history[row.symbol] = GexHistory(
                    newest=_signal(row), previous=older.newest if older else None
                )
        return history

    def newest_trend(self, at: datetime) -> tuple[str, datetime] | None:
        """The newest trend that other programs recorded, none later than `at`, with its time.

        What our own runs wrote down is only what they had read here.
        """
        with transaction(self._engine) as connection:
            row = run(
                connection,
                """
                SELECT trend, CAST(timestamp AS timestamptz) AS at
                FROM refactored_context_snapshots
                WHERE run_id IS NULL AND trend IS NOT NULL AND timestamp <= :at
                ORDER BY timestamp DESC LIMIT 1
                """,
                at=at,
            ).one_or_none()
        return None if row is None else (row.trend, row.at)

    def record_context(self, run_ids: Sequence[str], snapshot: Mapping[str, object]) -> None:
        """Keep the context that runs saw, once per run.

        Args:
            run_ids: The runs.
            snapshot: ``vix``, ``vix3m``, ``vix_at``, ``trend``, ``timestamp`` and ``source``; one
                that is missing is not known.

        Raises:
            ValueError: The snapshot has something else.
        """
        foreign = sorted(snapshot.keys() - set(_CONTEXT_COLUMNS))
        if foreign:
            message = f"a context snapshot has no column {foreign[0]}"
            raise ValueError(message)
        if not run_ids:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO refactored_context_snapshots
                    (run_id, vix, vix3m, vix_at, trend, timestamp, source)
                SELECT r.id, s.vix, s.vix3m, s.vix_at, s.trend, s.timestamp, s.source
                FROM unnest(CAST(:run_ids AS uuid[])) AS r(id)
                CROSS JOIN json_to_record(CAST(:snapshot AS json)) AS s(
                    vix numeric, vix3m numeric, vix_at timestamptz, trend text,
                    timestamp timestamptz, source text)
                ON CONFLICT (run_id) DO NOTHING
                """,
                run_ids=list(run_ids),
                snapshot=as_json(snapshot),
            )

    def import_gex_signals(self, rows: Sequence[Mapping[str, object]]) -> int:
        """Add gamma signals by their ids; returns how many were new.

        Args:
            rows: ``id``, ``symbol``, ``timeframe``, ``strength`` (-1 to 1), ``direction`` (CALL or
                PUT) and ``timestamp``.
        """
        if not rows:
            return 0
        with transaction(self._engine) as connection:
            # Read by the table's own types: whose database it is decides what an id is.
            return run(
                connection,
                """
                INSERT INTO refactored_gex_signals
                    (id, symbol, timeframe, strength, direction, timestamp)
                SELECT g.id, g.symbol, g.timeframe, g.strength, g.direction, g.timestamp
                FROM json_populate_recordset(
                    CAST(NULL AS refactored_gex_signals), CAST(:rows AS json)) AS g
                ON CONFLICT (id) DO NOTHING
                """,
                rows=as_json(rows),
            ).rowcount


def _signal(row: Row[Any]) -> GexSignal:
    strength = float("nan") if row.strength is None else abs(row.strength)
    return GexSignal(direction=Direction[row.direction], strength=strength, at=row.at)
