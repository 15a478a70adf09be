"""Gamma signals, trends and the context that runs saw."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, Row

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.core.model.context import MODE_KEY, GexHistory, GexSignal
from exit_pipeline.core.model.direction import Direction
from exit_pipeline.core.model.signal import Signal

_CONTEXT_TYPES: Final[Mapping[str, str]] = {
    "vix": "numeric",
    "vix3m": "numeric",
    "vix9d": "numeric",
    "vix_at": "timestamptz",
    "vix_band": "text",
    "vix_change": "float8",
    "vix_ratio": "float8",
    "vix_percentile": "float8",
    "term_structure": "text",
    "front_structure": "text",
    "trend": "text",
    "bias": "numeric",
    "regime": "text",
    "realised_vol": "float8",
    "details": "jsonb",
    "timestamp": "timestamptz",
    "source": "text",
}
"""SQL type by column of ``refactored_context_snapshots``."""

OTHERS_MINUTES: Final = 240
"""For so long after their last gamma signal the series of other programs counts: as long as one
may make an exit, unless a policy says otherwise."""

_IS_OWN: Final = f"coalesce(g.metadata ->> '{MODE_KEY}' = :mode, false)"
_IS_OTHERS: Final = f"(g.metadata ->> '{MODE_KEY}') IS NULL"

_HISTORY: Final = f"""
    SELECT wanted.symbol, g.direction, g.strength, g.at, series.is_own
    FROM unnest(CAST(:symbols AS text[])) AS wanted(symbol)
    CROSS JOIN LATERAL (
        SELECT coalesce(bool_or({_IS_OWN}) AND NOT bool_or({_IS_OTHERS}), false) AS is_own
        FROM refactored_gex_signals g
        WHERE g.symbol = wanted.symbol AND g.timestamp <= :at AND g.timestamp > :since
          AND g.direction IS NOT NULL
    ) series
    CROSS JOIN LATERAL (
        SELECT g.direction, CAST(g.strength AS float8) AS strength,
               CAST(g.timestamp AS timestamptz) AS at
        FROM refactored_gex_signals g
        WHERE g.symbol = wanted.symbol AND g.timestamp <= :at AND g.direction IS NOT NULL
          AND CASE WHEN series.is_own THEN {_IS_OWN} ELSE {_IS_OTHERS} END
        ORDER BY g.timestamp DESC, g.created_at DESC, g.id DESC LIMIT 2
    ) g
    ORDER BY wanted.symbol, g.at
"""  # noqa: S608 the parts are this module's own text

_AT_ENTRY: Final = f"""
    SELECT p.id, coalesce(before.direction, after.direction) AS direction
    FROM json_to_recordset(CAST(:rows AS json)) AS p(id text, symbol text, entered timestamptz)
    LEFT JOIN LATERAL (
        SELECT g.direction FROM refactored_gex_signals g
        WHERE g.symbol = p.symbol AND g.direction IS NOT NULL AND ({_IS_OWN} OR {_IS_OTHERS})
          AND g.timestamp <= p.entered AND g.timestamp > p.entered - interval '1 day'
          AND g.timestamp <= :at
        ORDER BY {_IS_OTHERS} DESC, g.timestamp DESC, g.id LIMIT 1
    ) before ON true
    LEFT JOIN LATERAL (
        SELECT g.direction FROM refactored_gex_signals g
        WHERE before.direction IS NULL
          AND g.symbol = p.symbol AND g.direction IS NOT NULL AND ({_IS_OWN} OR {_IS_OTHERS})
          AND g.timestamp > p.entered AND g.timestamp <= :at
        ORDER BY g.timestamp, g.id LIMIT 1
    ) after ON true
    WHERE coalesce(before.direction, after.direction) IS NOT NULL
