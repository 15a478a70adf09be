"""Alerts as lines of the process's log: always there, and nothing to set up."""

import logging
from datetime import tzinfo
from typing import Final

from exit_pipeline.core.model.notice import Notice
from exit_pipeline.ports import Surroundings

log = logging.getLogger(__name__)

LEVELS: Final = {"CRITICAL": logging.CRITICAL, "WARNING": logging.WARNING, "INFO": logging.WARNING}
"""A process that has set up no logging shows nothing below WARNING, and told is told."""


def build(around: Surroundings) -> "LogNotifier":
    """The notifier; it has no settings."""
    return LogNotifier(around.calendar.zone)


class LogNotifier:
    """A ``Notifier`` that logs a message as one line as loud as its severity.

    Args:
        zone: Of the times in the text.
    """

    name = "log"

    def __init__(self, zone: tzinfo) -> None:
        self._zone: Final = zone

    def send(self, notice: Notice) -> None:
        """Log the message; a line break in it would look like a line of somebody else."""
        text = "; ".join(_one_line(part) for part in (notice.title, *notice.lines(self._zone)))
        log.log(LEVELS[notice.severity], "ExitWorker: %s", text)


def _one_line(text: str) -> str:
    """A text without line breaks, and without signs that a terminal would obey."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
