"""Past days, decided again from the dialog of their asset."""

from playwright.sync_api import expect

from exit_pipeline_tests.ui.dagster_ui import DagsterUi


def test_a_range_of_days_is_replayed_from_the_dialog(ui: DagsterUi) -> None:
    ui.materialize_days("decision_replays", "2026-03-16", "2026-03-18")
    expect(ui.page.get_by_text("2026-03-16...2026-03-18")).to_be_visible()
    expect(ui.page.get_by_text("Succeeded", exact=True).first).to_be_visible()
    expect(ui.page.get_by_text("100% completed")).to_be_visible()
    ui.asset("decision_replays", "checks")
    expect(ui.page.get_by_text("Passed", exact=True).first).to_be_visible()