"""  # noqa: S608 the parts are this module's own text


class PostgresSignals:
    """The ``SignalStore`` in ``refactored_gex_signals`` and ``refactored_context_snapshots``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def gex_history(
        self, underlyings: Sequence[str], at: datetime, mode: str = ""
    ) -> dict[str, GexHistory]:
        """The newest gamma signal and the one before it, by underlying, none later than `at`.

        An underlying without signals is absent. A strength that was not recorded is NaN. Signals of
        two programs are never compared with each other: those of others count as long as they have
        sent one within ``OTHERS_MINUTES``, our own of the mode after that, and where we have none
        lately the others' last ones.
        """
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                _HISTORY,
                symbols=list(underlyings),
                at=at,
                since=at - timedelta(minutes=OTHERS_MINUTES),
                mode=mode,
            )
            history: dict[str, GexHistory] = {}
            for row in rows:
                older = history.get(row.symbol)
                history[row.symbol] = GexHistory(
                    newest=_signal(row),
                    previous=older.newest if older else None,
                    is_own=row.is_own,
                )
        return history

    def entry_directions(
        self, entries: Mapping[str, tuple[str, datetime]], at: datetime, mode: str
    ) -> dict[str, Direction]:
        """The direction in force when positions were entered, or that of the first signal after.

        Args:
            entries: Underlying and time of entry by position id.
            at: No signal is later than this.
            mode: Of our own signals; those of others go first.
        """
        if not entries:
            return {}
        rows = [
            {"id": name, "symbol": symbol, "entered": entered}
            for name, (symbol, entered) in entries.items()
        ]
        with transaction(self._engine) as connection:
            found = run(connection, _AT_ENTRY, rows=as_json(rows), at=at, mode=mode)
            return {row.id: Direction[row.direction] for row in found}

    def recent_signals(self, symbols: Sequence[str], since: datetime, at: datetime) -> list[Signal]:
        """Signals of strategies about symbols, later than `since` and none later than `at`."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT symbol, timeframe, coalesce(source, 'OTHER') AS source, direction,
                       CAST(timestamp AS timestamptz) AS at
                FROM refactored_signals
                WHERE symbol = ANY(CAST(:symbols AS text[])) AND direction IS NOT NULL
                  AND timestamp > :since AND timestamp <= :at
                ORDER BY timestamp, id
                """,
                symbols=list(symbols),
                since=since,
                at=at,
            )
            return [
                Signal(**row._asdict() | {"direction": Direction[row.direction]}) for row in rows
            ]

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
            snapshot: By the columns of ``_CONTEXT_TYPES``; one that is missing is not known.

        Raises:
            ValueError: The snapshot has something else.
        """
        foreign = sorted(snapshot.keys() - _CONTEXT_TYPES.keys())
        if foreign:
            message = f"a context snapshot has no column {foreign[0]}"
            raise ValueError(message)
        if not run_ids:
            return
        columns = ", ".join(_CONTEXT_TYPES)
        types = ", ".join(f"{name} {kind}" for name, kind in _CONTEXT_TYPES.items())
        with transaction(self._engine) as connection:
            run(
                connection,
                f"""
                INSERT INTO refactored_context_snapshots (run_id, {columns})
                SELECT r.id, {columns}
                FROM unnest(CAST(:run_ids AS uuid[])) AS r(id)
                CROSS JOIN json_to_record(CAST(:snapshot AS json)) AS s({types})
                ON CONFLICT (run_id) DO NOTHING
                """,  # noqa: S608 every name is in the table above
                run_ids=list(run_ids),
                snapshot=as_json(snapshot),
            )

    def import_gex_signals(self, rows: Sequence[Mapping[str, object]]) -> int:
        """Add gamma signals by their ids; returns how many were new.

        Args:
            rows: ``id``, ``symbol``, ``timeframe``, ``strength`` (-1 to 1), ``direction`` (CALL or
                PUT), ``timestamp`` and, of our own, ``age`` in seconds and ``metadata``.
        """
        if not rows:
            return 0
        with transaction(self._engine) as connection:
            # Read by the table's own types: whose database it is decides what an id is.
            return run(
                connection,
                """
                INSERT INTO refactored_gex_signals
                    (id, symbol, timeframe, strength, direction, timestamp, age, metadata)
                SELECT g.id, g.symbol, g.timeframe, g.strength, g.direction, g.timestamp, g.age,
                       g.metadata
                FROM json_populate_recordset(
                    CAST(NULL AS refactored_gex_signals), CAST(:rows AS json)) AS g
                ON CONFLICT (id) DO NOTHING
                """,
                rows=as_json(rows),
            ).rowcount


def _signal(row: Row[Any]) -> GexSignal:
    strength = float("nan") if row.strength is None else abs(row.strength)
    return GexSignal(direction=Direction[row.direction], strength=strength, at=row.at)
