"""Drives Dagster's UI by what a person reads on it: roles, labels and texts.

Only what has neither is found by something else, and is named here once. Dagster's version is
pinned, so that this holds until it is raised.
"""

from typing import Final

from playwright.sync_api import Locator, Page, expect

from exit_pipeline_tests.ui.browser import PATIENCE

LOCATION: Final = "/locations/exit_pipeline.definitions"

EDITOR: Final = ".CodeMirror"
"""The editor of a launch form: its text area is hidden from whoever looks for a role."""

_HAS_COLOURS: Final = """shown => {
    const canvas = document.createElement("canvas");
    const [width, height] = [canvas.width, canvas.height] = [shown.clientWidth, shown.clientHeight];
    if (!width || !height || shown.complete === false) return false;
    const context = canvas.getContext("2d");
    context.drawImage(shown, 0, 0, width, height);
    const points = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return new Set(points).size > 1;
}"""
"""Whether an image or a canvas is drawn: one that failed, or is blank, has one colour alone."""


class DagsterUi:
    """A page of Dagster's UI.

    Args:
        page: An empty page.
        url: Where the UI is.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self._url = url
        page.set_default_timeout(PATIENCE)

    def open(self, path: str) -> None:
        """Go to a path of the UI."""
        self.page.goto(self._url + path)

    def button(self, name: str) -> Locator:
        """The button in whose name, which is that of its icon too, this is."""
        return self.page.get_by_role("button", name=name)

    def write_form(self, job: str, *lines: str) -> None:
        """Open a job's Launchpad and type into its form, in place of what is there."""
        self.open(f"{LOCATION}/jobs/{job}/playground")
        self.page.locator(EDITOR).click()
        self.page.keyboard.press("ControlOrMeta+A")
        for line in lines:
            self.page.keyboard.type(f"{line}\n")

    def launch(self, job: str, *lines: str) -> str:
        """Fill in a job's form and launch it; the run's id once its page is open."""
        self.write_form(job, *lines)
        self.button("Launch run").click()
        self.page.wait_for_url("**/runs/*")
        return self.page.url.rsplit("/", 1)[1]

    def wait_until(self, outcome: str) -> None:
        """Wait until the run whose page is open has ended so: Success or Failure."""
        expect(self.page.get_by_text(outcome, exact=True).first).to_be_visible()

    def show(self, run_id: str, step: str) -> None:
        """Open what a step of a run said."""
        self.open(f"/runs/{run_id}?logs=step%3A{step}")

    def open_picture(self, name: str) -> Locator:
        """Open a picture of the run whose page is open, and wait until it is drawn."""
        row = self.page.get_by_role("row").filter(has=self.page.get_by_text(name, exact=True))
        row.get_by_text("[Show Markdown]").first.click()
        picture = self.page.get_by_role("dialog").get_by_role("img", name=name)
        expect_drawn(picture)
        return picture

    def close_dialog(self) -> None:
        """Close what is open in front of the page, and wait until it is gone."""
        self.button("Close").click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def asset(self, name: str, view: str = "overview") -> None:
        """Open a view of an asset: overview, checks, partitions or events."""
        self.open(f"/assets/{name}?view={view}")

    def plot(self, name: str) -> Locator:
        """The plot of a figure, on an asset's page that shows plots."""
        plots = self.page.locator("div").filter(has=self.page.locator("canvas"))
        # The innermost, which comes last, has this plot and its title alone.
        titled = plots.filter(has=self.page.get_by_text(name, exact=True)).last
        return titled.locator("canvas")

    def materialize_days(self, asset: str, first: str, last: str) -> None:
        """Launch the trading days of a range from the dialog of an asset, and open the backfill."""
        self.asset(asset, "partitions")
        self.button("Materialize").first.click()
        self.page.get_by_text("Show all partitions").click()
        days = self.page.get_by_role("dialog").get_by_role("textbox").first
        days.fill(f"[{first}...{last}]")
        days.press("Enter")
        self.button("Launch backfill").click()
        # In the note that it was begun, which goes away by itself.
        self.page.get_by_role("link", name="View", exact=True).click()

    def schedule_switch(self, name: str) -> Locator:
        """The switch of a schedule, on its page."""
        self.open(f"{LOCATION}/schedules/{name}")
        return self.page.get_by_role("checkbox")

    def flip(self, switch: Locator) -> None:
        """Press a switch: on its picture, since the box itself is hidden."""
        self.page.locator("label").filter(has=switch).click()


def expect_drawn(picture: Locator) -> None:
    """Expect that an image has been loaded and has more than one colour, or a canvas likewise."""
    expect(picture).to_be_visible()
    picture.page.wait_for_function(_HAS_COLOURS, arg=picture.element_handle())
