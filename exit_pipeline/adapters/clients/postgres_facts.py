"""What a server says of itself and of the role that asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from exit_pipeline.adapters.clients.postgres_engine import shared_engine, transaction

WRITTEN: Final = (
    "refactored_positions",
    "refactored_decisions",
    "orders",
    "trades",
    "decision_runs",
    "account_leases",
    "alerts",
)
"""Tables into which every tick may have to write."""

_ASK: Final = """
    SELECT current_setting('server_version') AS version,
           current_user AS role,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
           clock_timestamp() AS at,
           ARRAY(
               SELECT name FROM unnest(CAST(:names AS text[])) AS name
               WHERE NOT (has_table_privilege(to_regclass(name), 'SELECT')
                          AND has_table_privilege(to_regclass(name), 'INSERT'))
           ) AS closed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """A server, and a role on it.

    Attributes:
        version: Of the server, such as ``16.4``.
        role: Who asks.
        is_superuser: Whether that role may do anything.
        closed: Those of ``WRITTEN`` that it may not both read and add to.
        at: The server's time.
    """

    version: str
    role: str
    is_superuser: bool
    closed: tuple[str, ...]
    at: datetime


def server_facts(url: str) -> ServerFacts:
    """Ask a server whose schema is up to date.

    Raises:
        ConfigurationError: The URL is malformed.
        UnavailableError: The server does not answer.
    """
    with transaction(shared_engine(url)) as connection:
        row = connection.execute(text(_ASK), {"names": list(WRITTEN)}).one()
    return ServerFacts(
        version=row.version,
        role=row.role,
        is_superuser=row.is_superuser,
        closed=tuple(row.closed),
        at=row.at,
    )
