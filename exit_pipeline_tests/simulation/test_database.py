from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline_tests.simulation.database import SimDatabase, simulated_database

TEN = datetime(2026, 3, 17, 14, tzinfo=UTC)
ALERT = "INSERT INTO alerts (severity, cause, subject, message) VALUES ('INFO', 'A', 'b', 'c')"


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Iterator[SimDatabase]:
    with simulated_database(server.url, "simulated_time") as made:
        yield made


def test_its_time_is_what_it_is_told(database):
    for at in (TEN, TEN + timedelta(microseconds=1), TEN - timedelta(hours=1)):
        database.set_time(at)
        (row,) = database.rows("SELECT now() AS now, clock_timestamp() AS clock")
        assert (row["now"], row["clock"]) == (at, at)


def test_defaults_of_columns_follow_its_time(database):
    database.reset()
    database.set_time(TEN)
    (row,) = database.rows(f"{ALERT} RETURNING raised_at")
    assert row["raised_at"] == TEN


def test_its_keys_are_the_same_after_every_reset(database):
    keys = []
    for _ in range(2):
        database.reset()
        keys.append(database.rows(f"{ALERT} RETURNING id")[0]["id"])
    assert keys[0] == keys[1]


def test_a_reset_leaves_what_the_migrations_wrote(database):
    before = database.rows("SELECT * FROM exit_pipeline_installation")
    database.rows(ALERT)
    database.reset()
    assert database.rows("SELECT * FROM exit_pipeline_installation") == before
    assert database.rows("SELECT FROM alerts") == []


def test_sessions_are_gone_once_they_are_ended(database):
    engine = make_engine(database.url)
    with engine.connect() as connection:
        pid = connection.connection.dbapi_connection.get_backend_pid()
        database.end_sessions([pid])
        assert database.rows("SELECT FROM pg_stat_activity WHERE pid = %s", pid) == []
        connection.invalidate()
    engine.dispose()
