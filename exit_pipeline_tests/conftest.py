"""One Postgres server for the whole run, or one for each worker, and fresh databases on it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest
from hypothesis import HealthCheck, settings

from exit_pipeline_tests.databases import MIGRATED, Server, database, serve

# No test asserts a duration, also not by the way: a busy machine is no bug.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """An embedded server for this process; under pytest-xdist each worker has its own."""
    with serve() as started:
        yield started


@pytest.fixture
def empty_database_url(server: Server) -> Iterator[str]:
    """The URL of a database of this test's own, without any table."""
    with database(server, "template1") as url:
        yield url


@pytest.fixture
def database_url(server: Server) -> Iterator[str]:
    """The URL of a database of this test's own, with the tables of ``sql``."""
    with database(server, MIGRATED) as url:
        yield url


@pytest.fixture
def new_database(server: Server) -> Callable[[], AbstractContextManager[str]]:
    """Makes further databases, for a test that needs several."""
    return partial(database, server, MIGRATED)
