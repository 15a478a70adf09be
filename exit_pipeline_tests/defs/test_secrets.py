"""No secret can be typed into a form or is held by a resource: Dagster keeps and shows both."""

import importlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.snap import JobSnap

from exit_pipeline.defs.resources import resources
from exit_pipeline.redaction.known import is_named_for_a_secret
from exit_pipeline.settings import HttpSettings, Settings

# Dagster, making resources, calls what it has itself deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster"),
    pytest.mark.filterwarnings("ignore:Parameter `owners`"),
]

CANARY = "canary-of-the-tests-0123456789abcdef"
SECRETS = {
    "DATABASE_URL": f"postgresql://me:{CANARY}@127.0.0.1:1/book",
    "DAGSTER_POSTGRES_URL": f"postgresql://me:{CANARY}@127.0.0.1:1/runs",
    "EXIT_TAPE_OUT": f"ftp://me:{CANARY}@127.0.0.1/tapes",
    **dict.fromkeys(
        ("ALPACA_API_KEY", "ALPACA_SECRET_KEY", "TRADIER_API_KEY", "API_AUTH_TOKEN"), CANARY
    ),
}


def typed(job: dg.JobDefinition) -> list[str]:
    """Fields of a launch form that hold a secret, or that would take one from the environment."""
    snap = JobSnap.from_job_def(job)
    snaps = snap.config_schema_snapshot.all_config_snaps_by_key
    waiting, seen, found = [str(snap.mode_def_snaps[0].root_config_key)], set(), []
    while waiting:
        key = waiting.pop()
        if key in seen:
            continue
        seen.add(key)
        # A type such as StringSource takes {env: NAME}, and a mistake would show what that holds.
        if key.endswith("SourceType"):
            found.append(key)
        waiting += snaps[key].type_param_keys or ()
        for field in snaps[key].fields or ():
            told = f"{field.name or ''} {field.default_value_as_json_str or ''}"
            if is_named_for_a_secret(field.name or "") or CANARY in told:
                found.append(str(field.name))
            # Resources can be configured at a launch by types of Dagster's own making.
            if field.name != "resources":
                waiting.append(field.type_key)
    return found


def held(shells: dict[str, Any]) -> Iterator[str]:
    """Resources that hold a secret, or have a field that is named for one."""
    for key, shell in shells.items():
        if not isinstance(shell, dg.ConfigurableResource):
            continue
        for name in type(shell).model_fields:
            value = getattr(shell, name, None)
            # What has to be a secret may be held by its name alone, to be read when a run begins.
            if isinstance(value, dg.EnvVar):
                continue
            if is_named_for_a_secret(name) or CANARY in str(value):
                yield f"{key}.{name}"


@pytest.fixture(params=[None, "60"], ids=["by a schedule", "by a sensor"])
def repository(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> dg.RepositoryDefinition:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    interval = {} if request.param is None else {"EXIT_WORKER_INTERVAL_SECONDS": request.param}
    # Imported late, since importing the code location makes resources.
    module = importlib.import_module("exit_pipeline.definitions")
    found: dg.RepositoryDefinition = module.make_definitions(
        Settings.from_env(SECRETS | interval)
    ).get_repository_def()
    return found


def test_no_launch_form_takes_a_secret(repository: dg.RepositoryDefinition) -> None:
    jobs = repository.get_all_jobs()
    assert {"exit_job", "replay_job"} <= {job.name for job in jobs}
    for job in jobs:
        assert typed(job) == [], job.name


@pytest.mark.parametrize(
    "schema",
    [
        {"api_key": str},
        {"inner": {"auth_token": str}},
        {"url": dg.Field(str, default_value=SECRETS["DATABASE_URL"])},
        {"plain": dg.StringSource},
    ],
    ids=["a key", "a token inside", "a default", "a variable of the environment"],
)
def test_a_form_that_took_one_would_be_found(schema: dict[str, Any]) -> None:
    @dg.op(config_schema=schema)
    def asks() -> None:
        """Asks for too much."""

    @dg.job
    def asking() -> None:
        asks()

    assert typed(asking)


def test_no_resource_holds_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert list(held(resources(Settings.from_env()))) == []


def test_a_resource_that_held_one_would_be_found_unless_it_held_its_name() -> None:
    class Vendor(dg.ConfigurableResource[object]):
        api_key: str
        place: str = ""

    assert list(held({"vendor": Vendor(api_key="anything")})) == ["vendor.api_key"]
    assert list(held({"vendor": Vendor(api_key=dg.EnvVar("X"), place=CANARY)})) == ["vendor.place"]
    assert list(held({"vendor": Vendor(api_key=dg.EnvVar("X"))})) == []


def test_settings_do_not_show_what_they_hold() -> None:
    """Regression: settings showed both URLs with their passwords where they were printed."""
    assert CANARY not in repr(Settings.from_env(SECRETS))
    assert CANARY not in repr(HttpSettings.from_env(SECRETS))
