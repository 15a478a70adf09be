"""What the doctor asks about the safety of what is kept and of the way there."""

import os
from collections.abc import Callable, Mapping

from exit_pipeline.cli.doubt import Doubt
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.settings import Settings


def security_checks(settings: Settings) -> Mapping[str, Callable[[], str]]:
    """The checks by name; each says what it found, or raises what is wrong."""
    return {"TLS": lambda: _tls(settings), "audit trail": lambda: _audit_trail(settings)}


def _tls(settings: Settings) -> str:
    """Plain text is told of, and for live money refused, as it is when a tick begins."""
    from exit_pipeline.adapters.clients.postgres_tls import tls_of

    urls = {
        "DATABASE_URL": settings.database_url,
        "DAGSTER_POSTGRES_URL": settings.dagster_postgres_url,
    }
    found = {name: tls_of(url, os.environ) for name, url in urls.items() if url}
    told = "; ".join(f"{name} {tls.say()}" for name, tls in found.items())
    if any(tls.must_not_be for tls in found.values()) and settings.broker_env == "live":
        raise ConfigurationError(told)
    if any(tls.is_plain for tls in found.values()):
        return Doubt(told)
    return told or "the embedded database stays on this machine"


def _audit_trail(settings: Settings) -> str:
    from exit_pipeline.defs.resources import open_database

    last = open_database(settings).audit_trail.last_link()
    if last is None:
        return "no run has ended yet"
    return f"link {last.seq} is the last, of {last.made_at:%Y-%m-%d %H:%M} UTC; see verify-chain"
