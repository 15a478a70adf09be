"""What is wrong with the URL of a database, and the one to use instead, without its password."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from exit_pipeline.adapters.clients.postgres_url import read_url

_NEON: Final = (".neon.tech", ".neon.build")
"""Ends of the hosts of Neon, a hosted PostgreSQL (its documentation, "Connect from any app")."""

_POOLER: Final = "-pooler"
"""What Neon appends to the first label of a host where its PgBouncer answers, in transaction mode:
sessions are shared, so that locks, settings and prepared statements of one are not its own."""

_ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})
"""The values of ``sslmode`` under which libpq never falls back to plain text (its documentation,
"SSL Mode Descriptions"); left out, it is ``prefer``, which does."""

_PLACE: Final = frozenset({"user", "password", "host", "port", "dbname"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlAdvice:
    """What to change in a URL.

    Attributes:
        faults: What is wrong, as parts of a sentence.
        instead: The URL to use, with ``***`` where the password is.
    """

    faults: tuple[str, ...]
    instead: str


def advise(url: str) -> UrlAdvice | None:
    """Look at the URL of a hosted database.

    Args:
        url: ``postgresql://``, ``postgres://`` or ``postgresql+psycopg2://``.

    Returns:
        What to change; None where there is nothing to say.

    Raises:
        ConfigurationError: The URL is malformed. No part of it is in the sentence.

    Example: ``postgresql://u:p@ep-a-1-pooler.eu.aws.neon.tech/db`` is answered with
    ``postgresql://u:***@ep-a-1.eu.aws.neon.tech/db?sslmode=require``.
    """
    parts = read_url(url)
    host = parts.get("host", "")
    if not host.lower().endswith(_NEON):
        return None
    label, dot, domain = host.partition(".")
    faults = []
    if label.lower().endswith(_POOLER):
        parts["host"] = label[: -len(_POOLER)] + dot + domain
        faults.append("its pooler shares one session among many, and our locks need one of ours")
    if parts.get("sslmode") not in _ENCRYPTED:
        parts["sslmode"] = "require"
        faults.append("without sslmode=require the password may travel in plain text")
    return UrlAdvice(faults=tuple(faults), instead=_show(parts)) if faults else None


def _show(parts: Mapping[str, str]) -> str:
    """A URL of the parts, whose secrets are masked."""
    user = quote(parts.get("user", ""), safe="")
    password = ":***" if parts.get("password") else ""
    port = f":{parts['port']}" if parts.get("port") else ""
    place = f"{user}{password}@{parts['host']}{port}"
    more = "&".join(
        f"{name}={'***' if 'pass' in name or 'key' in name else quote(value, safe='')}"
        for name, value in parts.items()
        if name not in _PLACE
    )
    return f"postgresql://{place}/{quote(parts.get('dbname', ''), safe='')}?{more}"
