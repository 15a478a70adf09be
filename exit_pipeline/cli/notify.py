"""The command that tells people of alerts once, or tries the ways to them."""

import logging
import os
from datetime import datetime

import click

from exit_pipeline.cli.person import who
from exit_pipeline.core.model.errors import ExitPipelineError
from exit_pipeline.core.model.notice import Notice, OpenAlert
from exit_pipeline.settings import NotifySettings, Settings


@click.command()
@click.option("--test", "is_test", is_flag=True, help="Send a test message through each instead.")
def notify(is_test: bool) -> None:
    """Tell people of alerts now, through the notifiers of EXIT_NOTIFY; exits 1 if any fails.

    The daemon of `exit-pipeline ui` does so every 30 seconds. Call it where no daemon runs, such as
    after each `exit-pipeline tick` of a cron of your own.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    settings = NotifySettings.from_env()
    is_good = _test(settings) if is_test else _tell()
    if not is_good:
        raise SystemExit(1)


def _test(settings: NotifySettings) -> bool:
    """Send a test message through each notifier; says whether all took it."""
    from exit_pipeline.defs.notifiers import around, build_notifier
    from exit_pipeline.defs.resources import make_clock

    notice = _test_notice(make_clock().now())
    is_good = True
    for name in settings.names:
        try:
            build_notifier(name, around(os.environ)).send(notice)
            click.echo(f"ok       {name}: took the test message")
        except ExitPipelineError as error:
            is_good = False
            click.echo(f"FAILED   {name}: {error}")
    return is_good


def _test_notice(at: datetime) -> Notice:
    alert = OpenAlert(
        id="test",
        severity="WARNING",
        cause="TEST",
        subject="exit-pipeline",
        message=f"{who()} tries whether this message arrives; nothing is wrong",
        raised_at=at,
    )
    name = f"test-{at:%Y%m%dT%H%M%S%f}"
    return Notice(id=name, severity="WARNING", cause="TEST", alerts=(alert,), at=at)


def _tell() -> bool:
    """Look for what no tick can tell, and send what is due; says whether all was taken."""
    from exit_pipeline.defs.notifiers import make_notifying
    from exit_pipeline.defs.resources import make_calendar, make_clock, open_database
    from exit_pipeline.services.look_out import look_out
    from exit_pipeline.services.notify import notify as tell

    database, clock = open_database(Settings.from_env()), make_clock()
    look_out(database, calendar=make_calendar(), at=clock.now())
    found = make_notifying(os.environ)
    tellings = tell(found.notifiers, database=database, clock=clock, pace=found.pace)
    for one in tellings:
        click.echo(one.sentence)
    return not any(one.failed for one in tellings)
