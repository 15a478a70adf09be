"""Takes the README's pictures of the real thing: ``make screenshots``, or a folder as argument."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from exit_pipeline_tests.ui.browser import PATIENCE, opened_browser
from exit_pipeline_tests.ui.dagster_ui import DagsterUi, expect_drawn
from exit_pipeline_tests.ui.day import AFTER, DAY, TICKS
from exit_pipeline_tests.ui.stack import OpenStack, opened_stack

LARGEST: Final = 250_000
"""Bytes of one picture: a README is read on the road as well."""

_WIDTH: Final = 1600
_COLOURS: Final = 128
_FIRST_RUN: Final = """
import dagster as dg
with dg.DagsterInstance.get() as on:
    print(on.get_run_records(limit=1, ascending=True)[0].dagster_run.run_id)
"""

_WATCH: Final = """
import os
import sys
from datetime import datetime
from importlib import import_module
from io import StringIO
from rich.console import Console
from exit_pipeline.adapters.clocks.fixed import FixedClock
from exit_pipeline.defs import resources
os.environ["EXIT_WORKER_ENABLED"] = "true"
command = import_module("exit_pipeline.cli.watch")
out = Console(record=True, width=130, force_terminal=True, file=StringIO())
command.console = lambda: out
resources.make_clock = lambda: FixedClock(datetime.fromisoformat(sys.argv[1]))
command.watch.main(["--once"], standalone_mode=False)
out.save_svg(sys.argv[2], title="exit-pipeline watch")
"""
"""One frame as it was at a moment, drawn by the program's own view."""


class Album:
    """Pictures that are taken one after another.

    Args:
        browser: To take them with.
        stack: What is shown.
        folder: Where they go.
    """

    def __init__(self, browser: Browser, stack: OpenStack, folder: Path) -> None:
        self._browser = browser
        self._stack = stack
        self._folder = folder

    def take(self) -> None:
        """Take all of them."""
        self.runs()
        self.assets()
        self.day()
        self.watch()

    def runs(self) -> None:
        """The day's first tick, by its lines, and gamma at the step of a dry run."""
        with self._ui(height=1250) as ui:
            ui.open(f"/runs/{self._stack.run('-c', _FIRST_RUN).splitlines()[-1]}")
            ui.wait_until("Success")
            expect(ui.page.get_by_text("10:30 New York, paper: 17 positions")).to_be_in_viewport()
            expect(ui.page.get_by_text("build_context").first).to_be_in_viewport()
            self.keep("run", ui.page)
        with self._ui(height=1000) as ui:
            run = ui.launch("exit_job", "dry_run: true", f'as_of: "{AFTER}"')
            ui.wait_until("Success")
            ui.show(run, "build_context")
            ui.open_picture("SPY_gamma_profile")
            self.keep("gamma", ui.page.get_by_role("dialog"))

    def assets(self) -> None:
        """Lineage, orders, plots and checks."""
        with self._ui(height=900) as ui:
            ui.open("/asset-groups")
            expect(ui.page.get_by_text("Materialized", exact=True)).to_have_count(4)
            self.keep("lineage", ui.page)
        with self._ui(width=2000, height=1250) as ui:
            ui.asset("orders")
            expect(ui.page.get_by_text("FILLED", exact=True).last).to_be_visible()
            self.keep("orders", ui.page)
        with self._ui(height=1500) as ui:
            ui.asset("positions")
            ui.button("Plots").click()
            for figure in ("open_pnl", "realised_pnl", "day_pnl"):
                expect_drawn(ui.plot(figure))
            self.keep("positions", ui.page)
        with self._ui(height=900) as ui:
            ui.asset("decisions", "checks")
            expect(ui.page.get_by_text("sound; looked at: ")).to_be_visible()
            expect_drawn(ui.plot("faults"))
            self.keep("checks", ui.page)

    def day(self) -> None:
        """The page of the day, on a phone and on a desk."""
        page = self._stack.folder / "day.html"
        self._stack.exit_pipeline("report", "--date", DAY, "--to", str(page))
        for name, width, height, scheme in (
            ("day-phone", 390, 844, "dark"),
            ("day", 1280, 1100, "light"),
        ):
            with self._ui(width=width, height=height, color_scheme=scheme) as ui:
                ui.page.goto(page.as_uri())
                self.keep(name, ui.page)

    def watch(self) -> None:
        """One frame of the terminal view, two minutes after the last tick."""
        at = TICKS[-1] + timedelta(minutes=2)
        to = self._folder.absolute() / "watch.svg"
        self._stack.run("-c", _WATCH, at.isoformat(), str(to))

    def keep(self, name: str, shown: Page | Locator) -> None:
        """Take one picture, of few colours and bytes, once nothing loads any more."""
        page = shown if isinstance(shown, Page) else shown.page
        page.wait_for_load_state("networkidle")
        expect(shown.get_by_text("Loading")).to_have_count(0)
        picture = Image.open(BytesIO(shown.screenshot(animations="disabled"))).convert("RGB")
        few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
        path = self._folder / f"{name}.png"
        few.save(path, optimize=True)
        size = path.stat().st_size
        assert size <= LARGEST, f"{path} has {size} bytes"
        sys.stdout.write(f"{path}: {picture.width} x {picture.height}, {size // 1000} kB\n")

    @contextmanager
    def _ui(self, *, width: int = _WIDTH, height: int, **options: Any) -> Iterator[DagsterUi]:
        size = {"width": width, "height": height}
        with self._browser.new_context(viewport=size, **options) as context:
            context.set_default_timeout(PATIENCE)
            yield DagsterUi(context.new_page(), self._stack.url)


def main(folder: Path) -> None:
    """Open everything and take the pictures."""
    folder.mkdir(exist_ok=True)
    with opened_stack() as stack, opened_browser() as browser:
        Album(browser, stack, folder).take()


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "docs"))
