"""What a run shows of the context in the UI."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.defs import pictures
from exit_pipeline.defs.launch import run_exit_job
from exit_pipeline_tests.desk import CALL, Desk
from exit_pipeline_tests.listed import listed_chain


@pytest.fixture
def desk(database_url: str) -> Desk:
    desk = Desk(database_url)
    desk.hold("a")
    desk.market.chains["ACME"] = listed_chain
    return desk


@pytest.fixture
def instance(tmp_path: Any) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as found:
        yield found


def shown(desk: Desk, on: dg.DagsterInstance) -> dict[str, Any]:
    """The metadata of the op ``build_context``."""
    desk.market.add_price("VIX", "18.00", desk.clock.now())
    desk.quote(CALL, "2.05", "2.15")
    report = run_exit_job({}, desk.resources, on)
    run_id = report.executed.decided.tick.request.run_key
    for entry in on.all_logs(run_id, of_type=dg.DagsterEventType.STEP_OUTPUT):
        if entry.step_key == "build_context":
            return dict(entry.dagster_event.event_specific_data.metadata)  # type: ignore[union-attr]
    raise AssertionError


def test_a_row_for_each_underlying_with_ages_states_and_the_convention(desk: Desk) -> None:
    with dg.DagsterInstance.ephemeral() as on:
        told = shown(desk, on)
    (row,) = [record.data for record in told["underlyings"].records]
    assert (row["underlying"], row["regime"]) == ("ACME", "NORMAL")
    (gamma,) = [record.data for record in told["gamma"].records]
    assert (gamma["underlying"], gamma["state"], gamma["note"]) == ("ACME", "FRESH", "")
    assert gamma["zero_gamma"] == pytest.approx(100, abs=2)
    readings = {one.data["input"]: one.data for one in told["readings"].records}
    assert (readings["VIX"]["state"], readings["VIX"]["source"]) == ("FRESH", "fake")
    assert (readings["VIX3M"]["state"], readings["VIX3M"]["value"]) == ("MISSING", "not known")
    assert "no forecast" in told["gamma_convention"].value
    assert "VIX3M is missing" in told["notes"].value
    assert "vix_term" not in told  # nobody could see a picture of a run that is not kept


def test_pictures_are_part_of_a_run_that_is_kept(desk: Desk, instance: dg.DagsterInstance) -> None:
    told = shown(desk, instance)
    for name in ("vix_term", "ACME_gamma_by_strike", "ACME_gamma_profile"):
        assert told[name].value.startswith(f"![{name}](data:image/png;base64,iVBOR")
    desk.later()
    assert "ACME_gamma_profile" not in shown(desk, instance)


def test_a_picture_that_cant_be_drawn_costs_no_tick(
    desk: Desk, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> bytes:
        message = "no font"
        raise OSError(message)

    monkeypatch.setattr(pictures, "vix_term", fails)
    assert "underlyings" in shown(desk, instance)
