"""Commands about policies: what there is, what one says, whether it can be used, what differs."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from exit_pipeline.cli.abilities import abilities_of
from exit_pipeline.cli.show import as_json, console
from exit_pipeline.core.engine.policy_lines import (
    OFF,
    PolicyLine,
    policy_differences,
    policy_lines,
)
from exit_pipeline.core.engine.policy_text import combine_policies, named_policy
from exit_pipeline.core.engine.watched import watched_here
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.policy_layer import DEFAULT, EXIT_RULES, PolicyLibrary
from exit_pipeline.policies import load_policies, with_policy_file
from exit_pipeline.settings import Settings


@click.group()
def policy() -> None:
    """List, show, check and compare policies.

    A policy is a NAME (see `policy list`), a TEXT such as "long_premium, stop_loss.percent=25", or
    a FILE whose name ends with .yaml.
    """


@policy.command("list")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def list_(to_json: bool) -> None:
    """List the named policies, shipped ones and those of EXIT_POLICIES."""
    library = load_policies(Settings.from_env().policies)
    if to_json:
        as_json({name: _facts(name, library) for name in library})
        return
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for name in ("based on", "file", "description"):
        table.add_column(name, overflow="fold")
    for name, layer in library.items():
        said = f"[bold red]can't be used:[/bold red] {escape(layer.fault)}"
        told = said if layer.fault else escape(layer.description)
        table.add_row(name, layer.based_on or "", escape(layer.source), told)
    console().print(table)


def _facts(name: str, library: PolicyLibrary) -> dict[str, str | None]:
    layer = library[name]
    return {
        "based_on": layer.based_on,
        "file": layer.source,
        "description": layer.description,
        "fault": layer.fault or None,
    }


@policy.command("show")
@click.argument("text", default=DEFAULT, metavar="[NAME|TEXT|FILE]")
@click.option("--broker", default=None, help="Also say what this broker can't do for it.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def show_(text: str, broker: str | None, to_json: bool) -> None:
    """Show every rule of a policy, each threshold, and who stated it."""
    library, (text,) = take_policies(text)
    found = combine_policies({"text": text}, library)
    ground = library[named_policy(text)]
    told = watched_here(found, broker, abilities_of(broker)) if broker else []
    if to_json:
        as_json({
            "policy": found.name,
            "hash": found.hash,
            "description": ground.description,
            "lines": [asdict(line) for line in policy_lines(found)],
            "watched": told,
        })  # fmt: skip
        return
    out = console()
    out.print(f"[bold]{escape(found.name)}[/bold]", highlight=False, soft_wrap=True)
    out.print(escape(ground.description), highlight=False)
    out.print(_table(policy_lines(found)))
    for sentence in told:
        out.print(f"[yellow]·[/yellow] {escape(sentence)}", highlight=False, soft_wrap=True)


@policy.command("check")
@click.argument("texts", nargs=-1, required=True, metavar="NAME|TEXT|FILE...")
def check_(texts: tuple[str, ...]) -> None:
    """Say of each policy that it is ok, or what is wrong with it; exits 1 if anything is."""
    library, names = take_policies(*texts)
    good = [_check(shown, text, library) for shown, text in zip(texts, names, strict=True)]
    if not all(good):
        raise SystemExit(1)


def _check(shown: str, text: str, library: PolicyLibrary) -> bool:
    try:
        found = combine_policies({"text": text}, library)
    except InputError as error:
        click.echo(f"WRONG  {error}")
        return False
    click.echo(f"ok     {shown}: {found.name}")
    return True


@policy.command("diff")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def diff_(first: str, second: str, to_json: bool) -> None:
    """Show what two policies have differently, rule by rule and threshold by threshold."""
    library, texts = take_policies(first, second)
    ours, theirs = (combine_policies({"text": text}, library) for text in texts)
    found = policy_differences(ours, theirs)
    if to_json:
        as_json(found)
    elif not found:
        click.echo("They are the same.")
    else:
        table = Table(header_style="bold", pad_edge=False)
        for name in ("rule or threshold", first, second):
            table.add_column(escape(name), overflow="fold")
        for one in found:
            table.add_row(one.key, one.first, one.second)
        console().print(table)


def take_policies(*texts: str) -> tuple[PolicyLibrary, list[str]]:
    """A library that knows all of the texts, and the texts with files by their policies' names."""
    settings = Settings.from_env()
    library = load_policies(settings.policies)
    names = []
    for text in texts:
        is_file = text.endswith(".yaml") and "=" not in text
        library = with_policy_file(Path(text), library) if is_file else library
        names.append(Path(text).stem if is_file else text)
    if EXIT_RULES in map(named_policy, names):
        from exit_pipeline.defs.resources import open_database
        from exit_pipeline.services.exit_rules import with_exit_rules

        library = with_exit_rules(
            library, database=open_database(settings), environment=settings.broker_env
        )
    return library, names


def _table(lines: Sequence[PolicyLine]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in ("rule", "threshold", "value", "from"):
        table.add_column(name, no_wrap=True)
    table.add_column("meaning")
    for line in lines:
        style = "dim" if line.value == OFF else "" if line.threshold else "bold"
        rule = "" if line.threshold and line.section not in ("quotes", "prices") else line.section
        cells = (rule, line.threshold, line.value, line.origin, line.description)
        table.add_row(*map(escape, cells), style=style)
    return table
