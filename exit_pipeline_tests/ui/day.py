"""A trading day of the sample book on paper, so that the UI has something to show.

Run as a program, before the UI is opened over the same home.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from exit_pipeline.cli.ticks import quiet
from exit_pipeline.defs.launch import instance, run_exit_job
from exit_pipeline.defs.past_day import take_in
from exit_pipeline.defs.resources import resources
from exit_pipeline.sample import BOOK, GEX_SIGNALS
from exit_pipeline.settings import Settings

FIRST: Final = datetime(2026, 3, 18, 14, 30, tzinfo=UTC)
"""10:30 New York time, when the whole of the sample book has been entered."""

TICKS: Final = tuple(FIRST + timedelta(minutes=30) * number for number in range(9))
"""Until 14:30 New York time; positions are still open after that."""

DAY: Final = "2026-03-18"
"""What it is called."""

AFTER: Final = "2026-03-18T15:30:00-04:00"
"""A moment after the last of them, for a dry run."""


def main() -> None:
    """Take in the book and work the ticks."""
    quiet()
    settings = replace(Settings.from_env(), broker="paper", market_data="simulated")
    take_in(settings, BOOK, GEX_SIGNALS)
    with instance() as on:
        for at in TICKS:
            run_exit_job({}, resources(settings, at=at.isoformat(), environment="paper"), on)


if __name__ == "__main__":
    main()
