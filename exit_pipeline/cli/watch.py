"""The command that shows how everything stands, and goes on doing so."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import click
from rich.live import Live

from exit_pipeline.cli.keys import CTRL_C, Pressed, pressed_keys
from exit_pipeline.cli.show import console
from exit_pipeline.cli.watch_view import Frame, view
from exit_pipeline.core.model.errors import InputError, UnavailableError
from exit_pipeline.ports import Clock
from exit_pipeline.services.watch import Watched, look
from exit_pipeline.settings import Settings

_LEAVE = frozenset({"q", "Q", "\x1b", CTRL_C})
_REDRAWN_EVERY = 1.0
"""Seconds: the countdown to the next tick is by seconds."""


@click.command()
@click.option(
    "--every",
    type=click.IntRange(1, 3600),
    default=5,
    show_default=True,
    help="Seconds from one reading of the database to the next.",
)
@click.option("--once", is_flag=True, help="Print one frame and end.")
def watch(every: int, once: bool) -> None:
    """Watch positions, how far each is from its next exit, orders, alerts and ticks; q leaves.

    It only reads. Where the database does not answer it says so, and goes on trying.
    """
    watching = _watching(timedelta(seconds=every))
    out = console()
    if once:
        watching.read()
        out.print(view(watching.frame(), out.width))
        return
    if not (out.is_terminal and sys.stdin.isatty()):
        message = "watch needs a terminal; for one frame anywhere else: exit-pipeline watch --once"
        raise InputError(message)
    with (
        Live(console=out, screen=True, auto_refresh=False) as live,
        pressed_keys() as pressed,
    ):
        follow(watching, lambda frame: live.update(view(frame, out.width), refresh=True), pressed)


def _watching(every: timedelta) -> "Watching":
    from exit_pipeline.defs.resources import make_calendar, make_clock, open_database
    from exit_pipeline.defs.slots import next_tick

    settings, calendar, clock = Settings.from_env(), make_calendar(), make_clock()
    return Watching(
        # Opened anew by each reading until it once was: it may be down when the view begins.
        look=lambda: look(database=open_database(settings), calendar=calendar, at=clock.now()),
        next_tick=lambda at: next_tick(settings, calendar, at),
        clock=clock,
        every=every,
    )


@dataclass(kw_only=True)
class Watching:
    """What was read last, and when it is to be read again.

    Attributes:
        look: Reads how everything stands.
        next_tick: When a tick is due next.
        clock: Now.
        every: Time from one reading to the next.
    """

    look: Callable[[], Watched]
    next_tick: Callable[[datetime], datetime | None]
    clock: Clock
    every: timedelta
    _seen: Watched | None = field(default=None, init=False)
    _trouble: str = field(default="", init=False)
    _due: datetime | None = field(default=None, init=False)

    def read(self) -> None:
        """Read it now.

        Raises:
            UnavailableError: The database did not answer.
        """
        self._seen = self.look()

    def read_if_due(self) -> None:
        """Read it where it is time; where the database does not answer, remember why."""
        at = self.clock.now()
        if self._due is not None and at < self._due:
            return
        self._due = at + self.every
        try:
            self.read()
            self._trouble = ""
        except UnavailableError as error:
            seconds = int(self.every.total_seconds())
            self._trouble = f"{error} Trying again every {seconds} s."

    def frame(self) -> Frame:
        """What is to be shown now."""
        at = self.clock.now()
        return Frame(at=at, seen=self._seen, next_tick_at=self.next_tick(at), trouble=self._trouble)


def follow(watching: Watching, show: Callable[[Frame], None], pressed: Pressed) -> None:
    """Show a frame each second until q, escape or Ctrl-C is pressed."""
    try:
        while True:
            watching.read_if_due()
            show(watching.frame())
            if pressed(_REDRAWN_EVERY) in _LEAVE:
                return
    except KeyboardInterrupt:
        return
