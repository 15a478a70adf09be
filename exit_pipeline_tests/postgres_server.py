"""A PostgreSQL server for tests alone, whose data nobody needs after a power cut."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2

from exit_pipeline.adapters.clients import embedded_postgres
from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer


@contextmanager
def throwaway_server(*settings: str) -> Iterator[EmbeddedServer]:
    """A server for as long as the context is entered.

    Args:
        settings: More of its settings, such as ``autovacuum = off``.
    """
    # Not pytest's own temporary folder, whose path is too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="ep"))
    started = embedded_postgres.start(home)
    # Creating a database syncs a thousand files.
    for setting in ("fsync = off", "synchronous_commit = off", *settings):
        administer(started.url("postgres"), f"ALTER SYSTEM SET {setting}")
    administer(started.url("postgres"), "SELECT pg_reload_conf()")
    try:
        yield started
    finally:
        embedded_postgres.stop_if_last(home)
        shutil.rmtree(home)


def administer(url: str, *statements: str) -> None:
    """Run statements that no transaction may hold, such as CREATE DATABASE."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
