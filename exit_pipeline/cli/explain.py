"""The command that says why a decision was as it was, long after its tick."""

import math
from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from exit_pipeline.cli.show import NEW_YORK, as_json, console, trace_table
from exit_pipeline.core.engine.explain import RuleLine
from exit_pipeline.services.explain_decision import ExplainedDecision, explain_decision
from exit_pipeline.services.tick import parse_instant
from exit_pipeline.settings import Settings


@click.command()
@click.argument("position")
@click.option(
    "--at", default=None, help="The newest decision until then, ISO 8601 with a time zone."
)
@click.option("--shadow", default=None, help="Under this shadow policy instead of the real one.")
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def explain(position: str, at: str | None, shadow: str | None, to_json: bool) -> None:
    """Make a stored decision again, and show how far each rule was from firing.

    Exits 1 if what is made of the stored inputs now is not what was recorded.
    """
    from exit_pipeline.defs.resources import open_database

    found = explain_decision(
        position,
        database=open_database(Settings.from_env()),
        at=parse_instant("--at", at) if at else None,
        shadow=shadow,
    )
    if to_json:
        as_json(_facts(position, found))
    else:
        _print(position, found)
    if found.differences:
        raise SystemExit(1)


def _facts(position: str, found: ExplainedDecision) -> dict[str, Any]:
    kept = found.kept
    return {
        "position_id": position,
        "shadow": kept.shadow,
        "run_id": kept.run_id,
        "decided_at": kept.decided_at,
        "dry_run": kept.dry_run,
        "option_symbol": kept.option_symbol,
        "policy": found.policy.name,
        "policy_hash": kept.policy_hash,
        "recorded": kept.outcome,
        "differences": {
            name: {"recorded": recorded, "recomputed": made}
            for name, (recorded, made) in found.differences.items()
        },
        "code_version": {"recorded": kept.code_version, "recomputed": found.code_version},
        "sentences": found.sentences,
        "rules": [_plain(line) for line in found.lines],
        "inputs": kept.inputs,
    }


def _plain(line: RuleLine) -> dict[str, Any]:
    """A line in which what is not known is null, since JSON has no NaN."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(line).items()
    }


def _print(position: str, found: ExplainedDecision) -> None:
    kept, out = found.kept, console()
    decided_at = kept.decided_at.astimezone(NEW_YORK)
    action = kept.outcome["exit_action"] or kept.outcome["decision"]
    under = f"shadow policy {kept.shadow}" if kept.shadow else "policy"
    marks = ", dry run" if kept.dry_run else ""
    out.print(
        f"[bold]{escape(position)}[/bold]  "
        f"{escape(kept.option_symbol or 'contract not known')}  "
        f"{decided_at:%Y-%m-%d %H:%M:%S} New York{marks}  [bold]{action}[/bold]",
        highlight=False,
    )
    out.print(f"{under}: {found.policy.name}", highlight=False, markup=False, soft_wrap=True)
    out.print(" ".join(found.sentences), highlight=False, markup=False, soft_wrap=True)
    out.print(trace_table("every rule, the nearest first", found.lines))
    for name, (recorded, made) in found.differences.items():
        said = f"{name} was recorded as {_say(recorded)}, and is {_say(made)} now"
        out.print(f"[bold red]INCIDENT[/bold red] {escape(said)}", highlight=False, soft_wrap=True)
    if not found.differences:
        out.print("Made again from its stored inputs, it is what was recorded.")
    out.print(_versions(found), highlight=False, markup=False)


def _say(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _versions(found: ExplainedDecision) -> str:
    then, now = found.kept.code_version or "not known", found.code_version
    if then == now:
        return f"Decided and made again by version {now}."
    return f"Decided by version {then}, made again by version {now}."
