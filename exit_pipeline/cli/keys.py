"""Single keys of a terminal, as they are pressed."""

import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Pressed = Callable[[float], str]
"""Waits some seconds at most for a key, and gives it; empty where none was pressed."""


@contextmanager
def pressed_keys() -> Iterator[Pressed]:
    """Read keys without the return key; the terminal is as it was when the context is left.

    Ctrl-C stays what it is, a KeyboardInterrupt.
    """
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)

    def pressed(seconds: float) -> str:
        ready, _, _ = select.select([terminal], [], [], seconds)
        return os.read(terminal, 1).decode(errors="ignore") if ready else ""

    tty.setcbreak(terminal)
    try:
        yield pressed
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
