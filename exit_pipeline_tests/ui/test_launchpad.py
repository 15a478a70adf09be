"""A run from the Launchpad's form, and what its page tells."""

import pytest
from playwright.sync_api import expect

from exit_pipeline_tests.ui.dagster_ui import DagsterUi
from exit_pipeline_tests.ui.day import AFTER


@pytest.fixture(scope="module")
def _dry_runs() -> dict[str, str]:
    """The run that the first test launched, for those that look at it."""
    return {}


@pytest.fixture
def dry_run(ui: DagsterUi, _dry_runs: dict[str, str]) -> str:
    """A dry run whose page is open and which has succeeded."""
    if "id" not in _dry_runs:
        _dry_runs["id"] = ui.launch("exit_job", "dry_run: true", f'as_of: "{AFTER}"')
    else:
        ui.open(f"/runs/{_dry_runs['id']}")
    ui.wait_until("Success")
    return _dry_runs["id"]


def test_a_dry_run_shows_each_decision_and_why_on_its_first_screen(
    ui: DagsterUi, dry_run: str
) -> None:
    assert dry_run
    told = ui.page.get_by_text("15:30 New York, paper: 7 positions, 1 exit")
    expect(told).to_be_in_viewport()
    expect(told).to_contain_text("TIME_EXIT all: the session closes in 30 minutes")
    for part in ("sample-09", "NVDA 190P 20Mar26", "dry run: nothing is sent", "sample-17"):
        expect(told).to_contain_text(part)


def test_a_run_has_its_pictures_behind_one_click(ui: DagsterUi, dry_run: str) -> None:
    assert dry_run
    for name in ("vix_term", "gamma_SPY", "gamma_QQQ"):
        ui.open_picture(name)
        ui.close_dialog()


def test_the_step_that_decides_has_the_decisions_as_a_table(ui: DagsterUi, dry_run: str) -> None:
    ui.show(dry_run, "decide")
    row = ui.page.get_by_role("row").filter(has_text="NVDA260320P00190000").last
    for part in ("sample-09", "close 2", "TIME EXIT", "the session closes in 30 minutes"):
        expect(row).to_contain_text(part)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param(
            "dry_runs: true",
            'Received unexpected config entry "dry_runs" at the root.',
            id="a field that there is not",
        ),
        pytest.param(
            "dry_run: maybe",
            'Invalid scalar at path root:dry_run. Value "maybe"',
            id="neither true nor false",
        ),
    ],
)
def test_a_mistaken_form_says_so_and_can_not_be_launched(
    ui: DagsterUi, line: str, sentence: str
) -> None:
    ui.write_form("exit_job", line)
    expect(ui.page.get_by_text(sentence)).to_be_visible()
    expect(ui.button("Launch run")).to_be_disabled()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        pytest.param(
            "policy: stop_loss.percent=many",
            "policy threshold stop_loss.percent = 'many' is not usable: expected a valid number",
            id="a threshold that is no number",
        ),
        pytest.param(
            "as_of: yesterday", "as_of is 'yesterday'; expected", id="a moment that is none"
        ),
    ],
)
def test_a_mistaken_value_ends_the_run_with_its_sentence(
    ui: DagsterUi, line: str, sentence: str
) -> None:
    ui.launch("exit_job", "dry_run: true", line)
    ui.wait_until("Failure")
    expect(ui.page.get_by_text(sentence).last).to_be_visible()
