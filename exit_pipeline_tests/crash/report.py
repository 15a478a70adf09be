"""The figures of a crash matrix: points, runs, violations, and what a crash costs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from exit_pipeline_tests.crash.lab import Outcome
from exit_pipeline_tests.crash.points import POINTS


def summarize(
    told: Sequence[Outcome], killed: Sequence[Outcome], twice: Sequence[Outcome]
) -> dict[str, Any]:
    """The figures of all runs; `recovery_ticks` are those that the kills cost."""
    costs: dict[str, list[int]] = defaultdict(list)
    wrongs: Counter[str] = Counter()
    for outcome in (*killed, *twice):
        for point in set(outcome.killed):
            costs[point].append(outcome.cost)
            wrongs[point] += len(outcome.wrongs)
    ticks = sum(outcome.ticks for outcome in (*told, *killed, *twice))
    everything = [outcome.cost for outcome in (*killed, *twice) if outcome.killed]
    return {
        "stories": len(told),
        "runs": len(killed) + len(twice),
        "kills": sum(len(outcome.killed) for outcome in (*killed, *twice)),
        "pairs": sum(len(outcome.killed) > 1 for outcome in twice),
        "ticks": ticks,
        "violations": sum(len(outcome.wrongs) for outcome in (*told, *killed, *twice)),
        "wrongs": [f"{o.case}: {wrong}" for o in (*told, *killed, *twice) for wrong in o.wrongs],
        "recovery_ticks": _spread(everything),
        "points": {
            point: {"runs": len(costs[point]), "violations": wrongs[point]}
            | {"recovery_ticks": _spread(costs[point])}
            for point in POINTS
        },
    }


def _spread(costs: Sequence[int]) -> dict[str, float]:
    if len(costs) < 2:
        return {"p50": max(costs, default=0), "p95": max(costs, default=0)}
    cuts = quantiles(costs, n=20, method="inclusive")
    return {"p50": cuts[9], "p95": cuts[18]}


def _rows(figures: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for point, one in figures["points"].items():
        spread = one["recovery_ticks"]
        counts = (one["runs"], one["violations"], spread["p50"], spread["p95"])
        yield (point, *(f"{count:g}" for count in counts))


def show(figures: dict[str, Any], console: Console) -> None:
    """Print them."""
    table = Table("point", title="Killed at")
    for heading in ("runs", "violations", "recovery p50", "p95"):
        table.add_column(heading, justify="right")
    for row in _rows(figures):
        table.add_row(*row)
    spread = figures["recovery_ticks"]
    console.print(table)
    console.print(
        f"{figures['runs']} runs of {figures['stories']} stories, {figures['kills']} kills at "
        f"{len(figures['points'])} points, {figures['pairs']} of them in pairs, "
        f"{figures['ticks']} ticks: {figures['violations']} violations; what a crash costs, "
        f"in ticks: p50 {spread['p50']:g}, p95 {spread['p95']:g}"
    )
