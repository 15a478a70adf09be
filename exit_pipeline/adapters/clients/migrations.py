"""Brings a database to the schema of this program by running the numbered SQL files of ``sql``.

yoyo reads, orders and splits the files; what it leaves to luck is settled here:

- one advisory lock around everything, so two programs that start at once don't both apply a file.
  Its end is certain however the program ends, while the row of yoyo's own lock outlives a kill and
  would block every later run: a row found under our lock is stale, and removed;
- a file, the note that it is applied and its checksum are one transaction;
- a file that was edited after it was applied is refused, where yoyo ignores the edit.
"""

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

import psycopg2
import yoyo
from yoyo.exceptions import BadMigration

from exit_pipeline.adapters.clients.grants import give, grant
from exit_pipeline.adapters.clients.postgres_errors import reason_of
from exit_pipeline.adapters.clients.postgres_url import read_url, say_place
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

_NUMBERED: Final = re.compile(r"\d{4}_[\w-]+")
_ENDS_A_TRANSACTION: Final = re.compile(
    r"^\s*(?:BEGIN|START|COMMIT|ROLLBACK)(?:\s+(?:WORK|TRANSACTION))?\s*;", re.I | re.M
)

# Any number does as long as nobody else uses it; this one is the bytes of "exitpipe".
_LOCK_KEY: Final = 0x6578697470697065
_LOCK_TIMEOUT: Final = "120s"

_CREATE_CHECKSUMS: Final = """
    CREATE TABLE IF NOT EXISTS exit_pipeline_migrations (
        name text PRIMARY KEY,
        sha256 text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )
"""


@dataclass(frozen=True)
class MigrationReport:
    """What one call of ``migrate`` found and did."""

    applied: tuple[str, ...]  # file names, in the order in which they ran
    already_applied: int


@dataclass(frozen=True)
class _Target:
    """A database as yoyo and libpq address it, and as a sentence may name it."""

    address: str
    name: str


def sql_folder() -> Path:
    """Return the folder of the numbered SQL files, in a wheel or in a checkout.

    Raises:
        ConfigurationError: There is no such folder, so the installation is damaged.
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "sql", package.parent / "sql"):
        if folder.is_dir():
            return folder
    message = f"The folder sql with the database schema is missing beside {package}."
    raise ConfigurationError(message)


def migrate(url: str, folder: Path | None = None) -> MigrationReport:
    """Apply the SQL files that the database does not have yet.

    Safe to call from several programs at once: they wait for each other. A second call applies
    nothing. After a failure the files before the failing one stay applied.

    Args:
        url: The database, as a ``postgresql://`` URL.
        folder: Where the files are; ``sql_folder()`` if not given.

    Raises:
        ConfigurationError: The URL is malformed; a file fails, was edited after it was applied,
            or is not a plain numbered file; or the database is newer than this program.
        UnavailableError: The server does not answer, or another program keeps the lock.
    """
    target = _parse(url)
    files = _read_files(folder or sql_folder())
    with (
        _lock(target),  # first, since yoyo creates a table on connecting
        _sentence_for_lost_connection(target),
        yoyo.get_backend(target.address) as backend,
    ):
        backend.execute(_CREATE_CHECKSUMS)  # first, since yoyo does not say what it may not create
        backend.break_lock()
        backend.ensure_internal_schema_updated()
        waiting = _compare(files, _known_checksums(backend.connection), target)
        for migration in waiting:
            _apply(backend, migration)
        if waiting:
            with closing(_connect(target)) as connection:
                grant(connection)
    names = tuple(Path(migration.path).name for migration in waiting)
    return MigrationReport(names, len(files) - len(names))


def pending(url: str, folder: Path | None = None) -> tuple[str, ...]:
    """Return the names of the files that ``migrate`` would apply, without changing anything.

    Args:
        url: The database, as a ``postgresql://`` URL.
        folder: Where the files are; ``sql_folder()`` if not given.

    Raises:
        ConfigurationError: As ``migrate``, except for a file that fails.
        UnavailableError: The server does not answer.
    """
    target = _parse(url)
    files = _read_files(folder or sql_folder())
    with _sentence_for_lost_connection(target), closing(_connect(target)) as connection:
        waiting = _compare(files, _known_checksums(connection), target)
    return tuple(Path(migration.path).name for migration in waiting)


def grant_roles(url: str, logins: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Give the roles of ``sql/0015_roles.sql`` what they may, and logins the roles.

    Args:
        url: The database, as its owner.
        logins: Role by login, such as ``{"exits_app": "exit_pipeline_app"}``.

    Returns:
        The statements that only somebody else may run, such as ``CREATE ROLE ...``, where the
        owner may make no roles; nothing is granted to a role that is missing.

    Raises:
        ConfigurationError: The URL is malformed, or a login can't be given its role.
        UnavailableError: The server does not answer, or refuses.
    """
    target = _parse(url)
    with _sentence_for_lost_connection(target), closing(_connect(target)) as connection:
        missing = grant(connection)
        for login, role in (logins or {}).items():
            give(connection, login, role)
    return missing


