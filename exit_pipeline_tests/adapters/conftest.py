"""A database with the tables of ``sql``, its stores, and bare SQL beside them."""

import pytest
from sqlalchemy import event, text

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase


@pytest.fixture
def engine(database_url):
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def database(engine):
    return PostgresDatabase(engine)


@pytest.fixture
def sql(engine):
    """Runs one statement with parameters by name; returns its rows, if it has any, as dicts."""

    def execute(statement, **values):
        with engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [dict(row._mapping) for row in result] if result.returns_rows else []

    return execute


@pytest.fixture
def statements(engine):
    """Every statement that the engine executes from here on."""
    seen = []

    def note(connection, cursor, statement, *rest):  # noqa: ARG001 as the event has it
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
