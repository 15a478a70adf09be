"""A PostgreSQL server for tests alone, whose data nobody needs after a power cut."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import psycopg2

from exit_pipeline.adapters.clients import embedded_postgres
from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.clients.migrations import migrate
from exit_pipeline_tests.canaries import CANARIES, SEEN, tables_showing

_IN_MEMORY: Final = "/dev/shm"  # noqa: S108 the folders in it have names that nobody can guess
_ENOUGH: Final = 2 * 1024**3


@contextmanager
def throwaway_server(*settings: str) -> Iterator[EmbeddedServer]:
    """A server for as long as the context is entered.

    Args:
        settings: More of its settings, such as ``autovacuum = off``.
    """
    # Not pytest's own temporary folder, whose path is too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="ep", dir=_memory()))
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


def _memory() -> str | None:
    """A folder in memory, where a database is copied in half of the time; None where there is none.

    Containers often have a small one, which a few databases would fill.
    """
    try:
        free = shutil.disk_usage(_IN_MEMORY).free
    except OSError:
        return None
    return _IN_MEMORY if free > _ENOUGH and os.access(_IN_MEMORY, os.W_OK) else None


def migrated_database(url: str) -> str:
    """Make a database with the tables of ``sql``, from which others are copied; its name.

    Copying a database is much faster than applying every file again.

    Args:
        url: Of the server's database ``postgres``.
    """
    name = "migrated"
    administer(url, f"CREATE DATABASE {name}")
    migrate(_of_database(url, name))
    return name


@contextmanager
def fresh_database(url: str, template: str) -> Iterator[str]:
    """The URL of a database like the template, for as long as the context is entered.

    Args:
        url: Of the server's database ``postgres``.
        template: Name of the database to copy.
    """
    name = f"test_{uuid.uuid4().hex}"
    with _administrator(url) as execute:
        # With fsync off a copy of the files takes less than half of the default's time, a log.
        execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield _of_database(url, name)
        for table in tables_showing(_of_database(url, name), list(CANARIES.values())):
            SEEN.append(f"a canary in the table {table}")
        # By force, since a pool that the test left open is not what the test is about.
        execute(f"DROP DATABASE {name} WITH (FORCE)")


def _of_database(url: str, name: str) -> str:
    return url.replace("@/postgres?", f"@/{name}?")


def administer(url: str, *statements: str) -> None:
    """Run statements that no transaction may hold, such as CREATE DATABASE."""
    with _administrator(url) as execute:
        for statement in statements:
            execute(statement)


@contextmanager
def _administrator(url: str) -> Iterator[Callable[[str], None]]:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor.execute
