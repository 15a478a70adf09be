"""The command that gives logins no more than they need."""

from collections.abc import Mapping

import click

from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.settings import Settings

APP, READ = "exit_pipeline_app", "exit_pipeline_read"


@click.command()
@click.option("--app", metavar="LOGIN", help="Login that the program connects with.")
@click.option("--read", metavar="LOGIN", help="Login of a person or a dashboard.")
def grant(app: str | None, read: str | None) -> None:
    """Give logins of the database no more than they need.

    Run it as the owner, the login that migrates. The program's login reads everything and writes
    what it has to: it can change neither the schema nor a record such as a decision or a fill. The
    other one only reads.
    """
    if not (app or read):
        message = "nothing is to be granted; give --app LOGIN, --read LOGIN, or both"
        raise ConfigurationError(message)
    logins = {login: role for login, role in ((app, APP), (read, READ)) if login}
    grant_to(logins)
    for login, role in logins.items():
        click.echo(f"granted {role} to {login}")


def grant_to(logins: Mapping[str, str]) -> None:
    """Bring the roles up to date and give them to logins, by login; say what is missing."""
    from exit_pipeline.adapters.clients.migrations import grant_roles
    from exit_pipeline.defs.resources import database_url

    missing = grant_roles(database_url(Settings.from_env()), logins)
    if missing:
        told = "; ".join(missing)
        click.echo(
            f"Not granted, since this login may not: have an administrator run: {told}; then run "
            "exit-pipeline migrate again.",
            err=True,
        )
