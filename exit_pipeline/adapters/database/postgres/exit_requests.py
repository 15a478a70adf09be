"""Positions that a person wants closed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Engine

from exit_pipeline.adapters.clients.postgres_engine import as_json, run, transaction
from exit_pipeline.core.model.exit_request import ExitRequest


class PostgresExitRequests:
    """The ``ExitRequestStore`` in ``exit_requests``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, requests: Sequence[ExitRequest]) -> None:
        """Keep requests, all or none."""
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                INSERT INTO exit_requests (id, position_id, reason, requested_by, requested_at,
                                           expires_at)
                SELECT r.id, r.position_id, r.reason, r.requested_by, r.requested_at, r.expires_at
                FROM json_to_recordset(CAST(:rows AS json)) AS r(
                    id uuid, position_id text, reason text, requested_by text,
                    requested_at timestamptz, expires_at timestamptz)
                """,
                rows=as_json(asdict(request) for request in requests),
            )

    def in_force(self, position_ids: Sequence[str], at: datetime) -> list[ExitRequest]:
        """Requests on these positions that have begun and not expired at a moment."""
        return self._select("requested_at <= :at AND expires_at > :at", position_ids, at)

    def expired(self, position_ids: Sequence[str], at: datetime) -> list[ExitRequest]:
        """Requests on these positions that have expired, of which nobody has been told yet."""
        return self._select("expires_at <= :at AND expiry_told_at IS NULL", position_ids, at)

    def note_expired(self, request_ids: Sequence[str], at: datetime) -> None:
        """Note that a person was told that requests expired."""
        with transaction(self._engine) as connection:
            run(
                connection,
                """
                UPDATE exit_requests SET expiry_told_at = :at
                WHERE id = ANY(CAST(:ids AS uuid[])) AND expiry_told_at IS NULL
                """,
                ids=list(request_ids),
                at=at,
            )

    def consume(self, requests: Mapping[str, str], at: datetime) -> int:
        """Note which run decided first on which request, once each.

        Args:
            requests: The run by the request's id.
            at: The tick's moment.

        Returns:
            How many no run had consumed before.
        """
        with transaction(self._engine) as connection:
            return run(
                connection,
                """
                UPDATE exit_requests e SET consumed_by = n.run_id, consumed_at = :at
                FROM unnest(CAST(:ids AS uuid[]), CAST(:runs AS uuid[])) AS n(id, run_id)
                WHERE e.id = n.id AND e.consumed_at IS NULL
                """,
                ids=list(requests.keys()),
                runs=list(requests.values()),
                at=at,
            ).rowcount

    def _select(
        self, condition: str, position_ids: Sequence[str], at: datetime
    ) -> list[ExitRequest]:
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                f"""
                SELECT CAST(id AS text) AS id, position_id, reason, requested_by, requested_at,
                       expires_at
                FROM exit_requests
                WHERE position_id = ANY(:ids) AND {condition}
                ORDER BY requested_at, id
                """,  # noqa: S608 the part is this module's own text
                ids=list(position_ids),
                at=at,
            )
            return [ExitRequest(**row._asdict()) for row in rows]
