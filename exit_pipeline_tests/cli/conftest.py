"""The command line in this process, on a database of the test's own, in an empty folder."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import exit_pipeline
from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.cli import group
from exit_pipeline.defs.loggers import PACKAGE_LOGGER, RUN_LOGGER

Rows = Callable[[str], list[dict[str, Any]]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Dagster, making resources, call what it has itself deprecated."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster"))


@pytest.fixture(autouse=True)
def _own_folder_and_database(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An empty folder has no dagster.yaml, so Dagster's instance keeps nothing.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    for variable in (
        "ALPACA_ACCOUNT_ID",
        "API_AUTH_TOKEN",
        "DAGSTER_HOME",
        "DAGSTER_POSTGRES_URL",
        "EXIT_BROKER",
        "EXIT_BROKER_ENV",
        "EXIT_IMPORT_POSITIONS",
        "EXIT_LIVE_ARM",
        "EXIT_MARKET_DATA",
        "EXIT_NOTIFY",
        "EXIT_POLICIES",
        "EXIT_REPORTS",
        "EXIT_SHADOW_POLICIES",
        "EXIT_TAPE_DIR",
        "EXIT_WORKER_CRON",
        "EXIT_WORKER_ENABLED",
        "EXIT_WORKER_INTERVAL_SECONDS",
        "PORT",
    ):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def _levels_of_logging() -> Iterator[None]:
    # A command makes its process quiet.
    loggers = [logging.getLogger(name) for name in (PACKAGE_LOGGER, RUN_LOGGER)]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs a command that is to succeed."""

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(group, [str(one) for one in arguments])
        assert result.exit_code == 0, result.output
        return result

    return invoke


@pytest.fixture
def refusal() -> Callable[..., str]:
    """Runs a command that is to fail, and gives the sentence that it fails with."""

    def invoke(*arguments: object) -> str:
        result = CliRunner().invoke(group, [str(one) for one in arguments])
        assert result.exit_code == 1, result.output
        assert isinstance(result.exception, SystemExit)
        assert result.stderr.startswith("exit-pipeline: ")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("exit-pipeline: ").rstrip("\n")

    return invoke


@pytest.fixture
def rows(database_url: str) -> Iterator[Rows]:
    """Asks the test's database."""
    engine = make_engine(database_url)

    def ask(query: str) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return [dict(row) for row in connection.exec_driver_sql(query).mappings()]

    yield ask
    engine.dispose()


@pytest.fixture
def checkout_as_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance of the checkout, as on a host that it is installed on."""
    monkeypatch.setenv("DAGSTER_HOME", str(Path(exit_pipeline.__file__).parents[1]))
