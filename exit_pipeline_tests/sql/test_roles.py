"""Least privilege: what the owner, the program and readers may do, and that it is enough."""

from collections.abc import Callable, Iterator
from contextlib import closing

import dagster as dg
import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.clients.migrations import grant_roles, migrate, pending
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline_tests.desk import CALL, FAR_CALL, Desk
from exit_pipeline_tests.postgres_server import administer

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

OWNER, APP, READ = "an_owner", "an_app", "a_reader"
RECORDS = (
    "refactored_decisions", "shadow_decisions", "policies", "trades", "closings", "adapter_logs",
    "order_events", "trading_control_changes", "paper.fills",
)  # fmt: skip


@pytest.fixture(scope="module")
def _logins(server: EmbeddedServer) -> None:
    for login in (OWNER, APP, READ):
        administer(server.url("postgres"), f"CREATE ROLE {login} LOGIN")


@pytest.fixture
def as_login(database_url: str, _logins: None) -> Callable[[str], str]:
    """The URL of the database for a login."""
    grant_roles(database_url, {APP: "exit_pipeline_app", READ: "exit_pipeline_read"})
    return lambda login: database_url.replace("postgres@", f"{login}@")


def attempt(url: str, statement: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def values(url: str, query: str) -> list[str]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return [row[0] for row in cursor.fetchall()]


def tables(url: str) -> list[str]:
    """Every table of the schema, as the list of privileges writes it."""
    return values(
        url,
        """
        SELECT CASE schemaname WHEN 'public' THEN tablename ELSE schemaname || '.' || tablename END
        FROM pg_tables WHERE schemaname IN ('public', 'paper')
          AND tablename !~ '^_?yoyo' ORDER BY 1
        """,
    )


@pytest.fixture
def app_desk(as_login: Callable[[str], str]) -> Iterator[Desk]:
    """A desk whose program has the rights of the program and no more."""
    desk = Desk(as_login(APP))
    yield desk
    desk.engine.dispose()


def test_of_every_table_it_is_said_what_the_program_may_do(database_url: str) -> None:
    listed = values(database_url, "SELECT relation FROM exit_pipeline_privileges")
    # Made by a migration of another number, which this one allows for.
    assert set(listed) - set(tables(database_url)) <= {"notifications"}
    assert set(tables(database_url)) - set(listed) == set()


def test_the_program_works_whole_ticks_with_its_own_rights_on_an_instance_of_dagsters(
    app_desk: Desk, as_login: Callable[[str], str], tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", as_login(APP))
    storage = {"custom": {"module": "exit_pipeline.defs.storage", "class": "InstanceStorage"}}
    for name, symbol in (("a", CALL), ("b", FAR_CALL)):
        app_desk.hold(name, symbol)
        app_desk.quote(symbol, "2.05", "2.15")
    overrides = {"storage": storage, "telemetry": {"enabled": False}}
    with dg.instance_for_test(overrides=overrides, temp_dir=str(tmp_path)) as on:
        for bid, ask in (("2.05", "2.15"), ("4.00", "4.10")):
            for symbol in (CALL, FAR_CALL):
                app_desk.quote(symbol, bid, ask)
            run_exit_job({}, app_desk.resources, on)
            app_desk.later()
        assert len(on.get_runs()) == 2
    assert app_desk.position("a").status == app_desk.position("b").status == "CLOSED"
    assert app_desk.rows("SELECT count(*) AS n FROM trades") == [{"n": 2}]
    assert pending(as_login(APP)) == ()


@pytest.mark.parametrize("table", RECORDS)
@pytest.mark.parametrize("what", ["DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} ADD x integer"])
def test_the_program_can_not_touch_a_record(
    as_login: Callable[[str], str], table: str, what: str
) -> None:
    with pytest.raises(InsufficientPrivilege):
        attempt(as_login(APP), what.format(table))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE refactored_decisions SET decision = 'HOLD'",
        "UPDATE trades SET quantity = 1",
        "INSERT INTO order_events (order_id, to_status, filled_quantity)"
        " VALUES (gen_random_uuid(), 'FILLED', 1)",
        "INSERT INTO trading_control_changes (from_state, to_state, reason, changed_by, changed_at)"
        " VALUES ('ACTIVE', 'ACTIVE', '', '', now())",
        "DELETE FROM alerts",
        "DELETE FROM orders",
        "DELETE FROM refactored_positions",
        "CREATE TABLE mine (x integer)",
        "DROP TABLE trades",
        "ALTER TABLE refactored_decisions DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "CREATE ROLE more",
        "UPDATE exit_pipeline_privileges SET app = 'DELETE'",
        "INSERT INTO exit_pipeline_migrations (name, sha256) VALUES ('x', 'y')",
        "SELECT exit_pipeline_grant_roles()",
    ],
)
def test_the_program_is_refused(as_login: Callable[[str], str], statement: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        attempt(as_login(APP), statement)


def test_a_reader_reads_every_table_and_nothing_else(as_login: Callable[[str], str]) -> None:
    url = as_login(READ)
    for table in tables(url):
        attempt(url, f"SELECT * FROM {table}")
        for statement in (
            f"INSERT INTO {table} DEFAULT VALUES",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"LOCK TABLE {table} IN EXCLUSIVE MODE",
        ):
            with pytest.raises(InsufficientPrivilege):
                attempt(url, statement)
    for statement in ("CREATE TABLE mine (x integer)", "SELECT exit_pipeline_grant_roles()"):
        with pytest.raises(InsufficientPrivilege):
            attempt(url, statement)


def test_who_may_only_read_and_wants_to_halt_is_told_so_in_one_sentence(
    as_login: Callable[[str], str],
) -> None:
    """Regression: `halt` ended in a traceback, and POST /halt in an error that nobody expected."""
    reader = Desk(as_login(READ))
    with pytest.raises(ConfigurationError) as refused:
        reader.database.control.move(TradingState.HALT_NEW, "", "ann")
    reader.engine.dispose()
    assert str(refused.value) == (
        "The database refused this login: permission denied for table trading_control; see: "
        "exit-pipeline db grant --app LOGIN."
    )


@pytest.mark.usefixtures("_logins", "database_url")  # whose migration made the roles
def test_an_owner_who_may_make_no_roles_migrates_and_says_what_to_run(
    server: EmbeddedServer, empty_database_url: str
) -> None:
    admin = server.url("postgres")
    name = empty_database_url.partition("@/")[2].partition("?")[0]
    administer(admin, f"ALTER DATABASE {name} OWNER TO {OWNER}")
    administer(admin, "ALTER ROLE exit_pipeline_app RENAME TO put_away")
    url = empty_database_url.replace("postgres@", f"{OWNER}@")
    try:
        assert len(migrate(url).applied) > 10
        assert grant_roles(url) == ("CREATE ROLE exit_pipeline_app NOLOGIN",)
        assert pending(url) == ()
    finally:
        administer(admin, "ALTER ROLE put_away RENAME TO exit_pipeline_app")
    assert grant_roles(url) == ()
    granted = "SELECT has_table_privilege('exit_pipeline_app', 'trades', 'INSERT')"
    assert values(url, granted) == [True]


def test_what_the_program_may_no_more_is_taken_from_it(
    database_url: str, as_login: Callable[[str], str]
) -> None:
    administer(database_url, "GRANT DELETE ON trades TO exit_pipeline_app")
    grant_roles(database_url)
    with pytest.raises(InsufficientPrivilege):
        attempt(as_login(APP), "DELETE FROM trades")


@pytest.mark.parametrize("login", ["nobody_there", 'a"; DROP TABLE trades; --'])
def test_a_login_that_is_not_there_is_one_sentence(database_url: str, login: str) -> None:
    with pytest.raises(ConfigurationError, match="exit_pipeline_app can't be granted to") as said:
        grant_roles(database_url, {login: "exit_pipeline_app"})
    assert "does not exist" in str(said.value)
    assert values(database_url, "SELECT count(*) FROM trades") == [0]
