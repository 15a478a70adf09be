"""Decisions with all of their inputs, and the policies that they follow."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.adapters.database.postgres.kept import INPUTS, kept_decision
from exit_pipeline.adapters.database.postgres.lines import decision_lines
from exit_pipeline.core.model.kept_decision import OUTCOMES, KeptDecision
from exit_pipeline.core.model.lines import DecisionLine, DecisionPlace
from exit_pipeline.core.model.record import DecisionRows, StoredDecision

_TYPES: Final[Mapping[str, str]] = {
    "id": "text",
    "run_id": "uuid",
    "position_id": "text",
    "signal_id": "text",
    "decided_at": "timestamptz",
    "dry_run": "boolean",
    # the time, and the contract
    "session_close": "timestamptz",
    "clock_minutes": "integer",
    "last_trading_close": "timestamptz",
    "days_to_expiration": "integer",
    "days_in_trade": "integer",
    "option_symbol": "text",
    "option_right": "text",
    "strike": "numeric",
    "side": "text",
    # the position
    "quantity": "integer",
    "open_quantity": "integer",
    "profit_exited": "integer",
    "entry_price": "numeric",
    "entry_time": "timestamptz",
    "high_water": "numeric",
    "rule_hits": "smallint[]",
    "entry_iv": "float8",
    "entry_regime": "text",
    "intraday": "boolean",
    "force_close": "boolean",
    # the quote
    "bid": "numeric",
    "ask": "numeric",
    "bid_size": "integer",
    "ask_size": "integer",
    "nonfinite": "boolean",
    "quoted_at": "timestamptz",
    "feed_at": "timestamptz",
    "feed_age_limit": "interval",
    "previous_mid": "numeric",
    "underlying_price": "numeric",
    # the contract's own figures
    "iv": "float8",
    "delta": "float8",
    "gamma": "float8",
    "theta": "float8",
    "vega": "float8",
    # the context
    "vix": "float8",
    "vix_at": "timestamptz",
    "vix_change": "float8",
    "vix_ratio": "float8",
    "regime": "text",
    "gamma_sign": "smallint",
    "confluence": "float8",
    "next_earnings": "timestamptz",
    "next_ex_dividend": "timestamptz",
    "dividend": "numeric",
    # the account
    "day_pnl": "float8",
    "drawdown": "float8",
    "gex_direction": "text",
    "gex_strength": "float8",
    "gex_at": "timestamptz",
    "gex_previous": "text",
    "gex_entry": "text",
    "gex_latched": "boolean",
    # what came of them
    "policy_hash": "text",
    "mark": "numeric",
    "pnl_percent": "float8",
    "quote_flags": "integer",
    "quote_grade": "text",
    "decision_type": "text",
    "decision": "text",
    "exit_reason": "text",
    "exit_action": "text",
    "exit_quantity": "integer",
    "urgency": "text",
    "fired_mask": "bigint",
    "evaluable_mask": "bigint",
    "gex_latched_after": "boolean",
    "rule_hits_after": "smallint[]",
    "policy_origins": "jsonb",
    "reasoning": "jsonb",
    # what the users' own decisions have beside
    "confidence": "integer",
    "position_size": "integer",
    "calculations": "jsonb",
    "context_data": "jsonb",
    "gex_data": "jsonb",
}
"""SQL type by column of ``refactored_decisions``."""

_KEY: Final = ("id", "run_id", "position_id")
_STORED: Final = tuple(field.name for field in fields(StoredDecision))

_KEPT: Final = f"""
    SELECT d.run_id, d.position_id, coalesce(d.decided_at, CAST(d.created_at AS timestamptz)) AS
           made_at, d.dry_run, d.option_symbol, d.policy_hash, d.reasoning,
           CAST(p.policy AS text) AS policy, r.code_version,
           {", ".join(f"d.{name}" for name in (*INPUTS, *OUTCOMES))}
    FROM refactored_decisions d
    LEFT JOIN policies p ON p.hash = d.policy_hash
    LEFT JOIN decision_runs r ON r.id = d.run_id
"""  # noqa: S608 the names are those of the book and of its outcome

_NEWEST: Final = f"""
    {_KEPT}
    WHERE d.position_id = :position_id
      AND (CAST(:at AS timestamptz) IS NULL OR d.decided_at <= :at)
    ORDER BY d.decided_at DESC NULLS LAST, d.created_at DESC LIMIT 1
"""

# A users' own decision is on a signal, and has neither a time of its own nor any input.
_USERS_NEWEST: Final = f"""
    {_KEPT} JOIN refactored_positions o ON o.signal_id = d.signal_id
    WHERE o.id = :position_id AND d.run_id IS NULL
      AND (CAST(:at AS timestamptz) IS NULL OR CAST(d.created_at AS timestamptz) <= :at)
    ORDER BY d.created_at DESC NULLS LAST LIMIT 1
