"""The command that proves that no record was changed."""

from datetime import datetime

import click

from exit_pipeline.cli.show import NEW_YORK, as_json
from exit_pipeline.settings import Settings

SHOWN = 20
"""Faults that are told one by one."""


@click.command("verify-chain")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Look only at links from this day on, New York time.",
)
@click.option("--anchor", metavar="NUMBER:HASH", help="A link that was printed and kept before.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def verify_chain(since: datetime | None, anchor: str | None, to_json: bool) -> None:
    """Prove that no decision, order event, fill or alert was changed; exits 1 where one was.

    Each run that ends adds one link to a chain of hashes, over the link before it and its own rows.
    Keep the last line elsewhere: with it nobody can take newer links off, or make all of them anew.
    """
    from exit_pipeline.defs.resources import open_database
    from exit_pipeline.services.audit_trail import verify_chain as verify

    at = since.replace(tzinfo=NEW_YORK) if since else None
    report = verify(open_database(Settings.from_env()), since=at, anchor=anchor)
    if to_json:
        as_json(report)
    else:
        for fault in report.faults[:SHOWN]:
            click.echo(fault.say())
        if len(report.faults) > SHOWN:
            click.echo(f"and {len(report.faults) - SHOWN} more")
        fits = "nothing was changed" if not report.faults else f"{len(report.faults)} don't fit"
        click.echo(f"{report.links} {'link' if report.links == 1 else 'links'}: {fits}")
        if report.last:
            click.echo(f"anchor {report.last.seq}:{report.last.link}")
    if report.faults:
        raise SystemExit(1)
