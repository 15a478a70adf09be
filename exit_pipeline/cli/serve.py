"""The command that opens the HTTP service."""

import ipaddress

import click

from exit_pipeline.cli.ui import refuse_without_instance
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.settings import HttpSettings, Settings

LOOPBACK = "127.0.0.1"


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=None,
    help="By default PORT, else 8080; 0 takes any that is free.",
)
def serve(host: str, port: int | None) -> None:
    """Open the HTTP service: health, metrics, the exit job, halt and resume.

    API_AUTH_TOKEN is what callers must have. It speaks plain HTTP: beyond this machine put it
    behind something that speaks TLS.
    """
    http = HttpSettings.from_env()
    settings = Settings.from_env()
    refuse_without_instance()

    from exit_pipeline.web.app import make_app
    from exit_pipeline.web.desk import make_desk
    from exit_pipeline.web.server import listen, set_up_log
    from exit_pipeline.web.server import serve as answer

    set_up_log()
    desk = make_desk(settings)
    try:
        desk.database()
    except UnavailableError as error:
        # It may come back; until then GET /health says 503, which is what it is for.
        click.echo(f"{error}", err=True)
    with listen(host, http.port if port is None else port) as on:
        address, at = on.getsockname()[:2]
        shown = f"[{address}]" if ":" in address else address
        click.echo(f"exit-pipeline listens on http://{shown}:{at}  (Ctrl-C ends it)")
        if not ipaddress.ip_address(address).is_loopback:
            click.echo("Other machines can reach it, without TLS.", err=True)
        answer(make_app(desk, http.token), on)
