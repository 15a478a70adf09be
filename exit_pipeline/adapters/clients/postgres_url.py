"""The URL of a PostgreSQL database, read without ever repeating a secret."""

import re
from typing import Final

import psycopg2
from psycopg2.extensions import parse_dsn

from exit_pipeline.core.model.errors import ConfigurationError

_SCHEME: Final = re.compile(r"(?:postgres|postgresql|postgresql\+psycopg2)://")


def read_url(url: str) -> dict[str, str]:
    """Read the parts of a URL by libpq's names, such as ``host``, ``port``, ``dbname``.

    Args:
        url: ``postgresql://``, ``postgres://`` or ``postgresql+psycopg2://``.

    Raises:
        ConfigurationError: The URL is malformed. No part of it is in the sentence: a password with
            an unescaped @ or / is cut in the wrong place, and a part of it becomes a host, a port
            or a database name.
    """
    malformed = ConfigurationError(
        "The database URL is malformed: write postgresql://user:password@host:port/database,"
        " with the special characters of the password percent-encoded."
    )
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise malformed
    try:
        parts = parse_dsn("postgresql://" + url[scheme.end() :])
    except psycopg2.Error:
        raise malformed from None  # the driver's text may quote the password
    host, port, database = (parts.get(name, "") for name in ("host", "port", "dbname"))
    misplaced = ("@" in host and not host.startswith("/")) or re.search("[@/]", database)
    if misplaced or not re.fullmatch(r"[\d,]*", port):
        raise malformed
    return dict(parts)


def say_place(parts: dict[str, str]) -> str:
    """Name the database and the server of a URL's parts, for a sentence.

    Example: ``"exits" on db.example.com:5432``.
    """
    host, database = parts.get("host", ""), parts.get("dbname") or parts.get("user", "")
    is_local = not host or host.startswith("/")
    place = "the local socket" if is_local else f"{host}:{parts.get('port') or 5432}"
    return f'"{database}" on {place}'
