"""Contracts that left without an order of ours, and what the broker tells of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.adapters.database.postgres.evidence import explain, unexplained
from exit_pipeline.core.model.closing import Evidence, Unexplained


class PostgresClosings:
    """The ``ClosingStore`` in ``closings``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unexplained(
        self, broker: str, environment: str, accounts: Sequence[str], since: datetime
    ) -> list[Unexplained]:
        """Contracts closed elsewhere since then at a price that is not known yet, by position."""
        with transaction(self._engine) as connection:
            return unexplained(connection, broker, environment, accounts, since)

    def counted(self, broker: str, environment: str, evidence_ids: Sequence[str]) -> dict[str, int]:
        """Contracts of executions and settlements that count as of positions, by their keys."""
        if not evidence_ids:
            return {}
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT evidence_id, CAST(sum(quantity) AS integer) AS contracts FROM closings
                WHERE broker = :broker AND environment = :environment
                  AND evidence_id = ANY(:evidence_ids)
                GROUP BY evidence_id
                """,
                broker=broker,
                environment=environment,
                evidence_ids=list(evidence_ids),
            )
            return {row.evidence_id: row.contracts for row in rows}

    def explain(self, position_id: str, evidence: Evidence) -> int:
        """Give contracts that were closed elsewhere their price; returns how many.

        Each contract of an evidence counts once, and none that is a fill of an order of ours. A
        position that ended as EXTERNAL ends as what is told.
        """
        with transaction(self._engine) as connection:
            return explain(connection, position_id, evidence)
