"""Print the table of protocols: ``python -m exit_pipeline_tests.protocol_model [--traces]``."""

import argparse
import sys

from rich.console import Console
from rich.table import Table

from exit_pipeline_tests.protocol_model.search import Answer
from exit_pipeline_tests.protocol_model.table import (
    CHOSEN,
    NOT_PREVENTED,
    REJECTED,
    SUFFICIENT,
    Case,
)

SECTIONS = {
    "chosen": CHOSEN,
    "enough in a kinder world": SUFFICIENT,
    "the risk that remains": NOT_PREVENTED,
    "rejected": REJECTED,
}


def main() -> int:
    """Search every row, and print it; the exit status is 1 where a row is not as it should be."""
    options = argparse.ArgumentParser(prog="python -m exit_pipeline_tests.protocol_model")
    options.add_argument("--traces", action="store_true", help="print the shortest histories too")
    shows_traces = options.parse_args().traces
    console = Console()
    answers: list[tuple[Case, Answer]] = []
    table = Table("variant", "states", "verdict", "steps", title="The order protocol, explored")
    with console.status("exploring"):
        for title, cases in SECTIONS.items():
            table.add_section()
            table.add_row(f"[bold]{title}[/]", "", "", "")
            for case in cases:
                answers.append((case, case.answer()))
                table.add_row(*_cells(*answers[-1]))
    console.print(table)
    for case, answer in answers:
        if not answer.is_safe and (shows_traces or not case.is_borne_out(answer)):
            console.print(f"\n[bold]{case.title}[/]\n{answer}", highlight=False)
    return 0 if all(case.is_borne_out(answer) for case, answer in answers) else 1


def _cells(case: Case, answer: Answer) -> tuple[str, str, str, str]:
    verdict = "\n".join(answer.traces) if answer.traces else "safe"
    if not case.is_borne_out(answer):
        verdict += "\n[red]not as expected[/]"
    steps = "\n".join(str(len(trace)) for trace in answer.traces.values())
    return case.title, f"{answer.states:,}", verdict, steps


if __name__ == "__main__":
    sys.exit(main())
