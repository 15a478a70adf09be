"""What EXIT_MARKET_DATA builds, against local servers of the vendors."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.core.model.record import NewPosition
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline.defs.resources import resources
from exit_pipeline.ports import KeepsTape, MarketData
from exit_pipeline.services.import_book import import_book
from exit_pipeline.settings import Settings
from exit_pipeline_tests.fake_brokers.alpaca_data import FakeAlpacaData
from exit_pipeline_tests.fake_brokers.cboe import FakeCboe
from exit_pipeline_tests.fakes import new_york

TEN = new_york(date(2026, 9, 2), 10)
CALL = "ACME261218C00100000"
BY_NEED = "quotes:alpaca,chains:cboe,indices:alpaca|cboe"

# Dagster reads deprecated attributes, of pydantic's models and its own, to make a resource.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def alpaca(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAlpacaData]:
    with FakeAlpacaData(TEN) as alpaca, FakeCboe() as cboe:
        alpaca.quote_option(CALL, 4.15, 4.3, TEN - timedelta(seconds=1))
        alpaca.trade_stock("ACME", 101.25, TEN - timedelta(seconds=1))
        cboe.put_level("_VIX", 18.45, "2026-09-02T09:44:33")
        for name, value in (alpaca.environ | cboe.environ).items():
            monkeypatch.setenv(name, value)
        for name in ("EXIT_BROKER", "EXIT_TAPE_OUT", "ALPACA_OPTIONS_FEED", "DATABASE_URL"):
            monkeypatch.delenv(name, raising=False)
        yield alpaca


def market_data_of(text: str) -> dg.ConfigurableResource[MarketData]:
    shells = resources(Settings.from_env({"EXIT_MARKET_DATA": text}), at=TEN.isoformat())
    shell: dg.ConfigurableResource[MarketData] = shells["market_data"]
    return shell


@pytest.mark.usefixtures("alpaca")
def test_one_source_by_its_name():
    with dg.build_resources({"market_data": market_data_of("alpaca")}) as built:
        assert built.market_data.source == "alpaca"
        assert set(built.market_data.snapshot([CALL], ["ACME"], TEN).quotes) == {CALL}


def test_several_sources_by_need_with_a_fallback_that_is_recorded(alpaca):
    alpaca.has_indices = False
    with dg.build_resources({"market_data": market_data_of(BY_NEED)}) as built:
        snapshot = built.market_data.snapshot([CALL], ["ACME", "VIX"], TEN)

    assert set(snapshot.underlyings) == {"ACME", "VIX"}
    assert snapshot.source == "quotes:alpaca,indices:cboe"
    assert [note.cause for note in snapshot.notes] == ["NOT_ANSWERED", "FALLBACK_USED"]
    assert snapshot.underlyings["VIX"].quoted_at == new_york(date(2026, 9, 2), 9, 44) + timedelta(
        seconds=33
    )


@pytest.mark.usefixtures("alpaca")
def test_connections_are_closed_with_the_run():
    with dg.build_resources({"market_data": market_data_of(BY_NEED)}) as built:
        market = built.market_data
    with pytest.raises((UnavailableError, RuntimeError)):
        market.snapshot([CALL], ["ACME"], TEN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("quotes:yahoo", "'yahoo'; expected one of alpaca, cboe, composite"),
        ("yahoo", "'yahoo'; expected one of alpaca"),
        ("quotes:simulated,indices:cboe", "takes quotes from simulated"),
        ("composite", "not of composites"),
        ("quotes:alpaca,indices", "expected needs and sources such as"),
    ],
)
@pytest.mark.usefixtures("alpaca")
def test_what_can_not_be_built_is_said_in_one_sentence(text, expected):
    with pytest.raises(dg.DagsterError) as caught:
        dg.build_resources({"market_data": market_data_of(text)}).__enter__()
    assert isinstance(caught.value.__cause__, ConfigurationError)
    assert expected in str(caught.value.__cause__)


@pytest.mark.parametrize(
    ("source", "keeps"), [("alpaca", True), (BY_NEED, True), ("cboe", False), ("simulated", False)]
)
@pytest.mark.usefixtures("alpaca")
def test_only_a_live_source_keeps_a_tape(monkeypatch, tmp_path, source, keeps):
    monkeypatch.setenv("EXIT_TAPE_OUT", str(tmp_path))
    with dg.build_resources({"market_data": market_data_of(source)}) as built:
        assert isinstance(built.market_data, KeepsTape) is keeps


@pytest.mark.usefixtures("alpaca")
def test_without_a_place_for_it_no_tape_is_kept():
    with dg.build_resources({"market_data": market_data_of("alpaca")}) as built:
        assert not isinstance(built.market_data, KeepsTape)


@pytest.mark.usefixtures("alpaca")
def test_a_whole_tick_on_real_sources_leaves_a_tape(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    database_url: str,
):
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("EXIT_TAPE_OUT", str(tmp_path))
    settings = Settings.from_env()
    shells: dict[str, Any] = resources(settings, at=TEN.isoformat(), environment="paper")
    shells["market_data"] = market_data_of(BY_NEED)
    shells["broker"] = shells["broker"].model_copy(update={"market_data": shells["market_data"]})
    with dg.build_resources(shells) as built:
        _hold(built)
    with dg.DagsterInstance.ephemeral() as on:
        report = run_exit_job({}, shells, on)

    assert report.counts["positions"] == 1
    assert report.counts["quotes_refused"] == 0
    assert (tmp_path / "2026-09-02" / "options.parquet").exists()
    assert (tmp_path / "2026-09-02" / "underlyings.parquet").exists()


def _hold(built: Any) -> None:
    position = NewPosition(
        id="one",
        symbol=CALL,
        side="LONG",
        quantity=1,
        entry_price=Decimal("4.20"),
        entry_time=TEN - timedelta(days=1),
        account="desk",
        broker="paper",
        environment="paper",
    )
    import_book([position], broker=built.broker, database=built.database)
