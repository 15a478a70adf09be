"""The command by which a person has positions closed."""

import click

from exit_pipeline.cli.person import who
from exit_pipeline.cli.show import NEW_YORK
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.services.ask_to_close import EXPIRES, Wish, ask_to_close, read_expiry
from exit_pipeline.settings import Settings

_MINUTES = str(int(EXPIRES.total_seconds() // 60))


@click.command("force-close")
@click.argument("position_ids", nargs=-1, required=True, metavar="ID...")
@click.option("--reason", default="", help="Why; required, kept with your name.")
@click.option(
    "--expires",
    default=_MINUTES,
    metavar="MINUTES",
    show_default=True,
    help="From then on no tick obeys it any more.",
)
def force_close(position_ids: tuple[str, ...], reason: str, expires: str) -> None:
    """Have open positions closed in full by the next tick, at any broker.

    Each stays due, and its order is worked, until it is closed or the request expires.
    """
    from exit_pipeline.defs.resources import make_calendar, make_clock, open_database

    database = open_database(Settings.from_env())
    wish = Wish(
        position_ids=position_ids,
        reason=reason,
        requested_by=who(),
        expires=read_expiry(expires),
    )
    requests = ask_to_close(wish, database=database, calendar=make_calendar(), clock=make_clock())
    for one in requests:
        until = one.expires_at.astimezone(NEW_YORK)
        click.echo(f"{one.position_id} is closed by the next tick, until {until:%Y-%m-%d %H:%M %Z}")
    control = database.control.read()
    if control.state is not TradingState.ACTIVE:
        click.echo(f"Nothing is sent before exit-pipeline resume: {control.say(NEW_YORK)}")
