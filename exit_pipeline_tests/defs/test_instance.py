"""The instance and the code location of the checkout load, and say what they were written for."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.config import PoolGranularity
from dagster._core.scheduler.instigation import TickStatus

from exit_pipeline.core.model.record import LEASE
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.replay import replay_job

ROOT = Path(__file__).parents[2]


def test_the_instance_is_as_its_file_says(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_monitoring_max_runtime_seconds == 3_600
    assert instance.run_monitoring_start_timeout_seconds == 60
    assert not instance.run_retries_enabled
    assert not instance.telemetry_enabled
    assert not instance.nux_enabled
    assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
    assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"


def test_a_tick_is_ended_when_its_lease_is_over_and_a_replay_is_not() -> None:
    assert float(exit_job.tags["dagster/max_runtime"]) == 240 == LEASE.total_seconds()
    assert "dagster/max_runtime" not in replay_job.tags


def test_replays_wait_for_each_other_in_a_pool(instance: dg.DagsterInstance) -> None:
    pools = instance.get_concurrency_config().pool_config
    assert (pools.pool_granularity, pools.default_pool_limit) == (PoolGranularity.RUN, 1)


def test_a_tick_waits_a_second_for_the_queue_and_runs_alone(instance: dg.DagsterInstance) -> None:
    queue = instance.get_concurrency_config().run_queue_config
    assert queue is not None
    assert queue.tag_concurrency_limits == [
        {"key": "exit_pipeline/exclusive", "limit": 1, "value": {"applyLimitPerUniqueValue": True}}
    ]
    assert instance.run_coordinator.dequeue_interval_seconds == 1


def test_skipped_ticks_are_kept_for_a_day_and_others_for_a_month(
    instance: dg.DagsterInstance,
) -> None:
    for kind in (InstigatorType.SCHEDULE, InstigatorType.SENSOR):
        days = instance.get_tick_retention_settings(kind)
        assert days[TickStatus.SKIPPED] == 1
        assert days[TickStatus.FAILURE] == 30
        assert days[TickStatus.SUCCESS] == 30


def test_the_code_location_of_the_workspace_loads_in_a_process_of_its_own(
    dagster_home: Path,
) -> None:
    command = ["-m", "dagster", "definitions", "validate", "-w", str(ROOT / "workspace.yaml")]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=dagster_home,
        env={**os.environ, "DAGSTER_HOME": str(dagster_home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "All code locations passed validation" in done.stdout + done.stderr


def test_importing_the_code_location_starts_no_server(dagster_home: Path) -> None:
    subprocess.run(
        [sys.executable, "-c", "import exit_pipeline.definitions"],
        cwd=dagster_home,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        check=True,
    )
    assert not (dagster_home / "home").exists()


def test_importing_the_code_location_loads_nothing_that_only_some_runs_need() -> None:
    """Each tick runs in a process of its own, which imports the code location first."""
    heavy = ("exchange_calendars", "matplotlib", "pandas", "pyarrow")
    replays = ("exit_pipeline.defs.replay_modes", "exit_pipeline.core.replay.follow_policy")
    code = "import exit_pipeline.definitions, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {*heavy, *replays} & set(done.stdout.split())
