"""The data folder of the embedded Postgres: what may be wrong with it, and what a crash left in it.

Everything here is asked before the server package touches the folder, because the package answers
the same questions with tracebacks, or by trusting a process id that has gone to another program.
"""

import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

try:
    import pwd
except ImportError:  # Windows, which `check` refuses
    pwd = None  # type: ignore[assignment]

#: The OS user that the server package creates and runs Postgres as when the program is root.
ROOT_RUNS_AS: Final = "pgserver"

# A socket's address holds 108 bytes on Linux and 104 on macOS, one of them a closing zero; the
# folder shares them with "/.s.PGSQL.5432". The package would move a longer one to the shared temp
# folder, where any local user could connect to a server that asks for no password: so we refuse.
_LONGEST_PATH: Final = 89 if sys.platform == "darwin" else 93

# The folder's name passes through a shell, a comma-separated server setting and a URL.
_SAFE_PATH: Final = re.compile(r"[\w./@:=~+%-]+")

# Backends of a server that was killed end by themselves as soon as they notice: 100 looks of 0.1 s.
_LOOKS: Final = 100
_SECONDS_BETWEEN_LOOKS: Final = 0.1


def check(home: Path, data: Path) -> None:
    """Refuse a place where the embedded Postgres cannot live, and create ``home`` if it is missing.

    Args:
        home: The folder that holds the data folder and the lock files.
        data: The data folder inside it; it need not exist.

    Raises:
        ConfigurationError: The path is too long or holds an unsafe character, the parent is
            missing, the folder cannot be written, or the data belongs to another OS user.
    """
    _check_path(data)
    try:
        _prepare(home)
        _check_owner(data)
    except OSError as error:
        message = f"The embedded Postgres cannot use the folder {home}: {error.strerror}."
        raise ConfigurationError(message) from error


def _check_path(data: Path) -> None:
    text = str(data)
    if re.search(r"\s", text):
        message = (
            f"The embedded Postgres cannot keep its data in '{data}' because the path contains"
            " a space: set EXIT_PIPELINE_HOME to a folder without one."
        )
        raise ConfigurationError(message)
    if not _SAFE_PATH.fullmatch(text):
        message = (
            f"The embedded Postgres cannot keep its data in '{data}' because the path contains"
            " a character that a shell reads: set EXIT_PIPELINE_HOME to a plainer one."
        )
        raise ConfigurationError(message)
    length = len(os.fsencode(text))
    if length > _LONGEST_PATH:
        message = (
            f"The embedded Postgres cannot keep its data in {data} because the path has {length}"
            f" bytes and a socket allows {_LONGEST_PATH}: set EXIT_PIPELINE_HOME to a shorter one."
        )
        raise ConfigurationError(message)


def _prepare(home: Path) -> None:
    if not home.parent.is_dir():
        message = (
            f"The embedded Postgres cannot keep its data in {home} because the folder"
            f" {home.parent} does not exist."
        )
        raise ConfigurationError(message)
    home.mkdir(exist_ok=True)
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        message = f"The embedded Postgres cannot use the folder {home} because it is not writable."
        raise ConfigurationError(message)


def _check_owner(data: Path) -> None:
    # Two users on one data folder break it for both: each makes files the other cannot open.
    if not data.exists():
        return
    owner, me = data.stat().st_uid, os.geteuid()
    if owner == me or (me == 0 and _user_name(owner) == ROOT_RUNS_AS):
        return
    message = (
        f"The folder {data} belongs to the OS user {_user_name(owner)} but this program runs as"
        f" {_user_name(me)}: run it as the owner, or set EXIT_PIPELINE_HOME to another folder."
    )
    raise ConfigurationError(message)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # common in containers: a user id without an entry
        return str(uid)


def find_postmaster(data: Path) -> psutil.Process | None:
    """Return the live server that ``postmaster.pid`` names, or ``None``.

    A process with that id is not enough: after a crash the id may belong to any program. It must
    be called postgres and have been started on this very folder.
    """
    try:
        # Bytes, since the next line is a path in whatever encoding; a negative number is no server.
        pid = int((data / "postmaster.pid").read_bytes().partition(b"\n")[0])
        process = psutil.Process(pid)
    except (OSError, ValueError, psutil.Error):
        return None
    return process if _serves(process, data) else None


def clear_leftovers(data: Path) -> None:
    """Make room for a new server where ``find_postmaster`` found none.

    Waits for the backends of a killed server, since Postgres refuses to start beside them; ends a
    server whose folder was deleted while it ran, since at its end it would delete the socket of
    the new one; then removes the files that name dead or foreign processes.

    Args:
        data: The data folder; it need not exist.

    Raises:
        UnavailableError: Processes of the earlier server do not end.
    """
    for _ in range(_LOOKS):
        remaining = _server_processes(data)
        if not remaining:
            break
        for process in remaining:
            if _serves(process, data):
                with suppress(psutil.Error):
                    process.send_signal(signal.SIGQUIT)
        # In short steps, because a dead process that nobody reaps never leaves the process table.
        psutil.wait_procs(remaining, timeout=_SECONDS_BETWEEN_LOOKS)
    else:
        message = (
            f"The embedded Postgres in {data} cannot start because process {remaining[0].pid} of"
            " an earlier server is still finishing: try again in a moment."
        )
        raise UnavailableError(message)
    # The socket's lock file names the process as well, and Postgres believes it without a look.
    for leftover in (data / "postmaster.pid", *data.glob(".s.PGSQL.*")):
        leftover.unlink(missing_ok=True)


def _server_processes(data: Path) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if _serves(process, data) or _works_in(process, data)
    ]


def _serves(process: psutil.Process, data: Path) -> bool:
    # What may not be read belongs to another user, and so does not serve a folder of ours.
    try:
        return process.name() == "postgres" and str(data) in process.cmdline()
    except psutil.Error:
        return False


def _works_in(process: psutil.Process, data: Path) -> bool:
    # A backend replaces its command line by a title, but stays in the data folder.
    try:
        return process.name() == "postgres" and process.cwd() == str(data)
    except psutil.Error:
        return False
