"""The page of a day: made by its job, opened as a file."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from exit_pipeline_tests.ui.dagster_ui import DagsterUi
from exit_pipeline_tests.ui.day import DAY
from exit_pipeline_tests.ui.stack import OpenStack


def test_the_job_makes_the_page_of_the_day(ui: DagsterUi, stack: OpenStack) -> None:
    ui.launch("report_job", f'date: "{DAY}"')
    ui.wait_until("Success")
    page = stack.home / "reports" / f"{DAY}-paper.html"
    expect(ui.page.get_by_text(str(page), exact=True).first).to_be_visible()
    assert page.read_text().count("<article") == 17


@pytest.fixture(scope="module")
def day_page(stack: OpenStack) -> Path:
    """The page of the day, made by the command."""
    page = stack.folder / "day.html"
    stack.exit_pipeline("report", "--date", DAY, "--environment", "paper", "--to", str(page))
    return page


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_its_screen_and_asks_no_network(
    browser: Browser, day_page: Path, width: int, scheme: str
) -> None:
    asked: list[str] = []
    size = {"width": width, "height": 844}
    with browser.new_context(viewport=size, color_scheme=scheme) as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(day_page.as_uri(), wait_until="networkidle")
        expect(page.get_by_role("heading", level=1)).to_contain_text("Wednesday 2026-03-18, paper")
        expect(page.get_by_role("article")).to_have_count(17)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        shades = [int(part) for part in re.findall(r"\d+", background)[:3]]
        assert (max(shades) < 80) if scheme == "dark" else (min(shades) > 175), background
    assert asked == [day_page.as_uri()]
