"""What the doctor asks of a place where money is at stake: URLs, roles, clocks, daemon, service."""

import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from exit_pipeline.cli.doubt import Doubt
from exit_pipeline.core.model.errors import ConfigurationError, UnavailableError
from exit_pipeline.settings import HttpSettings, Settings

SKEW_DOUBTED: Final = timedelta(seconds=2)
SKEW_REFUSED: Final = timedelta(seconds=60)
"""Of this machine's clock against the database's; the same as against the broker's."""

SILENCE: Final = timedelta(minutes=2)
"""After which the daemon counts as gone: four of its signs of life are missing."""

_MINUTE: Final = timedelta(minutes=1)


def production_checks(settings: Settings) -> Mapping[str, Callable[[], str]]:
    """The checks by name; each says what it found, or raises what is wrong."""
    return {
        "database URL": lambda: _url("DATABASE_URL", settings.database_url),
        "dagster URL": lambda: _url("DAGSTER_POSTGRES_URL", settings.dagster_postgres_url),
        "schema": lambda: _schema(settings),
        "role": lambda: _role(settings),
        "clock": lambda: _clock(settings),
        "daemon": _daemon,
        "http": _http,
    }


def _url(name: str, url: str | None) -> str:
    from exit_pipeline.adapters.clients.postgres_advice import advise

    if url is None:
        return f"{name} is not set"
    try:
        advice = advise(url)
    except ConfigurationError as error:
        message = f"{name}: {error}"
        raise ConfigurationError(message) from None
    if advice is None:
        return f"{name} needs no change"
    message = f"{name}: {'; '.join(advice.faults)}. Use instead: {advice.instead}"
    raise ConfigurationError(message)


def _schema(settings: Settings) -> str:
    from exit_pipeline.adapters.clients.migrations import pending
    from exit_pipeline.defs.resources import database_url, newest_migration

    # Opening the database would have brought an embedded one up to date, and refused another.
    if missing := pending(database_url(settings)):
        message = f"the database lacks {', '.join(missing)}; run: exit-pipeline migrate"
        raise ConfigurationError(message)
    return newest_migration()


def _role(settings: Settings) -> str:
    from exit_pipeline.adapters.clients.postgres_facts import server_facts
    from exit_pipeline.defs.resources import database_url

    facts = server_facts(database_url(settings))
    if facts.closed:
        message = (
            f"{facts.role} may not read and add to {', '.join(facts.closed)}; "
            "expected a role that a tick can write with"
        )
        raise ConfigurationError(message)
    said = f"{facts.role} on PostgreSQL {facts.version} may write what a tick writes"
    if facts.is_superuser and settings.database_url:
        return Doubt(f"{said}, and anything else: a superuser is more than a tick needs")
    return said


def _clock(settings: Settings) -> str:
    from exit_pipeline.adapters.clients.postgres_facts import server_facts
    from exit_pipeline.defs.resources import database_url, make_clock

    clock, url = make_clock(), database_url(settings)
    server_facts(url)  # so that connecting is no part of what is measured
    before = clock.now()
    at = server_facts(url).at
    after = clock.now()
    off = before - at if before > at else max(at - after, timedelta())
    said = f"this machine's and the database's are {off.total_seconds():.1f} seconds apart"
    if off > SKEW_REFUSED:
        message = f"{said}; set it by a time server"
        raise UnavailableError(message)
    return Doubt(f"{said}; set it by a time server") if off > SKEW_DOUBTED else said


def _daemon() -> str:
    from exit_pipeline.defs.daemon_age import daemon_age
    from exit_pipeline.defs.launch import instance
    from exit_pipeline.defs.resources import make_clock

    with instance() as on:
        if on.is_ephemeral:
            return Doubt("no instance is kept here, so no schedule runs")
        if not on.run_monitoring_enabled:
            return Doubt("run_monitoring is off in dagster.yaml: a dead run would block later ones")
        age = daemon_age(on, make_clock().now())
    if age is None or age > SILENCE:
        seen = (
            "never showed itself" if age is None else f"was last seen {age // _MINUTE} minutes ago"
        )
        return Doubt(f"Dagster's daemon {seen}: no tick comes until it runs")
    return f"seen {age.total_seconds():.0f} seconds ago"


def _http() -> str:
    if not os.environ.get("API_AUTH_TOKEN"):
        return "API_AUTH_TOKEN is not set: exit-pipeline serve would refuse to start"
    port = HttpSettings.from_env().port
    if not _is_taken(port):
        return f"the token is long enough; PORT {port} is free"
    if _is_ours(port):
        return f"the token is long enough; exit-pipeline serve answers on PORT {port}"
    return Doubt(f"the token is long enough; another program listens on PORT {port}")


def _is_taken(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _is_ours(port: int) -> bool:
    import httpx

    try:
        found = httpx.get(f"http://127.0.0.1:{port}/openapi.json", timeout=5, trust_env=False)
        return bool(found.json()["info"]["title"] == "exit-pipeline")
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
