"""Commands about what is kept: migrate, db, doctor."""

import os
from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

import click

from exit_pipeline.cli.abilities import abilities_of
from exit_pipeline.cli.doctor_production import production_checks
from exit_pipeline.cli.doctor_security import security_checks
from exit_pipeline.cli.doubt import Doubt
from exit_pipeline.cli.grant import grant, grant_to
from exit_pipeline.cli.show import NEW_YORK
from exit_pipeline.core.engine.policy_text import combine_policies
from exit_pipeline.core.engine.watched import watched_here
from exit_pipeline.core.model.account import mask_account
from exit_pipeline.core.model.errors import (
    ConfigurationError,
    ExitPipelineError,
    InputError,
    UnavailableError,
)
from exit_pipeline.core.model.notice import NotifierRecord
from exit_pipeline.policies import load_policies, refuse_faults, shipped_policies
from exit_pipeline.ports import Broker, TakesDeposits
from exit_pipeline.services.check_policy import check_policy
from exit_pipeline.settings import NotifySettings, Settings


@click.command()
def migrate() -> None:
    """Bring the database's schema up to date."""
    from exit_pipeline.adapters.clients.migrations import migrate as apply
    from exit_pipeline.defs.resources import database_url

    report = apply(database_url(Settings.from_env()))
    for name in report.applied:
        click.echo(f"applied {name}")
    if not report.applied:
        click.echo(f"nothing to apply: all {report.already_applied} migrations are in place")
    grant_to({})


@click.group()
def db() -> None:
    """About the database."""


db.add_command(grant)


@db.command()
def url() -> None:
    """Print the database's URL, for psql and other programs.

    The embedded server runs while some process of exit-pipeline does, such as `exit-pipeline ui`.
    """
    from exit_pipeline.defs.resources import database_url

    click.echo(database_url(Settings.from_env()))


_NEEDS: Final = {
    "broker clock": "broker",
    "watched here": "broker",
    "schema": "database",
    "role": "database",
    "clock": "database",
    "audit trail": "database",
    "daemon": "dagster",
}
"""Checks that say nothing where another one failed."""


@click.command()
def doctor() -> None:
    """Build every configured part and say how it stands; exits 1 if anything fails.

    One line for each: ok, warn where it works and had better be changed, or fail.
    """
    settings = Settings.from_env()
    checks: dict[str, Callable[[], str]] = {
        "database": lambda: _database(settings),
        "calendar": _calendar,
        "market data": lambda: _resource(settings, "market_data"),
        "broker": lambda: _resource(settings, "broker"),
        "broker clock": lambda: _broker_clock(settings),
        "policies": lambda: _policies(settings),
        "shadows": lambda: _shadows(settings),
        "watched here": lambda: _watched_here(settings),
        "notifiers": lambda: _notifiers(settings),
        "dagster": _dagster,
        "schedule": lambda: _schedule(settings),
        **production_checks(settings),
        **security_checks(settings),
    }
    results: dict[str, bool] = {}
    for name, check in checks.items():
        # A part that failed has been told already, and nothing more can be said of it.
        if results.get(_NEEDS.get(name, ""), True):
            results[name] = _check(name, check)
    if not all(results.values()):
        raise SystemExit(1)


def _check(name: str, check: Callable[[], str]) -> bool:
    try:
        found = check()
    except ExitPipelineError as error:
        click.echo(f"fail  {name:12} {error}")
        return False
    click.echo(f"{'warn' if isinstance(found, Doubt) else 'ok  '}  {name:12} {found}")
    return True


def _database(settings: Settings) -> str:
    from exit_pipeline.defs.resources import open_database

    open_database(settings).installation_id()
    where = "DATABASE_URL" if settings.database_url else f"embedded in {settings.home}"
    return f"reachable, schema up to date ({where})"


