"""What happened in a seed, line by line: the same seed writes the same lines."""

from dataclasses import dataclass, field

from exit_pipeline_tests.fakes import NEW_YORK
from exit_pipeline_tests.simulation.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be.

    Attributes:
        invariant: Its short name, such as ``I1``.
        message: One sentence.
    """

    invariant: str
    message: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.message}"


@dataclass
class History:
    """Lines, with the true time in New York and who did it.

    Attributes:
        lines: Oldest first.
        violations: What was found wrong, each once.
    """

    timeline: Timeline
    lines: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)

    def note(self, who: str, what: str) -> None:
        at = self.timeline.at.astimezone(NEW_YORK)
        self.lines.append(f"{at:%a %H:%M:%S} {who:<7} {what}")

    def violate(self, invariant: str, message: str) -> None:
        found = Violation(invariant, message)
        if found not in self.violations:
            self.violations.append(found)
            self.note("VIOLATED", str(found))
