"""Single keys of a terminal, as they are pressed."""

import os
import select
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

CTRL_C: Final = "\x03"

Pressed = Callable[[float], str]
"""Waits some seconds at most for a key, and gives it; empty where none was pressed."""


@contextmanager
def pressed_keys() -> Iterator[Pressed]:
    """Read keys without the return key; the terminal is as it was when the context is left.

    Ctrl-C is a KeyboardInterrupt, also where the process was begun with interrupts ignored, as
    shells do in the background. It is the next key as well: one that comes while an object is
    finalised is swallowed there.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    interrupted = False

    def interrupt(_signal: int, _frame: object) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def pressed(seconds: float) -> str:
        if interrupted:
            return CTRL_C
        ready, _, _ = select.select([terminal], [], [], seconds)
        return os.read(terminal, 1).decode(errors="ignore") if ready else ""

    handler = signal.signal(signal.SIGINT, interrupt)
    tty.setcbreak(terminal)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, handler)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