def _calendar() -> str:
    from exit_pipeline.defs.resources import make_calendar

    calendar = make_calendar()
    last = calendar.session_on_or_before(date(2015, 12, 24))
    return f"{calendar.name}, closes {last.closes_at.astimezone(NEW_YORK):%H:%M} on {last.day}"


def _resource(settings: Settings, key: str) -> str:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources

    # By itself, so that another part's fault is not told as this one's.
    with built({key: resources(settings)[key]}) as parts:
        part = getattr(parts, key)
        if key == "broker":
            return f"{part.name}, environment {part.environment}{_accounts(part)}"
        return f"{part.source}{'' if part.is_live else ', not the real market of now'}"


def _accounts(broker: Broker) -> str:
    """The accounts that a vendor's broker says are ours; the paper broker takes any name."""
    if isinstance(broker, TakesDeposits):
        return ""
    return f", account {' and '.join(map(mask_account, broker.accounts()))}"


def _broker_clock(settings: Settings) -> str:
    from exit_pipeline.defs.launch import built
    from exit_pipeline.defs.resources import resources
    from exit_pipeline.ports import TellsTime
    from exit_pipeline.services.broker_clock import check_broker_clock

    shells = resources(settings)
    with built({key: shells[key] for key in ("broker", "calendar", "clock")}) as parts:
        if not isinstance(parts.broker, TellsTime):
            return f"{parts.broker.name} goes by this machine's clock"
        found = check_broker_clock(parts.broker, calendar=parts.calendar, clock=parts.clock)
    if not found.may_send:
        raise UnavailableError(found.said)
    return found.said


def _policies(settings: Settings) -> str:
    library = load_policies(settings.policies)
    refuse_faults(library)
    return ", ".join(library)


def _shadows(settings: Settings) -> str:
    library = load_policies(settings.policies)
    for name, text in settings.shadow_policies.items():
        try:
            check_policy(text, library)
        except InputError as error:
            message = f"EXIT_SHADOW_POLICIES, {name}: {error}"
            raise ConfigurationError(message) from None
    return ", ".join(settings.shadow_policies) or "none"


def _watched_here(settings: Settings) -> str:
    default = combine_policies({}, shipped_policies())
    return "; ".join(watched_here(default, settings.broker, abilities_of(settings.broker)))


def _notifiers(settings: Settings) -> str:
    from exit_pipeline.defs.notifiers import around, build_notifier
    from exit_pipeline.services.notify import is_failing

    names = NotifySettings.from_env().names
    for name in names:
        build_notifier(name, around(os.environ))
    failing = [
        f"{one.notifier} failed {one.attempts} times in a row: {one.last_error}"
        for one in _notifier_records(settings)
        if one.notifier in names and is_failing(one)
    ]
    if failing:
        raise UnavailableError("; ".join(failing))
    return f"{', '.join(names)}; try them: exit-pipeline notify --test"


def _notifier_records(settings: Settings) -> Sequence[NotifierRecord]:
    """How notifiers did; none where the database can't tell, which is its own line."""
    from exit_pipeline.defs.resources import open_database

    try:
        return open_database(settings).notifications.notifiers()
    except (UnavailableError, ConfigurationError):
        return []


def _dagster() -> str:
    from exit_pipeline.defs.launch import instance

    with instance() as found:
        is_kept, home = not found.is_ephemeral, os.environ.get("DAGSTER_HOME", "not set")
    if is_kept:
        return f"storage Postgres, DAGSTER_HOME {home}"
    return Doubt(f"storage keeps nothing: no dagster.yaml here, DAGSTER_HOME {home}")


def _schedule(settings: Settings) -> str:
    from exit_pipeline.definitions import make_definitions

    make_definitions(settings)
    if not settings.worker_enabled:
        return "off: EXIT_WORKER_ENABLED is false"
    if settings.worker_interval_seconds:
        return f"every {settings.worker_interval_seconds} seconds"
    return f"{settings.worker_cron} in New York time"
