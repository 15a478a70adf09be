"""What tests of jobs share: instances of Dagster, a database, and its rows."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline_tests.desk import CALL, Desk

ROOT = Path(__file__).parents[2]

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


@pytest.fixture
def dagster_home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the checkout's ``dagster.yaml``: an instance writes beside it."""
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("EXIT_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    return tmp_path


@pytest.fixture
def instance(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(dagster_home)) as found:
        yield found
