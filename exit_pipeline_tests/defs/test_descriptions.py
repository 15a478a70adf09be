"""Whatever the UI shows by name says what it is."""

import importlib
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from exit_pipeline.settings import Settings

# Dagster, making resources and sensors, calls what it has itself deprecated or not yet settled.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
]

BY_CRON = {"EXIT_WORKER_CRON": "*/5 * * * 1-5"}
BY_SENSOR = {"EXIT_WORKER_INTERVAL_SECONDS": "60"}


def repository(environ: dict[str, str]) -> dg.RepositoryDefinition:
    module: Any = importlib.import_module("exit_pipeline.definitions")
    made: dg.Definitions = module.make_definitions(Settings.from_env(environ))
    return made.get_repository_def()


def described(repo: dg.RepositoryDefinition) -> Iterator[tuple[str, str | None]]:
    """Name and description of everything; jobs that Dagster makes by itself have none."""
    for job in repo.get_all_jobs():
        if not job.name.startswith("__"):
            yield f"job {job.name}", job.description
            yield from of_job(job)
    for name, resource in repo.get_top_level_resources().items():
        yield f"resource {name}", resource.description
        yield from fields(f"resource {name}", resource.config_schema)
    for schedule in repo.schedule_defs:
        yield f"schedule {schedule.name}", schedule.description
    for sensor in repo.sensor_defs:
        yield f"sensor {sensor.name}", sensor.description
    graph = repo.asset_graph
    for key in graph.get_all_asset_keys():
        yield f"asset {key.to_user_string()}", graph.get(key).description
    for key in graph.asset_check_keys:
        spec = graph.get_check_spec(key)
        yield f"check {key.name}", spec.description if spec else None


def of_job(job: dg.JobDefinition) -> Iterator[tuple[str, str | None]]:
    for node in job.nodes:
        definition: Any = node.definition
        yield f"op {node.name}", definition.description
        yield from fields(f"op {node.name}", definition.config_schema)
    for name, logger in job.loggers.items():
        yield f"logger {name}", logger.description
    if job.config_mapping:
        yield from fields(f"job {job.name}", job.config_mapping.config_schema)


def fields(of: str, schema: Any) -> Iterator[tuple[str, str | None]]:
    """Config fields at every depth."""
    yield from within(of, schema.as_field().config_type) if schema else ()


def within(of: str, config_type: Any) -> Iterator[tuple[str, str | None]]:
    for name, field in getattr(config_type, "fields", {}).items():
        yield f"{of}: {name}", field.description
        yield from within(f"{of}: {name}", field.config_type)


@pytest.mark.parametrize("environ", [BY_CRON, BY_SENSOR], ids=["by cron", "by sensor"])
def test_nothing_in_the_ui_goes_without_a_description(environ: dict[str, str]) -> None:
    silent = [name for name, text in described(repository(environ)) if not (text or "").strip()]
    assert silent == []


def test_the_walk_reaches_what_it_is_about() -> None:
    names = {name for name, _ in described(repository(BY_CRON))}
    assert {
        "job exit_job", "job replay_job", "job check_job", "op persist", "op fetch_positions",
        "job exit_job: dry_run", "op decision_replays: mode", "op tape_decisions: book",
        "resource market_data: source", "schedule exit_schedule", "schedule check_schedule",
        "asset orders", "check no_tick_gap", "check no_drift",
    } <= names  # fmt: skip
    assert "sensor exit_sensor" in {name for name, _ in described(repository(BY_SENSOR))}


@pytest.mark.parametrize("said", ["One partition is one trading day", "one run", "mode: what-if"])
def test_the_asset_of_replays_says_how_days_are_chosen_and_launched(said: str) -> None:
    graph = repository(BY_CRON).asset_graph
    assert said in (graph.get(dg.AssetKey("decision_replays")).description or "")
