"""Migrations: numbered SQL files, each applied once, whole, and never changed afterwards."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

import exit_pipeline
from exit_pipeline.adapters.clients.migrations import MigrationReport, migrate, pending, sql_folder
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

ROOT = Path(exit_pipeline.__file__).parents[1]


@pytest.fixture
def folder(tmp_path):
    """Two small migrations, the second with the kinds of statement that are hard to split."""
    write(tmp_path, "0001_first", "-- The first table.\nCREATE TABLE first (id int PRIMARY KEY);")
    write(
        tmp_path,
        "0002_second",
        """-- depends: 0001_first
        CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$
        BEGIN
            RETURN 1; -- 100% sure; really
        END;
        $$;
        DO $$ BEGIN PERFORM one(); END; $$;
        INSERT INTO first SELECT one();
        """,
    )
    return tmp_path


def write(folder, name, text):
    (folder / f"{name}.sql").write_text(text)


def rows(url, query):
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


def execute(url, statement):
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement)


def refusal(url, folder, kind=ConfigurationError):
    with pytest.raises(kind) as caught:
        migrate(url, folder)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def run_python(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_files_are_applied_in_order_and_a_second_call_applies_nothing(empty_database_url, folder):
    assert migrate(empty_database_url, folder) == MigrationReport(
        ("0001_first.sql", "0002_second.sql"), 0
    )
    assert migrate(empty_database_url, folder) == MigrationReport((), 2)
    assert rows(empty_database_url, "SELECT id FROM first") == [(1,)]


def test_a_new_file_is_the_only_one_applied(empty_database_url, folder):
    migrate(empty_database_url, folder)
    write(folder, "0003_third", "CREATE TABLE third (id int);")
    assert migrate(empty_database_url, folder) == MigrationReport(("0003_third.sql",), 2)


def test_pending_names_the_files_and_changes_nothing(empty_database_url, folder):
    assert pending(empty_database_url, folder) == ("0001_first.sql", "0002_second.sql")
    tables = "SELECT 1 FROM pg_tables WHERE schemaname = 'public'"
    assert rows(empty_database_url, tables) == []
    migrate(empty_database_url, folder)
    assert pending(empty_database_url, folder) == ()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_usual_spelling_of_the_scheme_is_understood(empty_database_url, folder, scheme):
    url = empty_database_url.replace("postgresql", scheme, 1)
    assert migrate(url, folder).applied
    assert pending(url, folder) == ()


def test_a_failing_file_is_named_and_leaves_nothing_while_earlier_files_stay(
    empty_database_url, folder
):
    write(folder, "0003_third", "CREATE TABLE third (id int); INSERT INTO nowhere VALUES (1);")
    text = refusal(empty_database_url, folder)
    assert "0003_third.sql" in text
    assert 'relation "nowhere" does not exist' in text
    assert rows(empty_database_url, "SELECT to_regclass('third'), to_regclass('first')") == [
        (None, "first")
    ]
    assert pending(empty_database_url, folder) == ("0003_third.sql",)
    write(folder, "0003_third", "CREATE TABLE third (id int);")
    assert migrate(empty_database_url, folder) == MigrationReport(("0003_third.sql",), 2)


def test_an_edited_file_that_was_applied_is_refused_by_name(empty_database_url, folder):
    migrate(empty_database_url, folder)
    write(folder, "0001_first", "CREATE TABLE first (id bigint PRIMARY KEY);")
    text = refusal(empty_database_url, folder)
    assert "0001_first.sql was edited" in text
    with pytest.raises(ConfigurationError, match=r"0001_first\.sql"):
        pending(empty_database_url, folder)


def test_other_line_ends_are_not_an_edit(empty_database_url, folder):
    migrate(empty_database_url, folder)
    for file in folder.glob("*.sql"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty_database_url, folder) == MigrationReport((), 2)


def test_a_database_with_a_migration_unknown_here_says_that_the_program_is_older(
    empty_database_url, folder
):
    migrate(empty_database_url, folder)
    (folder / "0002_second.sql").unlink()
    text = refusal(empty_database_url, folder)
    assert "older than the database" in text
    assert "0002_second" in text


def test_settings_of_one_file_do_not_reach_the_next(empty_database_url, folder):
    write(folder, "0003_moves", "CREATE SCHEMA elsewhere; SET search_path = elsewhere;")
    write(folder, "0004_stays", "CREATE TABLE stays (id int);")
    migrate(empty_database_url, folder)
    query = "SELECT schemaname FROM pg_tables WHERE tablename = 'stays'"
    assert rows(empty_database_url, query) == [("public",)]


def test_what_a_select_returns_is_not_printed(empty_database_url, folder, capsys):
    write(folder, "0003_select", "SELECT 'noise';")
    migrate(empty_database_url, folder)
    assert capsys.readouterr() == ("", "")


def test_a_row_that_a_killed_run_left_in_the_lock_of_yoyo_blocks_nobody(empty_database_url, folder):
    migrate(empty_database_url, folder)
    execute(empty_database_url, "INSERT INTO yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    write(folder, "0003_third", "CREATE TABLE third (id int);")
    assert migrate(empty_database_url, folder).applied == ("0003_third.sql",)


def test_a_run_that_is_killed_within_a_file_leaves_nothing_of_it(empty_database_url, folder):
    write(folder, "0003_waits", "CREATE TABLE third (id int); SELECT pg_advisory_lock(7);")
    code = """if True:
        import sys
        from pathlib import Path
        from exit_pipeline.adapters.clients.migrations import migrate
        migrate(sys.argv[1], Path(sys.argv[2]))
    """
    with closing(psycopg2.connect(empty_database_url)) as blocker, blocker.cursor() as cursor:
        blocker.autocommit = True
        cursor.execute("SELECT pg_advisory_lock(7)")
        with run_python(code, empty_database_url, str(folder)) as process:
            blocked = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            while process.poll() is None:
                cursor.execute(blocked)
                if cursor.fetchall():
                    break
            process.send_signal(signal.SIGKILL)
        # What the kernel tells the server only when it next writes, the test tells it now.
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            " AND backend_type = 'client backend'"
        )
    assert rows(empty_database_url, "SELECT to_regclass('third')") == [(None,)]
    write(folder, "0003_waits", "CREATE TABLE third (id int);")
    assert migrate(empty_database_url, folder) == MigrationReport(("0003_waits.sql",), 2)


def test_programs_that_migrate_at_once_apply_each_file_once(empty_database_url, folder):
    code = """if True:
        import sys
        from pathlib import Path
        from exit_pipeline.adapters.clients.migrations import migrate
        sys.stdin.read()
        print(len(migrate(sys.argv[1], Path(sys.argv[2])).applied))
    """
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, empty_database_url, str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdin.close()
    applied = []
    for process in processes:
        with process:
            applied.append(process.stdout.read().strip())
    assert sorted(applied) == ["0", "0", "2"]
    assert rows(empty_database_url, "SELECT id FROM first") == [(1,)]


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("notes", "SELECT 1;", "not named like"),
        ("0003_third", "CREATE TABLE third (id int);\nCOMMIT;", "ends a transaction"),
        ("0003_third", "-- transactional: false\nSELECT 1;", "outside a transaction"),
        ("0003_third", "-- depends: 0009_nothing\nSELECT 1;", "depend on a file that is missing"),
    ],
)
def test_a_file_that_cannot_be_applied_whole_is_refused_before_any_is(
    empty_database_url, folder, name, text, reason
):
    write(folder, name, text)
    assert reason in refusal(empty_database_url, folder)
    assert rows(empty_database_url, "SELECT to_regclass('first')") == [(None,)]


def test_a_folder_without_files_is_refused(empty_database_url, tmp_path):
    assert "holds no SQL files" in refusal(empty_database_url, tmp_path)


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
def test_a_malformed_url_is_refused_without_showing_any_of_it(folder, url):
    text = refusal(url, folder)
    assert "malformed" in text
    assert "hunter2" not in text


@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid"])
def test_a_server_that_does_not_answer_is_named_without_password_and_query(folder, host):
    url = f"postgresql://user:hunter2@{host}/book?application_name=hunter3"
    text = refusal(url, folder, UnavailableError)
    assert host in text
    assert "hunter" not in text


def test_a_missing_database_is_named(server, folder):
    assert '"nothing" does not exist' in refusal(server.url("nothing"), folder, UnavailableError)


def test_a_wrong_password_is_said_without_showing_it(server, empty_database_url, folder):
    execute(empty_database_url, "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    # The server asks no password of anybody, so for this test it asks one of this role.
    access = server.data / "pg_hba.conf"
    before = access.read_text()
    access.write_text(f"local all guarded scram-sha-256\n{before}")
    execute(empty_database_url, "SELECT pg_reload_conf()")
    try:
        url = empty_database_url.replace("postgres@", "guarded:hunter2@", 1)
        text = refusal(url, folder, UnavailableError)
    finally:
        access.write_text(before)
        execute(empty_database_url, "SELECT pg_reload_conf(); DROP ROLE guarded")
    assert 'password authentication failed for user "guarded"' in text
    assert "hunter2" not in text


def test_a_user_who_may_not_create_tables_is_told_so(empty_database_url, folder):
    execute(empty_database_url, "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN")
    url = empty_database_url.replace("postgres@", "reader@", 1)
    assert "permission denied for schema public" in refusal(url, folder, UnavailableError)


def test_the_folder_of_this_program_applies_to_an_empty_database_and_then_has_nothing_left(
    database_url,
):
    assert any(sql_folder().glob("0001_*.sql"))
    assert pending(database_url) == ()
    assert migrate(database_url).applied == ()
