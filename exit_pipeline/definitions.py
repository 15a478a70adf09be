"""The code location that Dagster loads."""

import dagster as dg

from exit_pipeline.defs.assets import ASSETS
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.resources import resources
from exit_pipeline.defs.schedules import make_schedule, make_sensor
from exit_pipeline.settings import Settings


def make_definitions(settings: Settings) -> dg.Definitions:
    """Jobs, resources, and the schedule or, where an interval is set, the sensor."""
    interval = settings.worker_interval_seconds
    return dg.Definitions(
        assets=ASSETS,
        jobs=[exit_job],
        resources=resources(settings),
        schedules=[] if interval else [make_schedule(settings)],
        sensors=[make_sensor(settings, interval)] if interval else [],
    )


defs = make_definitions(Settings.from_env())
