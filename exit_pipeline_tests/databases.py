"""A Postgres server for tests, and fresh databases on it."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg2

from exit_pipeline.adapters.clients import embedded_postgres
from exit_pipeline.adapters.clients.migrations import migrate

MIGRATED = "migrated"
"""The database with the tables of ``sql``: copying one is faster than applying every file again."""


@dataclass(frozen=True)
class Server:
    """Where a server is; can be handed to other processes.

    Attributes:
        postgres_url: URL of its database ``postgres``.
        home: Folder of the embedded server.
    """

    postgres_url: str
    home: Path

    @property
    def data(self) -> Path:
        """The server's own folder."""
        return self.home / "postgres"

    def url(self, name: str) -> str:
        """The URL of one of its databases."""
        return self.postgres_url.replace("@/postgres?", f"@/{quote(name, safe='')}?")


@contextmanager
def serve() -> Iterator[Server]:
    """An embedded server of the caller's own, with ``MIGRATED`` in it."""
    # Not pytest's own temporary folder, whose path is too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="ep"))
    started = Server(embedded_postgres.start(home).url("postgres"), home)
    # Nobody needs this data after a power cut, and creating a database syncs a thousand files.
    administer(
        started,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET synchronous_commit = off",
        "SELECT pg_reload_conf()",
        f"CREATE DATABASE {MIGRATED}",
    )
    migrate(started.url(MIGRATED))
    yield started
    embedded_postgres.stop_if_last(home)
    shutil.rmtree(home)


@contextmanager
def database(server: Server, template: str) -> Iterator[str]:
    """The URL of a database like the template, for as long as it is entered."""
    name = f"test_{uuid.uuid4().hex}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    # By force, since a pool that the test left open is not what the test is about.
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def administer(server: Server, *statements: str) -> None:
    """Run statements on the server, each by itself."""
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
