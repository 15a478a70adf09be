"""The table of mutants: which seed found each, and by which invariant."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich import table as rich_table
from rich.console import Console

from exit_pipeline_tests.simulation.mutants.hunt import Kill
from exit_pipeline_tests.simulation.mutants.mutant import Mutant

KEPT: Final = Path(__file__).with_name("killed.json")
"""What the last full run found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of one mutant.

    Attributes:
        name: The mutant.
        breaks: What it breaks.
        guarded_by: What makes it harmless alone.
        nth: It was killed by the n-th seed, those of other personalities counted; None where it
            survived.
        seeds: It was hunted with so many at most.
        ticks: Of each seed's day; None for all of it.
        kill: How.
    """

    name: str
    breaks: str
    guarded_by: str
    seeds: int
    ticks: int | None
    nth: int | None
    kill: Kill | None

    @classmethod
    def of(cls, mutant: Mutant, kill: Kill | None, seeds: range, ticks: int | None) -> "Found":
        return cls(
            name=mutant.name,
            breaks=mutant.breaks,
            guarded_by=mutant.guarded_by,
            seeds=len(seeds),
            ticks=ticks,
            nth=None if kill is None else kill.seed - seeds.start + 1,
            kill=kill,
        )

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Found":
        kill = row["kill"]
        if kill is None:
            return cls(**row)
        invariants = tuple(kill["invariants"])
        return cls(**{**row, "kill": Kill(**{**kill, "invariants": invariants})})

    @property
    def is_hole(self) -> bool:
        """Whether it survived though nothing else guards against it."""
        return self.kill is None and not self.guarded_by

    def say(self) -> str:
        """A few words."""
        if self.kill is not None:
            return f"{self.name} killed by seed {self.kill.seed}"
        if self.guarded_by:
            return f"{self.name} harmless alone"
        return f"[red]{self.name} survived"


@dataclass(slots=True)
class Table:
    """Adds up what was found.

    Attributes:
        found: By mutant.
    """

    found: dict[str, Found] = field(default_factory=dict)

    def add(self, found: Found) -> None:
        self.found[found.name] = found

    @property
    def killed(self) -> list[Found]:
        return [one for one in self.found.values() if one.kill is not None]

    @property
    def harmless(self) -> list[Found]:
        """Those that another safeguard made harmless."""
        return [one for one in self.found.values() if one.kill is None and one.guarded_by]

    @property
    def holes(self) -> list[Found]:
        """Those that nobody has found."""
        return [one for one in self.found.values() if one.is_hole]

    def figures(self) -> dict[str, Any]:
        """Killed of those that can be, and how many seeds it took."""
        taken = [one.nth for one in self.killed if one.nth is not None]
        return {
            "killed": len(self.killed),
            "total": len(self.killed) + len(self.holes),
            "harmless_alone": len(self.harmless),
            "median_seeds": median(taken) if taken else None,
            "most_seeds": max(taken, default=None),
        }

    def load(self, path: Path, names: Collection[str]) -> None:
        """Take over the rows of these mutants from a table that was saved, as far as it has any."""
        rows = json.loads(path.read_text())["mutants"] if path.exists() else {}
        for name in rows.keys() & names:
            self.add(Found.from_json(rows[name]))

    def save(self, path: Path) -> None:
        rows = {name: asdict(one) for name, one in sorted(self.found.items())}
        whole = {**self.figures(), "mutants": rows}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{json.dumps(whole, indent=1)}\n")

    def show(self, console: Console) -> None:
        shown = rich_table.Table("mutant", "what it breaks", "n-th seed", "found by")
        for one in sorted(
            self.found.values(), key=lambda one: (one.nth is None, one.nth, one.name)
        ):
            by = ", ".join(one.kill.invariants) if one.kill else ""
            alone = f"in {one.seeds} seeds harmless alone: {one.guarded_by}"
            how = by or (alone if one.guarded_by else f"SURVIVED {one.seeds} seeds")
            shown.add_row(one.name, one.breaks, str(one.nth or "-"), how)
        console.print(shown)
        figures = self.figures()
        console.print(
            f"killed {figures['killed']} of {figures['total']}, median of seeds"
            f" {figures['median_seeds']}, most {figures['most_seeds']};"
            f" {figures['harmless_alone']} harmless alone"
        )


def kept_figures() -> dict[str, Any]:
    """The figures of the last full run; empty where none was kept."""
    if not KEPT.exists():
        return {}
    kept = json.loads(KEPT.read_text())
    return {name: kept[name] for name in Table().figures()}
