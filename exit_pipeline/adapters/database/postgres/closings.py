"""Contracts that left without an order of ours, and what the broker tells of them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import transaction
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

    def explain(self, position_id: str, evidence: Evidence) -> int:
        """Give contracts that were closed elsewhere their price; returns how many.

        Each contract of an evidence counts once, and none that is a fill of an order of ours. A
        position that ended as EXTERNAL ends as what is told.
        """
        with transaction(self._engine) as connection:
            return explain(connection, position_id, evidence)
