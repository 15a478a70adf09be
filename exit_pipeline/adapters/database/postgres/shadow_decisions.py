"""What other policies would have decided."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.adapters.database.postgres.kept import INPUTS, kept_decision
from exit_pipeline.core.model.kept_decision import SHADOW_OUTCOMES, KeptDecision
from exit_pipeline.core.model.shadow import ShadowDecision, ShadowMemories, ShadowMemory

_COLUMNS: Final = ", ".join(field.name for field in fields(ShadowDecision))

_RECORD: Final = f"""
    INSERT INTO shadow_decisions ({_COLUMNS})
    SELECT {_COLUMNS} FROM json_to_recordset(CAST(:rows AS json)) AS r(
        run_id uuid, position_id text, name text, decided_at timestamptz, dry_run boolean,
        policy_hash text, rule_hits smallint[], gex_latched boolean, decision text,
        exit_reason text, exit_action text, exit_quantity integer, urgency text,
        fired_mask bigint, evaluable_mask bigint, gex_latched_after boolean,
        rule_hits_after smallint[])
    ON CONFLICT (run_id, position_id, name) DO NOTHING
"""  # noqa: S608 the names are those of a dataclass

# One row is looked up for each pair, however long its history is.
_MEMORIES: Final = """
    SELECT p.id AS position_id, n.name, last.*
    FROM unnest(CAST(:position_ids AS text[])) AS p(id)
    CROSS JOIN unnest(CAST(:names AS text[])) AS n(name)
    CROSS JOIN LATERAL (
        SELECT s.decided_at, s.policy_hash, s.rule_hits_after AS rule_hits,
               s.gex_latched_after AS gex_latched
        FROM shadow_decisions s JOIN decision_runs r ON r.id = s.run_id
        WHERE s.position_id = p.id AND s.name = n.name AND s.decided_at < :before
          AND NOT s.dry_run AND r.status = 'SUCCEEDED'
        ORDER BY s.decided_at DESC LIMIT 1
    ) last
"""

_OWN: Final = ("policy_hash", "rule_hits", "gex_latched", *SHADOW_OUTCOMES)
"""What a shadow policy's row has of its own; the rest is that of the decision that counted."""

_NEWEST: Final = f"""
    SELECT d.run_id, d.position_id, s.decided_at AS made_at, d.dry_run, d.option_symbol,
           d.reasoning, CAST(p.policy AS text) AS policy, r.code_version,
           {", ".join(f"d.{name}" for name in INPUTS if name not in _OWN)},
           {", ".join(f"s.{name}" for name in _OWN)}
    FROM shadow_decisions s
    JOIN refactored_decisions d ON d.run_id = s.run_id AND d.position_id = s.position_id
    JOIN decision_runs r ON r.id = s.run_id
    JOIN policies p ON p.hash = s.policy_hash
    WHERE s.position_id = :position_id AND s.name = :name
      AND (CAST(:at AS timestamptz) IS NULL OR s.decided_at <= :at)
    ORDER BY s.decided_at DESC, s.id DESC LIMIT 1
"""  # noqa: S608 the names are those of the book and of this module


class PostgresShadowDecisions:
    """The ``ShadowStore`` in ``shadow_decisions``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, decisions: Sequence[ShadowDecision]) -> int:
        """Record decisions, in one statement; one that is there already is left as it is.

        Returns:
            How many were new.
        """
        if not decisions:
            return 0
        with transaction(self._engine) as connection:
            return run(connection, _RECORD, rows=as_json(map(asdict, decisions))).rowcount

    def of_runs(self, run_ids: Sequence[str]) -> list[ShadowDecision]:
        """The decisions of runs, by name and position id."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT {_COLUMNS} FROM shadow_decisions
                WHERE run_id = ANY(CAST(:run_ids AS uuid[]))
                ORDER BY name COLLATE "C", position_id COLLATE "C"
                """,  # noqa: S608 the names are those of a dataclass
                run_ids=list(run_ids),
            )
            return [_decision(row._asdict()) for row in rows]

    def memories(
        self, position_ids: Sequence[str], names: Sequence[str], before: datetime
    ) -> ShadowMemories:
        """What each policy remembers of each position; see ``ShadowStore.memories``."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                _MEMORIES,
                position_ids=list(position_ids),
                names=list(names),
                before=before,
            )
            return {
                (row.position_id, row.name): ShadowMemory(
                    decided_at=row.decided_at,
                    policy_hash=row.policy_hash,
                    rule_hits=row.rule_hits,
                    gex_latched=row.gex_latched,
                )
                for row in rows
            }

    def newest(self, position_id: str, name: str, at: datetime | None) -> KeptDecision | None:
        """The newest decision of a policy on a position; see ``ShadowStore.newest``."""
        with transaction(self._engine) as connection:
            rows = run(connection, _NEWEST, position_id=position_id, name=name, at=at)
            row = rows.one_or_none()
        return row and kept_decision(row._asdict(), SHADOW_OUTCOMES, shadow=name)


def _decision(row: dict[str, Any]) -> ShadowDecision:
    return ShadowDecision(**row | {"run_id": str(row["run_id"])})
