"""One Postgres server for the whole run, or one for each worker, and fresh databases on it."""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg2
import pytest
from hypothesis import HealthCheck, settings

from exit_pipeline.adapters.clients import embedded_postgres
from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.clients.migrations import migrate

# No test asserts a duration, also not by the way: a busy machine is no bug.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """An embedded server for this process; under pytest-xdist each worker has its own."""
    # Not pytest's own temporary folder, whose path is too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="ep"))
    started = embedded_postgres.start(home)
    # Nobody needs this data after a power cut, and creating a database syncs a thousand files.
    _administer(
        started,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET synchronous_commit = off",
        "SELECT pg_reload_conf()",
    )
    yield started
    embedded_postgres.stop_if_last(home)
    shutil.rmtree(home)


@pytest.fixture
def empty_database_url(server: EmbeddedServer) -> Iterator[str]:
    """The URL of a database of this test's own, without any table."""
    with _database(server, template="template1") as url:
        yield url


@pytest.fixture
def database_url(server: EmbeddedServer, _migrated_database: str) -> Iterator[str]:
    """The URL of a database of this test's own, with the tables of ``sql``."""
    with _database(server, template=_migrated_database) as url:
        yield url


@pytest.fixture
def new_database(
    server: EmbeddedServer, _migrated_database: str
) -> Callable[[], AbstractContextManager[str]]:
    """Makes further databases, for a test that needs several."""
    return partial(_database, server, template=_migrated_database)


@pytest.fixture(scope="session")
def _migrated_database(server: EmbeddedServer) -> str:
    # Copying a database is much faster than applying every file again.
    name = "migrated"
    _administer(server, f"CREATE DATABASE {name}")
    migrate(server.url(name))
    return name


@contextmanager
def _database(server: EmbeddedServer, template: str) -> Iterator[str]:
    name = f"test_{uuid.uuid4().hex}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.url(name)
    # By force, since a pool that the test left open is not what the test is about.
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _administer(server: EmbeddedServer, *statements: str) -> None:
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
