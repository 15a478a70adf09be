"""The whole stack over a home of its own: a trading day is worked, then the UI is opened."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

from exit_pipeline_tests.crash.stack import Stack

_PATIENCE: Final = 120
"""Seconds for what takes a few where nothing is wrong."""


class OpenStack(Stack):
    """A stack to look at in a browser, and to be ended as a person ends it.

    Args:
        folder: For the instance and the home; short, since a socket lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        super().__init__(folder, {
            "EXIT_PIPELINE_HOME": str(self.home),
            # No tick but those that are launched, whatever the hour is in New York.
            "EXIT_WORKER_ENABLED": "false",
            **dict.fromkeys(("DATABASE_URL", "DAGSTER_POSTGRES_URL", "EXIT_REPORTS"), ""),
        })  # fmt: skip

    @property
    def url(self) -> str:
        """Where the UI is."""
        return f"http://127.0.0.1:{self._port}"

    def run(self, *arguments: str) -> str:
        """Run Python over the same home until it is done; what it printed.

        Args:
            arguments: Those of Python, such as ``-m``, a module, and its own.
        """
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder, env=self._environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        with (self.folder / "said").open("a") as said:
            said.write(done.stdout + done.stderr)
        assert done.returncode == 0, self.said
        return done.stdout

    def exit_pipeline(self, *arguments: str) -> str:
        """Run a command of the program."""
        return self.run("-c", "from exit_pipeline.cli import main; main()", *arguments)

    def end(self) -> list[str]:
        """End it by Ctrl-C, and kill what is left over; how that was started."""
        assert self._process is not None
        everyone = self._processes()
        self._process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        left = psutil.wait_procs(everyone, _PATIENCE)[1]
        left = [*left, *(one for one in self._processes() if one not in left)]
        told = []
        for one in left:
            with suppress(psutil.NoSuchProcess):
                told.append(" ".join(one.cmdline()))
                one.kill()
        psutil.wait_procs(left)
        self._process.wait()
        self._process = None
        return told

    def _processes(self) -> list[psutil.Process]:
        """Everything that runs over the home, also what has another parent by now."""
        found = []
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                said = (one.environ().get("EXIT_PIPELINE_HOME", ""), *one.cmdline())
                if one.pid != os.getpid() and any(str(self.home) in part for part in said):
                    found.append(one)
        return found


@contextmanager
def opened_stack() -> Iterator[OpenStack]:
    """A stack with a worked day; afterwards it has ended, and nothing of it is left."""
    # Not pytest's own temporary folder, whose path is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="ep"))
    try:
        stack = OpenStack(folder)
        stack.run("-m", "exit_pipeline_tests.ui.day")
        try:
            stack.start()
            yield stack
        finally:
            left = stack.end()
        assert left == [], left
    finally:
        shutil.rmtree(folder)
