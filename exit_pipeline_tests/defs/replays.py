"""Runs of the replay job in this process, as the daemon and the UI launch them."""

from typing import Any

import dagster as dg

from exit_pipeline.defs.assets import ASSETS
from exit_pipeline.defs.replay import NAME, decision_replays, replay_job
from exit_pipeline.ports import Calendar, Database

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
"""Tags by which Dagster passes a range of partitions to one run."""


def run_replay(
    database: Database,
    calendar: Calendar,
    first: str,
    last: str = "",
    *,
    on: dg.DagsterInstance,
    config: dict[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run the job for one partition, or for a range of them."""
    parts = {"database": database, "calendar": calendar, "io_manager": dg.mem_io_manager}
    where = dg.Definitions(
        assets=[*ASSETS, decision_replays],
        jobs=[replay_job],
        resources=parts,
        executor=dg.in_process_executor,
    )
    job = where.resolve_job_def("replay_job")
    which: dict[str, Any] = {"partition_key": first}
    if last:
        which = {"tags": dict(zip(RANGE, (first, last), strict=True))}
    return job.execute_in_process(
        run_config={"ops": {NAME: {"config": config}}} if config else None,
        instance=on,
        raise_on_error=False,
        **which,
    )


def shown(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """The metadata of each day, as plain values."""
    return {
        str(event.partition): _plain(event.materialization.metadata)
        for event in result.get_asset_materialization_events()
    }


def observed(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The metadata of the range."""
    (event,) = result.get_asset_observation_events()
    return _plain(event.asset_observation_data.asset_observation.metadata)


def checked(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    """How the check ended."""
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def said(result: dg.ExecuteInProcessResult) -> str:
    """The sentence of a run that failed."""
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    return str(told.description)


def _plain(metadata: Any) -> dict[str, Any]:
    return {
        name: [record.data for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in metadata.items()
    }
