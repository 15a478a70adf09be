"""Whether what goes to a database can be read or changed on its way."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from exit_pipeline.adapters.clients.postgres_url import read_url

_ENCRYPTED: Final = frozenset({"require", "verify-ca", "verify-full"})
"""Values of ``sslmode`` under which libpq never falls back to plain text (its documentation, "SSL
Mode Descriptions"); with ``prefer``, its default, it does, as anybody in between can make it do."""

_PRIVATE_NAMES: Final = (
    ".internal", ".local", ".localdomain", ".lan", ".home.arpa", ".flycast", ".svc",
    ".svc.cluster.local",
)  # fmt: skip
"""Ends of names that no public name server answers for."""


class Reach(StrEnum):
    """How far a connection goes."""

    MACHINE = "this machine"
    NETWORK = "a private network"
    INTERNET = "the internet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How a connection to a database is protected.

    Attributes:
        host: The first of its hosts that is farthest away; empty for a local socket.
        reach: How far that is.
        mode: ``sslmode`` as libpq takes it, from the URL, else from ``PGSSLMODE``.
    """

    host: str
    reach: Reach
    mode: str

    @property
    def is_plain(self) -> bool:
        """Whether anything may leave this machine in plain text."""
        return self.reach is not Reach.MACHINE and self.mode not in _ENCRYPTED

    @property
    def must_not_be(self) -> bool:
        """Whether it may go through the internet in plain text."""
        return self.is_plain and self.reach is Reach.INTERNET

    def say(self) -> str:
        """One sentence, without any part of the URL but its host."""
        if self.reach is Reach.MACHINE:
            return "stays on this machine"
        where = f"{self.host} in {self.reach}" if self.reach is Reach.NETWORK else self.host
        if self.is_plain:
            return (
                f"goes to {where} with sslmode={self.mode}, by which passwords and orders may "
                "travel in plain text; expected sslmode=verify-full, or at least require"
            )
        if self.mode == "require":
            return f"goes to {where} encrypted; sslmode=verify-full would prove as well who answers"
        return f"goes to {where} encrypted, sslmode={self.mode}"


def tls_of(url: str, environ: Mapping[str, str]) -> Tls:
    """How a connection to the database of a URL is protected.

    Args:
        url: ``postgresql://``, ``postgres://`` or ``postgresql+psycopg2://``.
        environ: ``PGSSLMODE`` counts where the URL says nothing, as it does for libpq.

    Raises:
        ConfigurationError: The URL is malformed. No part of it is in the sentence.

    Example: ``postgresql://me@db.example.com/book`` goes to db.example.com, through the internet,
    with ``prefer``; ``postgresql:///book?host=/run/postgresql`` stays on this machine.
    """
    parts = read_url(url)
    hosts = (parts.get("hostaddr") or parts.get("host") or "").split(",")
    reaches = list(Reach)
    farthest = max(hosts, key=lambda host: reaches.index(_reach(host)))
    mode = parts.get("sslmode") or environ.get("PGSSLMODE") or ""
    if not mode:
        # The system's own certificates are for nothing else, and libpq then takes this mode.
        mode = "verify-full" if parts.get("sslrootcert") == "system" else "prefer"
    return Tls(host=farthest, reach=_reach(farthest), mode=mode)


def _reach(host: str) -> Reach:
    name = host.strip().lower().rstrip(".").strip("[]")
    if not name or name.startswith("/") or name == "localhost" or name.endswith(".localhost"):
        return Reach.MACHINE
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        # A name without a dot is one of a network's own, such as a service of a compose file.
        is_private = "." not in name or name.endswith(_PRIVATE_NAMES)
        return Reach.NETWORK if is_private else Reach.INTERNET
    if address.is_loopback:
        return Reach.MACHINE
    return Reach.INTERNET if address.is_global else Reach.NETWORK
