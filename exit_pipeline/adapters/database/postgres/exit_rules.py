"""Thresholds that users keep in a table."""

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.core.model.exit_rules_row import ExitRulesRow


class PostgresExitRules:
    """The ``ExitRulesStore`` in ``exit_rules``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def active(self, mode: str) -> list[ExitRulesRow]:
        """The active rows of a mode, whatever case it is written in, by id.

        Raises:
            UnavailableError: The database did not answer.
        """
        with transaction(self._engine) as connection:
            # As JSON, since a table that users came with may have fewer columns than ours.
            rows = run(
                connection,
                """
                SELECT id, columns FROM (
                    SELECT to_jsonb(r) ->> 'id' AS id, (
                        SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(r))
                    ) AS columns
                    FROM exit_rules r
                ) found
                WHERE columns ->> 'active' = 'true' AND upper(columns ->> 'mode') = :mode
                ORDER BY id COLLATE "C"
                """,
                mode=mode,
            )
            return [ExitRulesRow(id=row.id, columns=row.columns) for row in rows]
