"""What tests of jobs by trading day share: an instance, a database, and its rows."""

from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline_tests.desk import CALL, Desk

Rows = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """Runs a statement; its rows, if it has any, as dicts."""
    engine = make_engine(database_url)

    def execute(statement: str) -> list[dict[str, Any]]:
        with engine.begin() as connection:
            found = connection.exec_driver_sql(statement)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    yield execute
    engine.dispose()


@pytest.fixture
def database(database_url: str) -> Iterator[PostgresDatabase]:
    engine = make_engine(database_url)
    yield PostgresDatabase(engine)
    engine.dispose()


@pytest.fixture
def on() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def called_desk(database_url: str) -> Desk:
    """One call, bought for 2.00: at 2.40 and 2.90 on Tuesday, and at 2.20 on Wednesday."""
    desk = Desk(database_url)
    desk.hold("a")
    for bid, ask, minutes in (
        ("2.39", "2.41", 5),
        ("2.89", "2.91", 24 * 60 - 5),
        ("2.19", "2.21", 5),
    ):
        desk.quote(CALL, bid, ask)
        desk.tick()
        desk.later(minutes)
    return desk
