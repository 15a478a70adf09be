"""The pool of connections to PostgreSQL, its transactions, and the sentences when one fails.

Every statement is SQLAlchemy ``text`` with parameters. Rows of a bulk write travel as one JSON
parameter that ``json_to_recordset`` unpacks, so a write is one statement whatever the number of
rows; numbers and times are written as text and read by the column's own type, without loss.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache, partial
from typing import Any, Final
from uuid import UUID

import psycopg2
from psycopg2.errors import InsufficientPrivilege, UndefinedColumn, UndefinedTable
from sqlalchemy import URL, Connection, CursorResult, Engine, TextClause, create_engine, text
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoFreeConnectionError

from exit_pipeline.adapters.clients.masked_writes import mask_writes
from exit_pipeline.adapters.clients.postgres_errors import reason_of
from exit_pipeline.adapters.clients.postgres_url import read_url, say_place
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError

_SESSION: Final = " ".join(
    f"-c {name}={value}"
    for name, value in {
        # A lock that is not free by then is somebody else's work: better a late tick than a queue.
        "lock_timeout": "2s",
        "statement_timeout": "30s",
        # A frozen process must not keep a position locked.
        "idle_in_transaction_session_timeout": "15s",
        # Times come back in UTC; a users' column without a zone is read as UTC.
        "timezone": "UTC",
    }.items()
)

_CONNECTION: Final[Mapping[str, str]] = {
    "application_name": "exit-pipeline",
    "connect_timeout": "10",
    # A dead peer is noticed after 30 + 3 x 10 seconds, well within a slot of five minutes.
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
"""What a connection has unless the URL says otherwise."""

_POOL_TIMEOUT_SECONDS: Final = 10
_MIGRATE: Final = "exit-pipeline migrate"
_GRANT: Final = "exit-pipeline db grant --app LOGIN"
_PUBLIC_PARTS: Final = frozenset({"host", "port", "user", "dbname"})


def make_engine(url: str) -> Engine:
    """A pool of connections to the database of a URL; nothing is connected before it is used.

    Waiting for a lock ends after 2 seconds, a statement after 30, an idle transaction after 15.

    Args:
        url: ``postgresql://``, ``postgres://`` or ``postgresql+psycopg2://``.

    Raises:
        ConfigurationError: The URL is malformed. No part of it is in the sentence.
    """
    mask_writes()
    parts = read_url(url)
    options = parts.pop("options", "")
    # The URL's own settings come last, where they win.
    settings = {**_CONNECTION, **parts, "options": f"{_SESSION} {options}".strip()}
    return create_engine(
        # Without the password, since an engine's URL is shown in many places.
        URL.create("postgresql+psycopg2", database=parts.get("dbname")),
        creator=partial(_connect, settings, _connect_failure(parts)),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_POOL_TIMEOUT_SECONDS,
    )


@cache
def shared_engine(url: str) -> Engine:
    """The one pool of this process for a URL: a day's ticks would otherwise connect anew for each.

    Raises:
        ConfigurationError: As for ``make_engine``.
    """
    return make_engine(url)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it is kept, or none.

    Raises:
        UnavailableError: The database did not answer, or not in time. Where that happened on the
            way out, what was done may or may not have been kept: read before doing it again.
        ConfigurationError: The database lacks a table or a column of this program, or the login
            may not do what was asked for.
    """
    with _answering(), engine.begin() as connection:
        yield connection


@contextmanager
def _answering() -> Iterator[None]:
    """Say in a sentence of ours that the database did not answer."""
    try:
        yield
    except (OperationalError, InterfaceError, InternalError) as error:
        message = f"The database did not answer: {_reason(error)}."
        raise UnavailableError(message) from error
    except (NoFreeConnectionError, DisconnectionError) as error:
        message = "The database did not answer: no connection became free."
        raise UnavailableError(message) from error
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            message = f"The database refused this login: {_reason(error)}; see: {_GRANT}."
        elif isinstance(error.orig, UndefinedTable | UndefinedColumn):
            message = f"The database lacks migrations ({_reason(error)}): run {_MIGRATE}."
        else:
            raise
        raise ConfigurationError(message) from error


@contextmanager
def session_lock(engine: Engine, name: str) -> Iterator[bool]:
    """Hold a named lock for as long as this process lives and stays in the context.

    It is tied to a connection of its own, so that the server frees it within milliseconds when the
    process dies, and never while the process is only frozen. A transaction pooler between (such as
    Neon's ``-pooler`` host) breaks that: connect to the server itself.

    Yields:
        False where somebody else holds it; then nothing is held here.

    Raises:
        UnavailableError: The database did not answer.
    """
    key = {"name": name}
    with _answering(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        statement = "SELECT pg_try_advisory_lock(hashtextextended(:name, 0))"
        is_mine = bool(session.execute(text(statement), key).scalar_one())
        try:
            yield is_mine
        finally:
            if is_mine:
                with suppress(DBAPIError):  # a connection that is gone holds nothing
                    session.execute(
                        text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))"), key
                    )


def run(connection: Connection, statement: str, **values: Any) -> CursorResult[Any]:
    """Execute one statement with its parameters by name."""
    return connection.execute(_parsed(statement), values)


@lru_cache(maxsize=512)
def _parsed(statement: str) -> TextClause:
    """A statement with its parameters found, which for a long one takes as long as a round trip."""
    return text(statement)


def as_json(value: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    """Write rows, or one value, as JSON that PostgreSQL reads back without loss.

    Raises:
        ValueError: A float is not finite; a value that is not known must be None.
        TypeError: A value has no JSON form.

    Example: ``as_json([{"bid": Decimal("1.05")}])`` is ``[{"bid": "1.05"}]``.
    """
    plain = value if isinstance(value, Mapping) else list(value)
    return json.dumps(plain, default=_plain, allow_nan=False, separators=(",", ":"))


def _plain(value: Any) -> str:
    if isinstance(value, Decimal | UUID):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    message = f"{type(value).__name__} has no column type"
    raise TypeError(message)


def _reason(error: DBAPIError) -> str:
    cause = error.orig
    return reason_of(cause) if isinstance(cause, psycopg2.Error) else type(cause).__name__


def _connect(settings: Mapping[str, str], failure: Callable[[str], UnavailableError]) -> Any:
    try:
        return psycopg2.connect(**settings)  # type: ignore[call-overload]
    except psycopg2.Error as error:
        raise failure(reason_of(error)) from None  # the driver's text may quote the URL


def _connect_failure(parts: dict[str, str]) -> Callable[[str], UnavailableError]:
    """What makes the error of a failed connection, without password and query of the URL."""
    secrets = [value for name, value in parts.items() if name not in _PUBLIC_PARTS and value]

    def failure(reason: str) -> UnavailableError:
        shown = "it cannot be reached" if any(one in reason for one in secrets) else reason
        return UnavailableError(f"The database {say_place(parts)} did not answer: {shown}.")

    return failure
