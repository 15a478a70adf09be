"""Dagster's own storage: which of three places, and that nothing of it is shown."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import psycopg2
import pytest
from sqlalchemy import make_url

from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.defs.storage import SCHEMA, InstanceStorage, storage_url
from exit_pipeline.settings import Settings


@dg.job
def nothing() -> None:
    """A job that leaves a run and does no work."""


def tables(url: str, schema: str) -> set[str]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,))
        return {name for (name,) in cursor.fetchall()}


def test_a_url_of_its_own_comes_first_and_is_taken_as_it_is() -> None:
    settings = Settings.from_env(
        {
            "DAGSTER_POSTGRES_URL": "postgres://desk:p%40ss@db.example:5433/runs?sslmode=require",
            "DATABASE_URL": "postgresql://nobody@nowhere.invalid/exits",
        }
    )
    url = make_url(storage_url(settings))
    assert url.drivername == "postgresql+psycopg2"
    assert (url.username, url.password, url.host, url.port) == ("desk", "p@ss", "db.example", 5433)
    assert url.database == "runs"
    assert dict(url.query) == {"sslmode": "require"}


def test_a_shared_database_gets_a_schema_for_it_and_keeps_its_own_tables(
    database_url: str,
) -> None:
    before = tables(database_url, "public")
    settings = Settings.from_env({"DATABASE_URL": database_url})
    first, again = storage_url(settings), storage_url(settings)
    assert first == again
    assert make_url(first).query["options"] == f"-csearch_path={SCHEMA}"
    assert tables(database_url, "public") == before


def test_a_run_is_stored_in_the_schema_of_the_shared_database(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    before = tables(database_url, "public")
    overrides = {
        "storage": {
            "custom": {"module": "exit_pipeline.defs.storage", "class": InstanceStorage.__name__}
        },
        "telemetry": {"enabled": False},
    }
    with dg.instance_for_test(overrides=overrides, temp_dir=str(tmp_path)) as on:
        assert nothing.execute_in_process(instance=on).success
        assert [run.job_name for run in on.get_runs()] == ["nothing"]
        assert "postgresql" not in str(on.get_ref().storage_data)
    assert {"runs", "event_logs", "job_ticks"} <= tables(database_url, SCHEMA)
    assert tables(database_url, "public") == before


def test_on_a_laptop_it_is_a_second_database_of_the_embedded_server(
    server: EmbeddedServer,
) -> None:
    settings = Settings.from_env({"EXIT_PIPELINE_HOME": str(server.home)})
    url = make_url(storage_url(settings))
    assert url.drivername == "postgresql+psycopg2"
    assert url.database == "dagster"
    assert url.query["host"] == make_url(server.url("dagster")).query["host"]


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        pytest.param(
            "postgresql://desk:canary-of-a-password@127.0.0.1:1/runs",
            UnavailableError,
            "Dagster's storage at 127.0.0.1 did not answer",
            id="nobody there",
        ),
        pytest.param(
            "canary-of-a-password",
            ConfigurationError,
            "DAGSTER_POSTGRES_URL is malformed; expected postgresql://user:password@host/database",
            id="malformed",
        ),
    ],
)
def test_a_storage_that_can_not_be_had_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, kind: type[Exception], said: str
) -> None:
    """Regression: every command that opens the instance ended in a traceback."""
    monkeypatch.setattr("dagster_postgres.utils.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    storage = {"module": "exit_pipeline.defs.storage", "class": InstanceStorage.__name__}
    overrides = {"storage": {"custom": {**storage, "config": {}}}}
    with (
        pytest.raises(kind) as caught,
        dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides),
    ):
        pass
    assert str(caught.value) == said


def test_a_storage_that_takes_nothing_is_one_sentence(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: a standby, a full disk or a login without rights ended `doctor` in a traceback,
    at the very moment when somebody asks it what is wrong."""
    url = make_url(database_url).update_query_dict(
        {"options": "-cdefault_transaction_read_only=on"}
    )
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url.render_as_string(hide_password=False))
    storage = {"module": "exit_pipeline.defs.storage", "class": InstanceStorage.__name__}
    overrides = {"storage": {"custom": {**storage, "config": {}}}}
    with (
        pytest.raises(ConfigurationError, match=r"^Dagster's storage at .* refused: cannot exec"),
        dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides),
    ):
        pass
