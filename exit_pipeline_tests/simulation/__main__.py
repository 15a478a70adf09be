"""``python -m exit_pipeline_tests.simulation``: many seeds, or one of them again."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from exit_pipeline_tests.simulation.database import SimDatabase
from exit_pipeline_tests.simulation.report import Report
from exit_pipeline_tests.simulation.shrink import shrink
from exit_pipeline_tests.simulation.simulator import Outcome, simulate
from exit_pipeline_tests.simulation.workers import one_database, simulate_all

_HISTORIES = Path(".exit_pipeline") / "simulation"
_SHOWN_LINES = 40
_EXPLAINED = 3
"""So many failed seeds are shrunk; the others are named."""

console = Console()


@click.command(help=__doc__)
@click.option("--seeds", default=100, show_default=True, help="How many.")
@click.option("--from", "first", type=int, help="The first; without it 1, or after the last kept.")
@click.option("--seed", type=int, help="Only this one, with its history.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
@click.option("--ladders", "climbs", is_flag=True, help="Exits go up ladders inside their ticks.")
@click.option("--json", "figures", type=click.Path(path_type=Path), help="Write the figures here.")
@click.option("--keep", type=click.Path(path_type=Path), help="Add to the figures kept here.")
def main(  # noqa: PLR0917 - one for each option
    seeds: int, first: int | None, seed: int | None, jobs: int, figures: Path | None,
    keep: Path | None, climbs: bool,
) -> None:  # fmt: skip
    # Ended by an exception, it still stops the server that it has started.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if seed is not None:
        sys.exit(_one(seed, climbs=climbs))
    report = Report()
    if keep and keep.exists():
        report = Report.from_json(json.loads(keep.read_text()))
    start = first if first is not None else report.last_seed + 1
    failed = _many(report, range(start, start + seeds), jobs, keep, climbs=climbs)
    report.show(console)
    if figures:
        report.save(figures)
    missing = report.coverage.missing()
    for sentence in missing:
        console.print(f"[red]{sentence}")
    _explain(failed, climbs=climbs)
    sys.exit(1 if report.failed or missing else 0)


def _many(
    report: Report, seeds: range, jobs: int, keep: Path | None, *, climbs: bool
) -> list[Outcome]:
    failed = []
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress("simulating", *columns, "{task.description}", console=console) as progress:
        task = progress.add_task("", total=len(seeds))
        for done, outcome in enumerate(simulate_all(seeds, jobs, climbs=climbs), start=1):
            report.add(outcome)
            if outcome.violations:
                failed.append(outcome)
            note = f"[red]{len(report.failed)} failed" if report.failed else ""
            progress.update(task, advance=1, description=note)
            if keep and (done % 20 == 0 or done == len(seeds)):
                report.save(keep)
    return sorted(failed, key=lambda one: one.seed)


def _one(seed: int, *, climbs: bool) -> int:
    with one_database() as database:
        outcome = simulate(seed, database, climbs=climbs)
        console.print("\n".join(outcome.lines), markup=False, highlight=False)
        if outcome.violations:
            _explain_one(outcome, database, climbs=climbs)
    return 1 if outcome.violations else 0


def _explain(failed: list[Outcome], *, climbs: bool) -> None:
    if not failed:
        return
    console.print(f"failed: {', '.join(str(one.seed) for one in failed)}")
    with one_database() as database:
        for outcome in failed[:_EXPLAINED]:
            _explain_one(outcome, database, climbs=climbs)


def _explain_one(outcome: Outcome, database: SimDatabase, *, climbs: bool) -> None:
    """Seed, commit, the faults that it takes, and where the history is."""
    wanted = {one.invariant for one in outcome.violations}

    def fails(only: object) -> bool:
        again = simulate(outcome.seed, database, only=only, climbs=climbs)  # type: ignore[arg-type]
        return bool(wanted & {one.invariant for one in again.violations})

    needed = shrink([one.index for one in outcome.struck], fails)
    kept = _HISTORIES / f"seed-{outcome.seed}.txt"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text("\n".join([*outcome.lines, ""]))
    console.rule(f"seed {outcome.seed} ({outcome.broker}), commit {_commit()}")
    for violation in outcome.violations:
        console.print(f"[red]{violation}", highlight=False)
    console.print("it takes these faults:" if needed else "it takes no fault at all")
    for planned in outcome.struck:
        if planned.index in needed:
            console.print(f"  {planned}", markup=False, highlight=False)
    console.print("\n".join(_around(outcome)), markup=False, highlight=False)
    console.print(f"whole history: {kept}; again: make sim SEED={outcome.seed}")


def _around(outcome: Outcome) -> list[str]:
    """The lines before the first violation."""
    lines = outcome.lines
    at = next((number for number, line in enumerate(lines) if "VIOLATED" in line), len(lines) - 1)
    return list(lines[max(at - _SHOWN_LINES, 0) : at + 1])


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
