"""The chain of hashes; what is hashed, and how, is in ``sql/0016_audit_trail.sql`` alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine

from exit_pipeline.adapters.clients.postgres_engine import run, transaction
from exit_pipeline.core.model.audit_link import AuditFault, AuditLink

_LINK: Final = "SELECT seq, encode(link, 'hex') AS link, made_at FROM audit_links"


class PostgresAuditTrail:
    """The ``AuditTrailStore``, in functions of the database itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def link_runs(self, most: int) -> int:
        """Add a link for each run that has ended and has none since, the oldest first.

        Returns how many were added, at most `most`.

        Raises:
            UnavailableError: The database did not answer, or another one was adding for too long.
        """
        with transaction(self._engine) as connection:
            return int(
                run(connection, "SELECT exit_pipeline_link_runs(:most)", most=most).scalar_one()
            )

    def last_link(self) -> AuditLink | None:
        """The newest link."""
        with transaction(self._engine) as connection:
            return _one(connection, f"{_LINK} ORDER BY seq DESC LIMIT 1")

    def link(self, seq: int) -> AuditLink | None:
        """The link of a number."""
        with transaction(self._engine) as connection:
            return _one(connection, f"{_LINK} WHERE seq = :seq", seq=seq)

    def first_since(self, at: datetime) -> int | None:
        """Number of the first link that was made at a moment or later."""
        with transaction(self._engine) as connection:
            statement = "SELECT min(seq) FROM audit_links WHERE made_at >= :at"
            found: int | None = run(connection, statement, at=at).scalar_one()
            return found

    def faults(self, first: int, last: int) -> Sequence[AuditFault]:
        """What doesn't fit in the links from one number to another, by link."""
        with transaction(self._engine) as connection:
            rows = run(
                connection,
                """
                SELECT seq, kind, row_id, fault FROM exit_pipeline_audit_faults(:first, :last)
                ORDER BY seq, kind <> 'link', kind, row_id
                """,
                first=first,
                last=last,
            )
            return [AuditFault(**row._mapping) for row in rows]

    def unlinked(self) -> Sequence[AuditFault]:
        """Rows and runs that are of no link and should have been of one."""
        with transaction(self._engine) as connection:
            statement = "SELECT kind, row_id FROM exit_pipeline_unlinked() ORDER BY kind, row_id"
            rows = run(connection, statement)
            return [AuditFault(seq=None, fault="added", **row._mapping) for row in rows]


def _one(connection: Connection, statement: str, **values: int) -> AuditLink | None:
    row = run(connection, statement, **values).one_or_none()
    return AuditLink(**row._mapping) if row else None
