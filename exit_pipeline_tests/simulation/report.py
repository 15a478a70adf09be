"""The figures of many seeds, added up, kept and shown."""

import json
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from exit_pipeline_tests.simulation.coverage import Coverage
from exit_pipeline_tests.simulation.faults import BY_NAME
from exit_pipeline_tests.simulation.mutants.table import kept_figures
from exit_pipeline_tests.simulation.simulator import Outcome

_ZEROES: Final = {
    "orders duplicated or orphaned": ("I2", "I4", "I6"),
    "contracts over-exited": ("I1", "I3"),
    "fills lost or doubled": ("I7", "I8"),
    "decisions lost": ("I9",),
    "orders without a recorded intent": ("I5", "I13"),
    "ended orders that changed": ("I10", "I16"),
    "orders outside their bounds": ("I11", "I12", "I14", "I15", "I18"),
    "keys seen": ("I17",),
    "checks of the books that failed without a fault": ("I19",),
    "checks of the books that failed": ("I19",),
    "exits neither filled nor escalated": ("L1", "L2"),
}
"""What must be zero, by the invariants that would tell."""


class Report:
    """Adds up outcomes.

    Attributes:
        coverage: What happened sometimes.
        counts: Figures by name.
        failed: Seeds with a violation.
        last_seed: The highest seed so far.
    """

    def __init__(self) -> None:
        self.coverage = Coverage()
        self.counts: Counter[str] = Counter()
        self.violations: Counter[str] = Counter()
        self.brokers: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.recoveries: Counter[int] = Counter()
        self.crashes: Counter[str] = Counter()
        self.longest_doubt = 0
        self.failed: list[int] = []
        self.last_seed = 0

    def add(self, outcome: Outcome) -> None:
        self.coverage.add(outcome)
        self.counts.update(outcome.counts)
        self.brokers[outcome.broker] += 1
        self.causes.update(outcome.causes)
        self.recoveries.update(outcome.recoveries)
        self.crashes.update(outcome.crashed_at)
        self.longest_doubt = max(self.longest_doubt, outcome.longest_doubt)
        self.violations.update(one.invariant for one in outcome.violations)
        self.last_seed = max(self.last_seed, outcome.seed)
        if outcome.violations:
            self.failed.append(outcome.seed)

    @property
    def seeds(self) -> int:
        return self.coverage.seeds

    def bound(self) -> float | None:
        """With no failure in n seeds, 3/n bounds the rate of failing seeds from above.

        At 95 % confidence, the "rule of three" (Hanley and Lippman-Hand, 1983): 500 seeds without
        a failure bound it by 0.6 %. None where there was a failure.
        """
        return 3 / self.seeds if self.seeds and not self.failed else None

    def quantile(self, share: float) -> int:
        """Runs within which a share of the orders in doubt was cleared up."""
        looks = sorted(self.recoveries.elements())
        return looks[min(int(share * len(looks)), len(looks) - 1)] if looks else 0

    def as_json(self) -> dict[str, Any]:
        cover = self.coverage
        return {
            "seeds": self.seeds,
            "last_seed": self.last_seed,
            "failed": self.failed,
            "counts": dict(self.counts),
            "violations": dict(self.violations),
            "brokers": dict(self.brokers),
            "alerts": dict(self.causes),
            "crashes": dict(sorted(self.crashes.items())),
            "longest_doubt_seconds": self.longest_doubt,
            "recoveries": {str(runs): times for runs, times in sorted(self.recoveries.items())},
            "injected": dict(sorted(cover.injected.items())),
            "survived": dict(sorted(cover.survived.items())),
            "transitions": dict(sorted(cover.transitions.items())),
            "points": dict(sorted(cover.points.items())),
            "days": dict(cover.days),
            "fail_safe_rows": cover.rows(),
            "mutants": kept_figures(),
            "failure_rate_below": self.bound(),
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Report":
        report = cls()
        report.last_seed, report.failed = kept["last_seed"], kept["failed"]
        report.longest_doubt = kept["longest_doubt_seconds"]
        report.coverage.seeds = kept["seeds"]
        for mine, name in (
            (report.counts, "counts"),
            (report.violations, "violations"),
            (report.brokers, "brokers"),
            (report.causes, "alerts"),
            (report.crashes, "crashes"),
            (report.coverage.injected, "injected"),
            (report.coverage.survived, "survived"),
            (report.coverage.transitions, "transitions"),
            (report.coverage.points, "points"),
            (report.coverage.days, "days"),
        ):
            mine.update(kept[name])
        report.recoveries.update({int(runs): times for runs, times in kept["recoveries"].items()})
        return report

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1))

    def show(self, console: Console) -> None:
        """The figure sheet, and what came about how often."""
        console.print(self._figures())
        console.print(self._faults())
        rows = {"fail-safe row": self.coverage.rows(), "transition": self.coverage.transitions}
        for name, times in rows.items():
            table = Table(name, "times", title="What happened sometimes")
            for what, number in sorted(times.items()):
                table.add_row(what, str(number))
            console.print(table)

    def _figures(self) -> Table:
        table = Table("figure", "", title="Simulated trading days", show_header=False)
        brokers = ", ".join(f"{name} {times}" for name, times in sorted(self.brokers.items()))
        rows: dict[str, object] = {
            "seeds": f"{self.seeds} ({brokers})",
            "runs of the job": self.counts["runs"],
            "broker calls": self.counts["broker_calls"],
            "orders sent": self.counts["orders_sent"],
            "invariants judged": self.counts["invariants"],
            "faults injected / survived": f"{self.coverage.injected.total()} / "
            f"{self.coverage.survived.total()}",
            "commits that succeeded unseen": self.coverage.injected["commit_unseen"],
            "points reached": len(self.coverage.points),
            "processes killed, at points": f"{self.crashes.total()}, {len(self.crashes)}",
            "halts by an anomaly": self.counts["halts"],
            "an order in doubt for at most": f"{self.longest_doubt / 60:.0f} minutes",
            "runs until an order in doubt was clear, p50 / p95": f"{self.quantile(0.5)} / "
            f"{self.quantile(0.95)}",
            **{
                name: sum(self.violations[one] for one in invariants)
                for name, invariants in _ZEROES.items()
            },
        }
        mutants, bound = kept_figures(), self.bound()
        rows["mutants killed"] = f"{mutants['killed']} of {mutants['total']}" if mutants else "-"
        rows["rate of failing seeds, 95 %"] = (
            f"{len(self.failed)} failed" if bound is None else f"below {bound:.3%}"
        )
        for name, value in rows.items():
            table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
        return table

    def _faults(self) -> Table:
        table = Table("class", "fault", "injected", "survived", title="Faults")
        cover = self.coverage
        names = sorted(cover.injected, key=lambda name: (BY_NAME[name].fault_class, name))
        for fault_class, group in groupby(names, lambda name: BY_NAME[name].fault_class):
            members = list(group)
            for name in members:
                table.add_row("", name, str(cover.injected[name]), str(cover.survived[name]))
            sums = [sum(times[name] for name in members) for times in
                    (cover.injected, cover.survived)]  # fmt: skip
            table.add_row(fault_class, "all", *map(str, sums), end_section=True)
        return table
