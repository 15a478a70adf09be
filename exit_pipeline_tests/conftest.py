"""One Postgres server for the whole run, or one for each worker, and fresh databases on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, text

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.redaction import install
from exit_pipeline_tests.canaries import CANARIES, SEEN, watched
from exit_pipeline_tests.postgres_server import (
    fresh_database,
    migrated_database,
    throwaway_server,
)
from exit_pipeline_tests.tampering import TAMPER

# No test asserts a duration, also not by the way: a busy machine is no bug.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session", autouse=True)
def _canaries() -> Iterator[None]:
    """Let the whole suite's secrets be known as secrets, and looked for wherever one may show."""
    with pytest.MonkeyPatch.context() as patch, watched():
        for name, canary in CANARIES.items():
            # A name that nobody reads but who looks for secrets.
            patch.setenv(f"CANARY_{name}", canary)
        install()
        yield


@pytest.fixture(autouse=True)
def _no_canary_is_seen(_canaries: None) -> Iterator[None]:
    SEEN.clear()
    yield
    assert not SEEN


@pytest.fixture(scope="session")
def server() -> Iterator[EmbeddedServer]:
    """An embedded server for this process; under pytest-xdist each worker has its own."""
    with throwaway_server() as started:
        yield started


@pytest.fixture
def empty_database_url(server: EmbeddedServer) -> Iterator[str]:
    """The URL of a database of this test's own, without any table."""
    with fresh_database(server.url("postgres"), "template1") as url:
        yield url


@pytest.fixture
def database_url(server: EmbeddedServer, _migrated_database: str) -> Iterator[str]:
    """The URL of a database of this test's own, with the tables of ``sql``."""
    with fresh_database(server.url("postgres"), _migrated_database) as url:
        yield url


@pytest.fixture
def new_database(
    server: EmbeddedServer, _migrated_database: str
) -> Callable[[], AbstractContextManager[str]]:
    """Makes further databases, for a test that needs several."""
    return partial(fresh_database, server.url("postgres"), _migrated_database)


@pytest.fixture(scope="session")
def _migrated_database(server: EmbeddedServer) -> str:
    return migrated_database(server.url("postgres"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Connections to this test's database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def database(engine: Engine) -> PostgresDatabase:
    """The stores over this test's database."""
    return PostgresDatabase(engine)


@pytest.fixture
def sql(engine: Engine) -> Callable[..., list[dict[str, Any]]]:
    """Runs one statement with parameters by name; returns its rows, if it has any, as dicts."""

    def execute(statement: str, **values: Any) -> list[dict[str, Any]]:
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [dict(row._mapping) for row in result] if result.returns_rows else []

    return execute


@pytest.fixture
def tamper(sql: Callable[..., list[dict[str, Any]]]) -> Callable[..., list[dict[str, Any]]]:
    """Runs one statement that no trigger sees, as whoever may do everything could."""
    return lambda statement, **values: sql(TAMPER + statement, **values)