def newest(folder: Path | None = None) -> str:
    """The name of the newest migration of this program, such as ``0013_replays``.

    Raises:
        ConfigurationError: The folder or one of its files is not as it must be.
    """
    return max(str(migration.id) for migration in _read_files(folder or sql_folder()))


def _parse(url: str) -> _Target:
    parts = read_url(url)
    place = say_place(parts)
    database = parts.pop("dbname", "")
    parts.setdefault("connect_timeout", "10")
    # All in the query: yoyo and the driver cut the other form in different places.
    address = f"postgresql:///{quote(database, safe='')}?{urlencode(parts, quote_via=quote)}"
    return _Target(address, place)


def _read_files(folder: Path) -> list[Any]:
    found = yoyo.read_migrations(escape(str(folder)))
    files = [migration for migration in found if migration.is_raw_sql()]
    if not files:
        message = f"The folder {folder} holds no SQL files."
        raise ConfigurationError(message)
    for migration in files:
        if _NUMBERED.fullmatch(migration.id) is None:
            message = f"The file {migration.id}.sql in {folder} is not named like 0001_name.sql."
            raise ConfigurationError(message)
        if _ENDS_A_TRANSACTION.search(Path(migration.path).read_text(encoding="utf-8")):
            message = (
                f"The file {migration.id}.sql begins or ends a transaction, though each file runs"
                " in one of its own."
            )
            raise ConfigurationError(message)
    try:
        ordered = list(yoyo.migrations.topological_sort(files))
    except BadMigration as error:
        message = f"The SQL files in {folder} depend on a file that is missing or on each other."
        raise ConfigurationError(message) from error
    for migration in ordered:
        if not migration.use_transactions:
            message = f"The file {migration.id}.sql asks to run outside a transaction."
            raise ConfigurationError(message)
    return ordered


def _known_checksums(connection: Any) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('exit_pipeline_migrations') IS NULL")
        if cursor.fetchone()[0]:
            return {}
        cursor.execute("SELECT name, sha256 FROM exit_pipeline_migrations")
        return dict(cursor.fetchall())


def _compare(files: list[Any], known: dict[str, str], target: _Target) -> list[Any]:
    unknown = sorted(known.keys() - {migration.id for migration in files})
    if unknown:
        message = (
            f"This program is older than the database {target.name}, which has the migration"
            f" {unknown[-1]} that this program does not know."
        )
        raise ConfigurationError(message)
    for migration in files:
        if known.get(migration.id, _checksum(migration)) != _checksum(migration):
            message = (
                f"The file {migration.id}.sql was edited after the database {target.name} applied"
                " it: restore it and put the change into a new file."
            )
            raise ConfigurationError(message)
    return [migration for migration in files if migration.id not in known]


def _checksum(migration: Any) -> str:
    # A checkout on another system may have other line ends; that is not an edit.
    content = Path(migration.path).read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(content).hexdigest()


def _apply(backend: Any, migration: Any) -> None:
    # A connection of its own, so that no SET of one file reaches the next. The notes come first for
    # the same reason: they find their tables whatever the file does to the search path.
    try:
        with backend.copy() as fresh, fresh.transaction():
            fresh.unmark_one(migration, log=False)
            fresh.mark_one(migration, log=False)
            fresh.execute(
                "INSERT INTO exit_pipeline_migrations (name, sha256) VALUES (:name, :sha256)",
                {"name": migration.id, "sha256": _checksum(migration)},
            )
            with redirect_stdout(io.StringIO()):  # yoyo prints the rows of every SELECT
                migration.process_steps(fresh, "apply")
    except psycopg2.Error as error:
        if error.pgcode is None:
            raise  # not the file's fault: the connection was lost
        message = (
            f"The file {migration.id}.sql failed, and nothing of it was applied:"
            f" {reason_of(error)}."
        )
        raise ConfigurationError(message) from error


@contextmanager
def _lock(target: _Target) -> Iterator[None]:
    # Held by an open transaction and not by the session: behind a pooler, as hosted servers have
    # one, a session's lock would stay with a connection that goes to somebody else.
    with closing(_connect(target)) as connection, connection.cursor() as cursor:
        try:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            cursor.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        except psycopg2.Error as error:
            message = (
                f"Another program is migrating the database {target.name}, or it stopped"
                f" answering: {reason_of(error)}."
            )
            raise UnavailableError(message) from error
        yield


def _connect(target: _Target) -> Any:
    try:
        return psycopg2.connect(target.address)
    except psycopg2.Error as error:
        password = read_url(target.address).get("password", "")
        reason = reason_of(error)
        if password and password in reason:
            reason = "the server cannot be reached"
        message = f"The database {target.name} did not accept the connection: {reason}."
        raise UnavailableError(message) from None


@contextmanager
def _sentence_for_lost_connection(target: _Target) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        message = f"The database {target.name} refused: {reason_of(error)}."
        raise UnavailableError(message) from error
