"""Finds a Chromium, or has Playwright install one; as a program it says which."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that a machine's own Chromium may be called."""

BROWSERS: Final = Path(sys.prefix) / "browsers"
"""Where Playwright installs its browsers: part of the environment, and deleted with it."""

_INSIDE: Final = (
    "chromium_headless_shell-*/chrome-*/*headless*shell", "chromium-*/chrome-*/chrome",
    "chromium-*/chrome-*/*.app/Contents/MacOS/*",
)  # fmt: skip


class NoChromiumError(Exception):
    """There is no Chromium, and none can be had; the text says what to do."""


def find(
    environ: Mapping[str, str] = os.environ,
    which: Callable[[str], str | None] = shutil.which,
    browsers: Path = BROWSERS,
) -> str | None:
    """The Chromium that ``CHROMIUM`` names, else one of Playwright's, else the machine's own.

    Args:
        environ: The environment.
        which: Finds a program by its name.
        browsers: Folder of Playwright's browsers.

    Returns:
        Its path; None where there is none.

    Raises:
        NoChromiumError: ``CHROMIUM`` names no program.
    """
    if named := environ.get("CHROMIUM"):
        if found := which(named):
            return found
        message = f"CHROMIUM is {named!r}; expected the path or the name of a Chromium"
        raise NoChromiumError(message)
    installed = (str(path) for pattern in _INSIDE for path in sorted(browsers.glob(pattern)))
    return next(installed, None) or next((path for name in NAMES if (path := which(name))), None)


def install(browsers: Path = BROWSERS) -> None:
    """Have Playwright download its own Chromium.

    Raises:
        NoChromiumError: That did not work.
    """
    environ = {**os.environ, "PLAYWRIGHT_BROWSERS_PATH": str(browsers)}
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        message = (
            "there is no Chromium on this machine, and Playwright could not install one "
            f"({_why(done.stdout + done.stderr)}); install one, or name it: "
            "make test-ui CHROMIUM=/path/to/chromium"
        )
        raise NoChromiumError(message)


def _why(said: str) -> str:
    errors = [line.strip() for line in said.splitlines() if "rror" in line]
    return (errors or ["it does not say why"])[0].removesuffix(", caused by")[:160]


def main() -> int:
    """Find or install a Chromium and say which; the status to exit with."""
    try:
        found = find()
        if found is None:
            sys.stdout.write(f"Installing a Chromium into {BROWSERS} ...\n")
            sys.stdout.flush()
            install()
            found = find()
    except NoChromiumError as error:
        sys.stderr.write(f"The browser tests can't run: {error}\n")
        return 2
    sys.stdout.write(f"Chromium: {found}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
