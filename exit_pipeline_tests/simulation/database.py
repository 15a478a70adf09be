"""A real PostgreSQL database whose time and random keys belong to the simulation.

``now()``, ``clock_timestamp()`` and ``gen_random_uuid()`` are found in the schema ``sim`` before
those of the server, so leases, quarantines and keys follow the simulated day, and the same seed
leaves the same rows.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import psycopg2
from psycopg2.extras import RealDictCursor

from exit_pipeline.adapters.clients.migrations import migrate
from exit_pipeline_tests.postgres_server import administer

_CLOCK = """
CREATE SCHEMA sim;
CREATE SEQUENCE sim.clock MINVALUE 0;
CREATE SEQUENCE sim.keys;
CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS $$
    SELECT 'epoch'::timestamptz + (SELECT last_value FROM sim.clock) * interval '1 microsecond'
$$;
CREATE FUNCTION sim.now() RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT 'epoch'::timestamptz + (SELECT last_value FROM sim.clock) * interval '1 microsecond'
$$;
CREATE FUNCTION sim.transaction_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT sim.now()
$$;
CREATE FUNCTION sim.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS $$
    SELECT sim.now()
$$;
CREATE FUNCTION sim.gen_random_uuid() RETURNS uuid VOLATILE LANGUAGE sql AS $$
    SELECT md5(nextval('sim.keys')::text)::uuid
$$;
"""
_KEPT = frozenset({"exit_pipeline_migrations", "yoyo_lock"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SimDatabase:
    """One worker's database, emptied between seeds.

    Args:
        url_of: The URL of a database of the server by its name.
        name: The database to create.

    Attributes:
        url: For engines of the program.
    """

    def __init__(self, url_of: Callable[[str], str], name: str) -> None:
        _create(url_of, name)
        # In one thread nobody ever gives a lock back while another waits for it.
        self.url = f"{url_of(name)}&options={quote('-c lock_timeout=25')}"
        self._connection = psycopg2.connect(url_of(name), cursor_factory=RealDictCursor)
        self._connection.autocommit = True
        tables = self.rows(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
            " WHERE schemaname IN ('public', 'paper') ORDER BY 1"
        )
        names = [row["name"] for row in tables]
        self.tables = frozenset(one.removeprefix("public.") for one in names)
        self._emptied = [
            one for one in names if one.removeprefix("public.") not in _KEPT and "_yoyo" not in one
        ]
        self._first_rows = {table: self._dump(table) for table in self._emptied}

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows that are committed now."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def document(self, query: str, *values: Any) -> Any:
        """The one JSON value of a query, numbers as exact decimals."""
        (row,) = self.rows(f"SELECT ({query})::text AS found", *values)
        return json.loads(row["found"], parse_float=Decimal)

    def set_time(self, at: datetime) -> None:
        micros = round((at - _EPOCH).total_seconds() * 1_000_000)
        self.rows("SELECT setval('sim.clock', %s)", micros)

    def reset(self) -> None:
        """Back to the rows that the migrations left."""
        # Without triggers, which keep what is append-only from being emptied.
        self.rows("SET session_replication_role = replica")
        self.rows(f"TRUNCATE {', '.join(self._emptied)} RESTART IDENTITY CASCADE")
        self.rows("SET session_replication_role = origin")
        self.rows("ALTER SEQUENCE sim.keys RESTART")
        for table, rows in self._first_rows.items():
            for row in rows:
                self._restore(table, row)

    def end_sessions(self, pids: Sequence[int]) -> None:
        """End sessions of the server and wait until they are gone, with all that they held."""
        known = list(pids)
        if known:
            self.rows("SELECT pg_terminate_backend(pid) FROM unnest(%s) AS pid", known)
        while known and self.rows("SELECT FROM pg_stat_activity WHERE pid = ANY(%s)", known):
            pass

    def close(self) -> None:
        self._connection.close()

    def _dump(self, table: str) -> list[Any]:
        return [row["found"] for row in self.rows(f"SELECT to_json(t) AS found FROM {table} t")]

    def _restore(self, table: str, row: Any) -> None:
        self.rows(
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
            f" SELECT * FROM json_populate_record(NULL::{table}, %s)",
            json.dumps(row),
        )


@contextmanager
def simulated_database(url_of: Callable[[str], str], name: str) -> Iterator[SimDatabase]:
    """A database for as long as the context is entered."""
    database = SimDatabase(url_of, name)
    try:
        yield database
    finally:
        database.close()
        administer(url_of("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


def _create(url_of: Callable[[str], str], name: str) -> None:
    administer(url_of("postgres"), f"CREATE DATABASE {name}")
    with closing(psycopg2.connect(url_of(name))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(_CLOCK)
        cursor.execute(f"ALTER DATABASE {name} SET search_path = public, sim, pg_catalog")
        cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        cursor.execute(f"ALTER DATABASE {name} SET jit = off")
    migrate(url_of(name))