"""


class PostgresDecisions:
    """The ``DecisionStore`` in ``refactored_decisions`` and ``policies``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep_policies(self, policies: Mapping[str, str]) -> None:
        """Keep policies, canonical JSON by hash, once each."""
        if not policies:
            return
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO policies (hash, policy)
                SELECT p.hash, CAST(p.policy AS jsonb)
                FROM unnest(CAST(:hashes AS text[]), CAST(:policies AS text[])) AS p(hash, policy)
                ORDER BY p.hash
                ON CONFLICT (hash) DO NOTHING
                """,
                hashes=list(policies.keys()),
                policies=list(policies.values()),
            )

    def record(self, rows: DecisionRows) -> int:
        """Record decisions, in one statement; one that its run already has is left as it is.

        Args:
            rows: Columns of ``refactored_decisions``; None is stored as NULL.

        Returns:
            How many were new.

        Raises:
            ValueError: A column is not one of the table, a key column is missing, the columns
                differ in length, or a float is not finite.
        """
        names = list(rows.columns)
        _check_names(names)
        if not len(rows):
            return 0
        columns = ", ".join(names)
        types = ", ".join(f"{name} {_TYPES[name]}" for name in names)
        values = zip(*rows.columns.values(), strict=True)
        with transaction(self._engine) as connection:
            inserted = run(
                connection,
                f"""
                INSERT INTO refactored_decisions ({columns})
                SELECT {columns} FROM json_to_recordset(CAST(:rows AS json)) AS r({types})
                ON CONFLICT (run_id, position_id) DO NOTHING
                """,  # noqa: S608 every name is in the table above
                rows=as_json(dict(zip(names, row, strict=True)) for row in values),
            )
            return inserted.rowcount

    def of_runs(self, run_ids: Sequence[str]) -> list[StoredDecision]:
        """The decisions of runs, by position id."""
        columns = ", ".join(_STORED)
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT {columns} FROM refactored_decisions
                WHERE run_id = ANY(CAST(:run_ids AS uuid[]))
                ORDER BY position_id COLLATE "C", run_id
                """,  # noqa: S608 the names are those of a dataclass
                run_ids=list(run_ids),
            )
            return [_stored(row._asdict()) for row in rows]

    def due_in_a_row(self, position_id: str, exit_reason: str, since: datetime) -> int:
        """How many decisions on a position, up to the newest, asked for the same exit."""
        with transaction(self._engine) as connection:
            found = run(
                connection,
                """
                SELECT count(*) FILTER (WHERE NOT coalesce(others_later, false)) FROM (
                    SELECT bool_or(exit_reason IS DISTINCT FROM :exit_reason)
                        OVER (ORDER BY decided_at DESC, id) AS others_later
                    FROM refactored_decisions
                    WHERE position_id = :position_id AND decided_at >= :since AND NOT dry_run
                ) AS decided
                """,
                position_id=position_id,
                exit_reason=exit_reason,
                since=since,
            )
            return int(found.scalar_one())

    def refused_in_a_row(self, position_ids: Sequence[str], since: datetime) -> dict[str, int]:
        """How many decisions on each position, up to the newest, had a quote that was refused."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT position_id, count(*) FILTER (WHERE NOT usable_later) AS refused FROM (
                    SELECT position_id, bool_or(quote_grade IS DISTINCT FROM 'BAD') OVER (
                        PARTITION BY position_id ORDER BY decided_at DESC, id) AS usable_later
                    FROM refactored_decisions
                    WHERE position_id = ANY(:ids) AND decided_at >= :since AND NOT dry_run
                ) AS decided GROUP BY position_id
                """,
                ids=list(position_ids),
                since=since,
            )
            return {row.position_id: row.refused for row in rows}

    def listing(
        self,
        limit: int,
        position_id: str | None = None,
        since: datetime | None = None,
        before: DecisionPlace | None = None,
    ) -> list[DecisionLine]:
        """Decisions of runs, the newest first; see ``DecisionStore.listing``."""
        with transaction(self._engine) as connection:
            return decision_lines(connection, limit, position_id, since, before)

    def newest(self, position_id: str, at: datetime | None) -> KeptDecision | None:
        """The newest decision on a position; see ``DecisionStore.newest``."""
        asked = {"position_id": position_id, "at": at}
        with transaction(self._engine) as connection:
            row = run(connection, _NEWEST, **asked).one_or_none()
            row = row or run(connection, _USERS_NEWEST, **asked).one_or_none()
        return row and kept_decision(row._asdict(), OUTCOMES)


def _check_names(names: Sequence[str]) -> None:
    foreign = sorted(set(names) - _TYPES.keys())
    if foreign:
        message = f"refactored_decisions has no column {foreign[0]}"
        raise ValueError(message)
    missing = [name for name in _KEY if name not in names]
    if missing:
        message = f"decisions need the column {missing[0]}"
        raise ValueError(message)


def _stored(row: dict[str, Any]) -> StoredDecision:
    return StoredDecision(
        **row | {"run_id": str(row["run_id"]), "reasoning": tuple(row["reasoning"] or ())}
    )
