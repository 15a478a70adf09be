"""A database with the tables of ``sql``, its stores, and bare SQL beside them."""

import pytest
from sqlalchemy import event


@pytest.fixture
def statements(engine):
    """Every statement that the engine executes from here on."""
    seen = []

    def note(connection, cursor, statement, *rest):  # noqa: ARG001 as the event has it
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
