"""What a what-if found, as tables on a terminal."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from exit_pipeline.cli.show import COLOURS, NEW_YORK, console
from exit_pipeline.services.what_if_facts import (
    at_points,
    changes_of,
    difference_of,
    facts_of_totals,
    largest_first,
    sentence_of_ends,
    steps_of,
    with_baselines,
)
from exit_pipeline.services.what_if_report import Leaving, Tried, WhatIfReport

DETAILED: Final = 3
"""Of up to so many policies, reasons and positions are shown; of more, only the summary."""

_CHANGES: Final = ("kept", "earlier", "later", "added", "dropped")


def print_report(report: WhatIfReport, shown: int) -> None:
    """Print a report.

    Args:
        report: The report.
        shown: Positions of each policy at most, those with the largest differences.
    """
    out, asked = console(), report.request
    out.print(
        f"[bold]{asked.first} to {asked.last}[/bold]  {report.decisions:,} decisions on "
        f"{report.positions:,} positions ({escape(report.label)}), "
        f"beside {escape(report.compare_to)}",
        highlight=False,
    )
    for reason, count in report.left_out.most_common():
        out.print(f"Not replayable: {count:,} {reason}.", highlight=False, markup=False,
                  soft_wrap=True)  # fmt: skip
    out.print(_summary(report))
    for tried in report.tried if len(report.tried) <= DETAILED else ():
        _print_one(out, tried, shown)
    for note in report.notes:
        out.print(f"[yellow]·[/yellow] {escape(note)}", highlight=False, soft_wrap=True)


def _summary(report: WhatIfReport) -> Table:
    title = "Contracts by what becomes of their exit, and dollars net of fees"
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    points = at_points(report)
    table.add_column("policy", overflow="fold", min_width=14)
    names = (*(key.replace(".", "\n.") for key in points), *_CHANGES, "P&L", "difference",
             "of a position,\n95 %", "drawdown", "days\nheld", "still\nheld")  # fmt: skip
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for tried, was in with_baselines(report):
        if was is not None:
            facts = facts_of_totals(was)
            blank = [""] * (len(points) + len(_CHANGES))
            table.add_row(Text(report.compare_to, "dim"), *blank, money(facts["pnl"]), "", "",
                          *_rest(facts))  # fmt: skip
        table.add_row(*_policy_cells(tried, list(points)))
    return table


def _policy_cells(tried: Tried, points: Sequence[str]) -> list[str | Text]:
    _, now = tried.comparison.totals()
    facts, changes, difference = facts_of_totals(now), changes_of(tried), difference_of(tried)
    low, high = (money(difference[name]) for name in ("low", "high"))
    return [
        Text(tried.policy.base),
        *(Text(tried.policy.at.get(key, "")) for key in points),
        *(f"{changes[name]:,}" for name in _CHANGES),
        money(facts["pnl"]),
        _coloured(difference["total"]),
        f"{low} to {high}",
        *_rest(facts),
    ]


def _rest(facts: dict[str, Any]) -> list[str]:
    days = "-" if facts["days_held"] is None else f"{facts['days_held']:.2f}"
    return [money(facts["drawdown"]), days, f"{facts['open_contracts']:,}"]


def _print_one(out: Console, tried: Tried, shown: int) -> None:
    out.print(f"\n[bold]{escape(tried.policy.label)}[/bold]", highlight=False, soft_wrap=True)
    table = Table(header_style="bold", pad_edge=False)
    for name in ("left for", "would leave for"):
        table.add_column(name, no_wrap=True)
    for name in ("contracts", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for step in steps_of(tried):
        table.add_row(
            *(Text(reason, COLOURS.get(reason, "")) for reason in (step.was, step.now)),
            f"{step.contracts:,}", _coloured(step.difference),
        )  # fmt: skip
    out.print(table)
    if shown:
        _print_positions(out, tried, shown)
    was, now = (money(facts_of_totals(one)["expectancy"]) for one in tried.comparison.totals())
    out.print(f"A position brings {now} dollars on average, and {was} as it left.", highlight=False)
    out.print(sentence_of_ends(tried), highlight=False, soft_wrap=True)


def _print_positions(out: Console, tried: Tried, shown: int) -> None:
    rows = [row for row in largest_first(tried) if row.differs]
    if not rows:
        out.print("Every position leaves as it did.", highlight=False)
        return
    table = Table(header_style="bold", pad_edge=False)
    table.add_column("position", no_wrap=True)
    for name in ("left", "would leave"):
        table.add_column(name, overflow="fold")
    for name in ("P&L", "would be", "difference"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:shown]:
        table.add_row(
            escape(row.position.id), *("\n".join(map(say, way)) for way in (row.was, row.now)),
            money(row.baseline), money(row.policy), _coloured(row.difference),
        )  # fmt: skip
    out.print(table)
    if len(rows) > shown:
        out.print(f"... and {len(rows) - shown:,} more positions.", highlight=False)


def say(one: Leaving) -> str:
    """What left together, in one line, in New York time.

    Example: ``5 at 3.04, PROFIT_TARGET, 03-18 10:10``.
    """
    price = "-" if one.price is None else f"{one.price:.2f}"
    at = "-" if one.at is None else f"{one.at.astimezone(NEW_YORK):%m-%d %H:%M}"
    return f"{one.contracts} at {price}, {one.reason}, {at}"


def money(dollars: Decimal | float | None) -> str:
    """Dollars with two decimals; - where not known."""
    return "-" if dollars is None else f"{dollars:,.2f}"


def _coloured(dollars: Decimal | None) -> Text:
    if dollars is None:
        return Text("-")
    return Text(f"{dollars:+,.2f}", "green" if dollars > 0 else "red" if dollars < 0 else "")
