"""Commands that show the past under other policies: replay what-if, replay shadow."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from exit_pipeline.cli.policy import take_policies
from exit_pipeline.cli.read_day import read_day
from exit_pipeline.cli.show import as_json
from exit_pipeline.cli.what_if_show import print_report
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.replay.lots import FEE
from exit_pipeline.services.compare_shadows import compare_shadows
from exit_pipeline.services.what_if import what_if as try_policies
from exit_pipeline.services.what_if_facts import facts_of, rows_of
from exit_pipeline.services.what_if_report import WhatIfReport
from exit_pipeline.services.what_if_request import CHUNK, RECORDED, SEED, WhatIfRequest
from exit_pipeline.settings import Settings

C = TypeVar("C", bound=Callable[..., Any])

FILE: Final = click.Path(path_type=Path, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False)

_SHOWN: Final = 20

_COMMON: Final = (
    click.option("--from", "first", required=True, help="First trading day, YYYY-MM-DD."),
    click.option("--to", "last", required=True, help="Last trading day, itself included."),
    click.option("--environment", help="Only of paper, live, tape or simulated."),
    click.option("--mode", help="Only of this mode: live, or a source such as recorded."),
    click.option("--dry-runs", "dry_run", is_flag=True, help="Of dry runs instead."),
    click.option("--fee", default=str(FEE), show_default=True, help="Dollars to close a contract."),
    click.option("--seed", type=int, default=SEED, show_default=True, help="Of the resampling."),
    click.option("--chunk", type=int, default=CHUNK, show_default=True,
                 help="Decisions in memory."),
    click.option("--show", "shown", type=int, default=_SHOWN, show_default=True,
                 help="Positions to show of each policy."),
    click.option("--json", "to_json", is_flag=True, help="Print JSON."),
    click.option("--parquet", type=FILE, help="Write a row for each policy and position."),
    click.option("--html", type=FILE, help="Write a report that is one file."),
)  # fmt: skip


def _common(command: C) -> C:
    for option in reversed(_COMMON):
        command = option(command)
    return command


@click.command("what-if")
@click.option("--policy", "policies", multiple=True, help="A NAME, TEXT or FILE; again for others.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    help="Such as stop_loss.percent=25, over each policy or each position's own.",
)
@click.option(
    "--grid",
    "grids",
    multiple=True,
    help="Such as stop_loss.percent=15,20,25; again for others: each combination.",
)
@click.option("--compare-to", default=RECORDED, show_default=True, help="Another policy.")
@click.option("--tape", type=FOLDER, help="Prices beyond the recorded ones.")
@_common
def what_if(
    policies: Sequence[str],
    grids: Sequence[str],
    compare_to: str,
    tape: Path | None,
    **asked: Any,
) -> None:
    """Try policies on the recorded past: which exits move, to when, why, and what that brings.

    Nothing is sent and nothing is recorded.
    """
    from exit_pipeline.defs.resources import make_calendar, open_database, open_tape

    is_recorded = compare_to == RECORDED
    library, names = take_policies(*policies, *(() if is_recorded else (compare_to,)))
    request, outputs = _read(
        asked,
        policies=names[: len(policies)],
        compare_to=RECORDED if is_recorded else names[-1],
        grid=_read_grids(grids),
    )
    with _progress(visible=not outputs["to_json"]) as progress:
        report = try_policies(
            request,
            database=open_database(Settings.from_env()),
            calendar=make_calendar(),
            library=library,
            tape=open_tape(tape) if tape else None,
            progress=progress,
        )
    _put_out(report, outputs)


@click.command()
@click.option("--policy", "policies", multiple=True, help="The name of one; again for others.")
@_common
def shadow(policies: Sequence[str], **asked: Any) -> None:
    """Compare what shadow policies decided at past ticks with what was done."""
    from exit_pipeline.defs.resources import make_calendar, open_database

    request, outputs = _read(asked, policies=policies)
    with _progress(visible=not outputs["to_json"]) as progress:
        report = compare_shadows(
            request,
            database=open_database(Settings.from_env()),
            calendar=make_calendar(),
            progress=progress,
        )
    _put_out(report, outputs)


def _read(asked: dict[str, Any], **policies: Any) -> tuple[WhatIfRequest, dict[str, Any]]:
    """The request, and where the report goes."""
    outputs = {name: asked.pop(name) for name in ("to_json", "parquet", "html", "shown")}
    if outputs["shown"] < 0:
        message = f"show is {outputs['shown']}; expected 0 or more positions"
        raise InputError(message)
    asked["first"] = read_day("--from", asked["first"])
    asked["last"] = read_day("--to", asked["last"])
    asked["fee"] = _dollars(asked["fee"])
    return WhatIfRequest(**asked, **policies), outputs


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        message = f"--fee is {text!r}; expected dollars such as {FEE}"
        raise InputError(message) from error


def _read_grids(texts: Sequence[str]) -> Mapping[str, Sequence[str]]:
    grid: dict[str, list[str]] = {}
    for text in texts:
        key, sign, values = (part.strip() for part in text.partition("="))
        if not key or not sign:
            message = (
                f"--grid is {text!r}; expected SECTION.THRESHOLD=VALUE,VALUE, such as "
                "stop_loss.percent=15,20,25"
            )
            raise InputError(message)
        grid.setdefault(key, []).extend(value.strip() for value in values.split(","))
    return grid


@contextmanager
def _progress(*, visible: bool) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("decisions"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, disable=not visible, transient=True) as progress:
        task = progress.add_task("replay", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _put_out(report: WhatIfReport, outputs: Mapping[str, Any]) -> None:
    """Print the report, and write it where that is asked for."""
    if outputs["parquet"]:
        from exit_pipeline.adapters.clients.table_file import write_table

        write_table(outputs["parquet"], list(rows_of(report)))
    if outputs["html"]:
        from exit_pipeline.cli.what_if_page import page_of
        from exit_pipeline.pages.write import write_page

        write_page(outputs["html"], page_of(report))
    if outputs["to_json"]:
        as_json(facts_of(report))
    else:
        print_report(report, outputs["shown"])
        for name in ("parquet", "html"):
            if outputs[name]:
                click.echo(f"Written: {outputs[name]}")
