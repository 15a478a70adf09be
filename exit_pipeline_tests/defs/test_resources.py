"""The resources: what they build, what they refuse to start on, and that they hold no secret."""

import importlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value

from exit_pipeline.adapters.brokers.paper import PaperBroker
from exit_pipeline.adapters.clients.embedded_postgres import EmbeddedServer
from exit_pipeline.adapters.market_data.recorded import RecordedMarketData
from exit_pipeline.adapters.market_data.simulated import SimulatedMarketData
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.defs.launch import built
from exit_pipeline.defs.resources import (
    make_calendar,
    open_database,
    refuse_unreal_data,
    resources,
)
from exit_pipeline.ports import Broker, Calendar, Clock, Database, MarketData
from exit_pipeline.settings import Settings
from exit_pipeline_tests.fakes import FakeMarketData, new_york

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")

CANARY = "canary-of-a-password"
VARIABLES = (
    "EXIT_BROKER",
    "EXIT_BROKER_ENV",
    "EXIT_LIVE_ARM",
    "EXIT_MARKET_DATA",
    "EXIT_TAPE_DIR",
)


@pytest.fixture(autouse=True)
def _clean_environment(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    folder = tmp_path / "tape"
    folder.mkdir()
    return folder


def parts_of(environ: dict[str, str] | None = None, **options: Any) -> Any:
    """Every resource, built as for a run under these variables."""
    return built(resources(Settings.from_env(environ or {}), **options))


def refusal(environ: dict[str, str], **options: Any) -> str:
    """The sentence with which the resources refuse to start."""
    with pytest.raises(ConfigurationError) as caught, parts_of(environ, **options):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_each_resource_is_an_adapter_of_its_port() -> None:
    with parts_of() as parts:
        for key, port in {
            "broker": Broker,
            "calendar": Calendar,
            "clock": Clock,
            "database": Database,
            "market_data": MarketData,
        }.items():
            assert isinstance(getattr(parts, key), port), key


def test_by_default_the_paper_broker_works_on_the_simulated_market() -> None:
    with parts_of() as parts:
        assert isinstance(parts.broker, PaperBroker)
        assert isinstance(parts.market_data, SimulatedMarketData)
        assert parts.broker.environment == "paper"
        assert parts.calendar.name == "XNYS"


def test_a_moment_makes_the_clock_stand_there() -> None:
    at = new_york(date(2015, 12, 24), 11)
    with parts_of(at=at.isoformat()) as parts:
        assert parts.clock.now() == at


@pytest.mark.parametrize("environment", [None, "paper"], ids=["by default", "whatever is asked"])
def test_recorded_data_is_worked_in_an_environment_of_its_own(
    tape: Path, environment: str | None
) -> None:
    variables = {"EXIT_MARKET_DATA": "recorded", "EXIT_TAPE_DIR": str(tape)}
    with parts_of(variables, environment=environment) as parts:
        assert isinstance(parts.market_data, RecordedMarketData)
        assert parts.broker.environment == "tape"


def test_a_tape_goes_before_the_configured_source(tape: Path) -> None:
    with parts_of({"EXIT_BROKER_ENV": "live"}, tape_dir=tape) as parts:
        assert isinstance(parts.market_data, RecordedMarketData)
        assert parts.broker.environment == "tape"


@pytest.mark.parametrize("environment", ["paper", "live"])
def test_a_real_broker_refuses_the_simulated_market(environment: str) -> None:
    assert refusal({"EXIT_BROKER": "alpaca", "EXIT_BROKER_ENV": environment}) == (
        "EXIT_BROKER is 'alpaca' and EXIT_MARKET_DATA is 'simulated'; only the paper broker may "
        "trade on market data that is not of now"
    )


def test_a_real_broker_refuses_a_tape(tape: Path) -> None:
    assert "EXIT_MARKET_DATA is 'recorded'" in refusal({"EXIT_BROKER": "tradier"}, tape_dir=tape)


@pytest.mark.parametrize(
    ("broker", "is_live", "refused"),
    [
        pytest.param("paper", False, False, id="paper on a tape"),
        pytest.param("paper", True, False, id="paper on the real market"),
        pytest.param("alpaca", True, False, id="a real broker on the real market"),
        pytest.param("alpaca", False, True, id="a real broker on a tape"),
    ],
)
def test_only_a_real_broker_on_unreal_data_is_refused(
    broker: str, is_live: bool, refused: bool
) -> None:
    market_data = FakeMarketData(is_live=is_live)
    if refused:
        with pytest.raises(ConfigurationError, match="only the paper broker"):
            refuse_unreal_data(broker, market_data)
    else:
        refuse_unreal_data(broker, market_data)


def test_the_paper_broker_is_never_live() -> None:
    assert refusal({"EXIT_BROKER_ENV": "live"}) == (
        "EXIT_BROKER_ENV is 'live' and EXIT_BROKER is 'paper', which is never live"
    )


def test_an_unknown_source_is_answered_with_the_known_ones() -> None:
    assert refusal({"EXIT_MARKET_DATA": "bloomberg"}) == (
        "EXIT_MARKET_DATA is 'bloomberg'; expected one of "
        "alpaca, cboe, composite, recorded, simulated, tradier"
    )


def test_an_unknown_broker_is_answered_with_the_known_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As if the source told of the real market: no such source is there yet.
    monkeypatch.setattr(SimulatedMarketData, "is_live", True)
    sentence = refusal({"EXIT_BROKER": "robinhood"})
    assert sentence == "EXIT_BROKER is 'robinhood'; expected one of alpaca, paper, tradier"


@pytest.mark.parametrize("name", ["../paper", "paper.py", "brokers.paper", "__init__"])
def test_an_adapter_is_a_name_and_no_path(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedMarketData, "is_live", True)
    assert refusal({"EXIT_BROKER": name}).endswith("expected one of alpaca, paper, tradier")


def test_a_recorded_source_without_a_folder_is_refused() -> None:
    sentence = refusal({"EXIT_MARKET_DATA": "recorded"})
    assert sentence.startswith("EXIT_TAPE_DIR is not set")


def test_no_secret_is_in_any_resource_or_run(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgres@", f"postgres:{CANARY}@"))
    monkeypatch.setenv("ALPACA_SECRET_KEY", CANARY)
    settings = Settings.from_env()
    assert CANARY in str(settings.database_url)
    shells = resources(settings)
    for key, shell in shells.items():
        assert CANARY not in repr(shell), key
        assert CANARY not in str(vars(shell)), key
        assert CANARY not in json.dumps(getattr(shell, "_resolved_config_dict", {}), default=str)
    with built(shells) as parts:
        for key in shells:
            assert CANARY not in repr(getattr(parts, key)), key


def test_no_secret_is_in_what_dagster_tells_of_the_code_location_or_the_instance(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url.replace("postgres@", f"postgres:{CANARY}@"))
    # Imported late, since importing the code location makes resources.
    module = importlib.import_module("exit_pipeline.definitions")
    repository = module.make_definitions(Settings.from_env()).get_repository_def()
    assert CANARY not in serialize_value(RepositorySnap.from_def(repository))
    overrides = {
        "storage": {"custom": {"module": "exit_pipeline.defs.storage", "class": "InstanceStorage"}},
        "telemetry": {"enabled": False},
    }
    with dg.instance_for_test(overrides=overrides, temp_dir=str(tmp_path)) as on:
        assert CANARY not in serialize_value(on.get_ref())
        assert CANARY not in on.info_str()


def test_a_database_of_your_own_that_lacks_migrations_is_refused_with_the_command(
    empty_database_url: str,
) -> None:
    settings = Settings.from_env({"DATABASE_URL": empty_database_url})
    with pytest.raises(ConfigurationError) as caught:
        open_database(settings)
    sentence = str(caught.value)
    assert sentence.startswith("the database lacks 0001_")
    assert sentence.endswith("run: exit-pipeline migrate")
    assert "\n" not in sentence


def test_the_embedded_database_is_migrated_by_itself(server: EmbeddedServer) -> None:
    settings = Settings.from_env({"EXIT_PIPELINE_HOME": str(server.home)})
    assert open_database(settings).installation_id()


def test_a_database_is_opened_once_per_process(database_url: str) -> None:
    settings = Settings.from_env({"DATABASE_URL": database_url})
    assert open_database(settings) is open_database(settings)


def test_an_unknown_exchange_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'XXXX'"):
        make_calendar("XXXX").session(date(2026, 3, 17))
