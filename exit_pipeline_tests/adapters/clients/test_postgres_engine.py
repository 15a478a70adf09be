"""The pool of connections: what it asks of the server, and what it says when one fails."""

import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg2
import pytest

from exit_pipeline.adapters.clients.postgres_engine import as_json, make_engine, run, transaction
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError


def execute(engine, *statements):
    with transaction(engine) as connection:
        for statement in statements:
            run(connection, statement)


def refusal(engine, kind=UnavailableError):
    with pytest.raises(kind) as caught:
        execute(engine, "SELECT 1")
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_usual_spelling_of_the_scheme_is_understood(database_url, scheme):
    engine = make_engine(database_url.replace("postgresql", scheme, 1))
    with transaction(engine) as connection:
        assert run(connection, "SELECT 1").scalar_one() == 1
    assert engine.url.drivername == "postgresql+psycopg2"
    engine.dispose()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("lock_timeout", "2s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("application_name", "exit-pipeline"),
        ("TimeZone", "UTC"),
    ],
)
def test_a_session_has_the_settings_that_keep_it_from_waiting_for_ever(engine, setting, value):
    with transaction(engine) as connection:
        assert run(connection, f"SHOW {setting}").scalar_one() == value


def test_settings_of_the_url_win_over_ours(database_url):
    engine = make_engine(
        f"{database_url}&application_name=mine&options=-c%20statement_timeout%3D9s"
    )
    with transaction(engine) as connection:
        assert run(connection, "SHOW application_name").scalar_one() == "mine"
        assert run(connection, "SHOW statement_timeout").scalar_one() == "9s"
        assert run(connection, "SHOW lock_timeout").scalar_one() == "2s"
    engine.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "somewhere",
        "mysql://user:hunter2@localhost/book",
        "postgresql://user:hunter2@localhost:port/book",
        "postgresql://user:@hunter2@localhost/book",
        "postgresql://user:hunter2/x@localhost/book",
        "postgresql://user:12/hunter2@localhost/book",
        "postgresql://user:hunter2@localhost/book?hunter2=1",
        "postgresql://user:%zzhunter2@localhost/book",
    ],
)
def test_a_malformed_url_is_refused_without_showing_any_of_it(url):
    with pytest.raises(ConfigurationError, match="malformed") as caught:
        make_engine(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "place", ["127.0.0.1:1/book", "nowhere.invalid/book", "127.0.0.1:1/book?sslmode=hunter4"]
)
def test_a_server_that_does_not_answer_is_named_without_password_and_query(place):
    engine = make_engine(f"postgresql://user:hunter2@{place}")
    message = refusal(engine)
    assert place.partition("/")[0].partition(":")[0] in message
    assert "hunter" not in message + repr(engine)


def test_a_missing_database_is_named(server):
    assert '"nothing" does not exist' in refusal(make_engine(server.url("nothing")))


def test_a_database_without_our_tables_says_to_migrate(empty_database_url):
    engine = make_engine(empty_database_url)
    with pytest.raises(ConfigurationError, match="run exit-pipeline migrate"):
        execute(engine, "SELECT * FROM decision_runs")
    engine.dispose()


def test_a_lock_that_somebody_keeps_is_unavailable_and_nothing_is_kept(engine, database_url, sql):
    sql("CREATE TABLE counted (n int)")
    sql("INSERT INTO counted VALUES (1)")
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
        cursor.execute("UPDATE counted SET n = 2")
        with pytest.raises(UnavailableError, match="lock timeout"):
            execute(
                engine,
                "SET LOCAL lock_timeout = '1ms'",
                "INSERT INTO counted VALUES (5)",
                "UPDATE counted SET n = 3 WHERE n = 1",
            )
        other.rollback()
    assert sql("SELECT n FROM counted") == [{"n": 1}]


def test_a_connection_that_the_server_ended_is_unavailable_and_the_next_one_is_new(engine):
    with pytest.raises(UnavailableError, match="did not answer"):
        execute(engine, "SELECT pg_terminate_backend(pg_backend_pid())")
    with transaction(engine) as connection:
        assert run(connection, "SELECT 1").scalar_one() == 1


def test_an_idle_connection_that_died_is_replaced_unnoticed(engine, database_url):
    with transaction(engine) as connection:
        pid = run(connection, "SELECT pg_backend_pid()").scalar_one()
    with closing(psycopg2.connect(database_url)) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with transaction(engine) as connection:
        assert run(connection, "SELECT pg_backend_pid()").scalar_one() != pid


def test_transactions_of_several_threads_do_not_share_a_connection(engine):
    pids, both = [], threading.Barrier(2)

    def work():
        with transaction(engine) as connection:
            pids.append(run(connection, "SELECT pg_backend_pid()").scalar_one())
            both.wait(10)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 2


def test_rows_keep_every_digit_on_their_way_through_json(engine):
    row = {
        "price": Decimal("138.8125"),
        "share": 0.1 + 0.2,
        "at": datetime(2025, 3, 3, 17, 0, 0, 123456, tzinfo=UTC),
        "limit": timedelta(seconds=30, microseconds=7),
        "words": ["it's", 'a "quote"', "\\", "é"],
        "nothing": None,
    }
    with transaction(engine) as connection:
        found = run(
            connection,
            "SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS r(price numeric, share float8,"
            ' at timestamptz, "limit" interval, words jsonb, nothing text)',
            rows=as_json([row]),
        ).one()
    assert dict(found._mapping) == row


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_float_that_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json([{"vix": value}])


def test_a_value_without_a_column_type_is_refused():
    with pytest.raises(TypeError, match="object has no column type"):
        as_json([{"vix": object()}])
