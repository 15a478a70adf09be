"""The launch form: described, flat, and checked before anything runs."""

from typing import Any

import dagster as dg
import pytest

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.defs.config import ExitConfig, exit_config, to_request
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline_tests.desk import MORNING

DEFAULTS = {
    "dry_run": False,
    "as_of": None,
    "accounts": None,
    "underlyings": None,
    "position_ids": None,
    "policy": None,
    "force_close": False,
}


def handed_on(form: dict[str, Any]) -> dict[str, Any]:
    """What the first op receives of a form."""
    return dict(dg.validate_run_config(exit_job, form)["ops"]["fetch_positions"]["config"])


def test_an_empty_form_asks_for_a_tick_of_everything_now() -> None:
    assert handed_on({}) == DEFAULTS


def test_every_field_is_described_optional_and_has_the_default_of_its_meaning() -> None:
    fields = exit_config.config_schema.as_field().config_type.fields
    assert set(fields) == set(DEFAULTS)
    for name, field in fields.items():
        assert field.description, name
        assert not field.is_required, name
        assert field.default_value == DEFAULTS[name], name


def test_the_form_names_no_broker_host_key_or_arming() -> None:
    assert set(ExitConfig.model_fields) == set(DEFAULTS)


@pytest.mark.parametrize(
    "form",
    [
        {"dry_run": True},
        {"as_of": "2015-12-24T11:30:00-05:00"},
        {"accounts": ["desk", "other"]},
        {"underlyings": ["SPY"]},
        {"position_ids": ["a"]},
        {"policy": "stop_loss.percent=25, gex_flip=off"},
        {"force_close": True},
        {"accounts": None, "policy": None},
    ],
    ids=", ".join,
)
def test_a_field_reaches_the_first_op_and_leaves_the_others(form: dict[str, Any]) -> None:
    assert handed_on(form) == DEFAULTS | form


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_environment_variable_is_refused_and_its_value_is_not_shown(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "s3cret-value")
    with pytest.raises(dg.DagsterInvalidConfigError) as caught:
        dg.validate_run_config(exit_job, {name: {"env": "CANARY"}})
    assert name in str(caught.value)
    assert "s3cret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        pytest.param({"dryrun": True}, "dryrun", id="an unknown key"),
        pytest.param({"dry_run": "yes"}, "dry_run", id="a text for a flag"),
        pytest.param({"accounts": "desk"}, "accounts", id="a text for a list"),
        pytest.param({"position_ids": [1]}, "position_ids", id="a number for an id"),
        pytest.param({"broker": "alpaca"}, "broker", id="a broker"),
        pytest.param({"ops": {}}, "ops", id="Dagster's own form"),
    ],
)
def test_what_the_form_doesnt_have_is_refused(form: dict[str, Any], said: str) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError) as caught:
        dg.validate_run_config(exit_job, form)
    assert said in caught.value.errors[0].message


@pytest.mark.parametrize(
    "form", [{"as_of": "now"}, {"policy": "tight"}], ids=["unparsable as_of", "unknown policy"]
)
def test_a_value_that_cant_be_is_left_to_the_first_op(form: dict[str, Any]) -> None:
    """Regression: what a config mapping raises is a traceback of the server to who launched."""
    assert handed_on(form) == DEFAULTS | form


@pytest.mark.parametrize("text", ["", "now", "2015-12-24T11:30:00"])
def test_an_as_of_that_is_no_instant_makes_no_request(text: str) -> None:
    with pytest.raises(InputError, match="expected an ISO 8601 time") as caught:
        to_request(ExitConfig(as_of=text), "the-run", None)
    assert str(caught.value).startswith(f"as_of is {text!r}")


def test_a_request_carries_the_form_and_the_scheduled_time() -> None:
    config = ExitConfig(dry_run=True, as_of=MORNING.isoformat(), accounts=["desk"])
    request = to_request(config, "the-run", "2026-03-17T10:00:00-04:00")
    assert (request.run_key, request.dry_run, request.accounts) == ("the-run", True, ["desk"])
    assert request.as_of == MORNING
    assert request.tick_at == MORNING


def test_a_launch_by_hand_has_no_scheduled_time() -> None:
    request = to_request(ExitConfig(), "the-run", None)
    assert (request.tick_at, request.as_of) == (None, None)
