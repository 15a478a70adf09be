"""What a real server says of itself and of roles."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import make_url

from exit_pipeline.adapters.clients.postgres_engine import make_engine, run, transaction
from exit_pipeline.adapters.clients.postgres_facts import WRITTEN, server_facts


@pytest.fixture
def as_role(database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a role of the test's own; the test's parameter is what it is granted."""
    engine = make_engine(database_url)
    name = f"role_{make_url(database_url).database}"
    with transaction(engine) as connection:
        run(connection, f"CREATE ROLE {name} LOGIN")
        run(connection, f"GRANT {request.param} ON ALL TABLES IN SCHEMA public TO {name}")
    yield database_url.replace("postgres@", f"{name}@")
    with transaction(engine) as connection:
        run(connection, f"DROP OWNED BY {name}")
        run(connection, f"DROP ROLE {name}")
    engine.dispose()


def test_the_servers_own_user_may_do_anything(database_url: str) -> None:
    before = datetime.now(UTC)  # noqa: TID251 compared with the server's
    facts = server_facts(database_url)
    assert re.match(r"\d+\.\d+", facts.version)
    assert (facts.role, facts.is_superuser, facts.closed) == ("postgres", True, ())
    assert facts.at >= before


@pytest.mark.parametrize(
    ("as_role", "closed"),
    [("SELECT, INSERT, UPDATE", ()), ("SELECT", WRITTEN), ("INSERT", WRITTEN)],
    ids=["one that writes", "one that only reads", "one that only adds"],
    indirect=["as_role"],
)
def test_a_role_is_told_which_tables_are_closed_to_it(
    as_role: str, closed: tuple[str, ...]
) -> None:
    facts = server_facts(as_role)
    assert facts.is_superuser is False
    assert facts.closed == closed
