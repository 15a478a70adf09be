"""The code location that Dagster loads."""

import dagster as dg

from exit_pipeline.defs.alert_sensor import alert_sensor
from exit_pipeline.defs.assets import ASSETS
from exit_pipeline.defs.book_checks import book_checks, check_job
from exit_pipeline.defs.check_schedule import check_schedule
from exit_pipeline.defs.jobs import exit_job
from exit_pipeline.defs.notifiers import NotifyingResource
from exit_pipeline.defs.replay import decision_replays, replay_job
from exit_pipeline.defs.replay_schedule import replay_schedule
from exit_pipeline.defs.report import report_job, report_schedule
from exit_pipeline.defs.resources import resources
from exit_pipeline.defs.schedules import make_schedule, make_sensor
from exit_pipeline.defs.tape_days import tape_decisions, tape_job
from exit_pipeline.redaction import install
from exit_pipeline.settings import Settings


def make_definitions(settings: Settings) -> dg.Definitions:
    """Jobs, resources, and when they run: ticks by a schedule or, with an interval, by a sensor."""
    interval = settings.worker_interval_seconds
    return dg.Definitions(
        assets=[*ASSETS, decision_replays, tape_decisions],
        asset_checks=[book_checks],
        jobs=[exit_job, replay_job, report_job, tape_job, check_job],
        resources={**resources(settings), "notifying": NotifyingResource()},
        schedules=[
            replay_schedule,
            report_schedule,
            check_schedule,
            *([] if interval else [make_schedule(settings)]),
        ],
        sensors=[alert_sensor, *([make_sensor(settings, interval)] if interval else [])],
        # Also where the UI launches an asset alone: a process more would take two seconds more.
        executor=dg.in_process_executor,
    )


install()
defs = make_definitions(Settings.from_env())
