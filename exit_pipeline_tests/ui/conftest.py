"""One stack and one browser for all of these tests, and what is kept of a failure."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from exit_pipeline_tests.ui.browser import opened_browser
from exit_pipeline_tests.ui.dagster_ui import DagsterUi
from exit_pipeline_tests.ui.stack import OpenStack, opened_stack

ROOT: Final = Path(__file__).parents[2]
KEPT: Final = ROOT / ".exit_pipeline" / "failed-ui-tests"
"""Where a failed test leaves a picture of each page and what the stack said."""


@pytest.fixture(scope="session")
def stack() -> Iterator[OpenStack]:
    """The stack over a worked day, opened once."""
    with opened_stack() as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, opened once."""
    with opened_browser() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of this test's own, with nothing remembered from others."""
    with browser.new_context(viewport={"width": 1600, "height": 1000}) as context:
        yield context.new_page()


@pytest.fixture
def ui(page: Page, stack: OpenStack) -> DagsterUi:
    """Dagster's UI."""
    return DagsterUi(page, stack.url)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep pictures and the log of a test that failed, and say where."""
    report = yield
    if report.when == "call" and report.failed:
        report.sections.append(("kept of the failure", str(_keep(item.name, item.funcargs))))
    return report


def _keep(name: str, used: dict[str, Any]) -> Path:
    folder = KEPT / re.sub(r"[^A-Za-z0-9_-]+", "-", name)
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(page := used.get("page"), Page):
        page.screenshot(path=folder / "page.png")
        (folder / "page.txt").write_text(f"{page.url}\n")
    if isinstance(stack := used.get("stack"), OpenStack):
        (folder / "stack.log").write_text(stack.said)
    return folder
