"""The schedule, stopped and started by its switch."""

from playwright.sync_api import expect

from exit_pipeline_tests.ui.dagster_ui import DagsterUi
from exit_pipeline_tests.ui.stack import OpenStack

_STATE = """
import dagster as dg
with dg.DagsterInstance.get() as on:
    states = [one.status.value for one in on.all_instigator_state() if one.name == "exit_schedule"]
print("exit_schedule is", *states)
"""


def test_the_schedule_stops_and_starts_and_storage_remembers_it(
    ui: DagsterUi, stack: OpenStack
) -> None:
    switch = ui.schedule_switch("exit_schedule")
    expect(switch).to_be_checked()
    for is_on, state in ((False, "STOPPED"), (True, "RUNNING")):
        ui.flip(switch)
        expect(switch).to_be_checked(checked=is_on)
        # Another process reads it, which knows only what is kept.
        assert f"exit_schedule is {state}" in stack.run("-c", _STATE)
        # And the page, opened anew, shows it.
        expect(ui.schedule_switch("exit_schedule")).to_be_checked(checked=is_on)
