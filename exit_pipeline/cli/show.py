"""What a person sees: tables and sentences, or JSON for scripts."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from exit_pipeline.core.engine.explain import RuleLine, RuleState
from exit_pipeline.core.model.exit_order import ExitOrder
from exit_pipeline.core.model.lines import PositionLine
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.core.model.record import StoredDecision
from exit_pipeline.services.tick import DecidedTick, TickReport

NEW_YORK = ZoneInfo("America/New_York")

COLOURS = {
    "PROFIT_TARGET": "green",
    "STOP_LOSS": "red",
    "FORCE_CLOSE": "bold red",
    "EXPIRY": "yellow",
    "TIME_EXIT": "yellow",
    "GEX_FLIP": "magenta",
}


def console() -> Console:
    """The terminal; wide enough for a table where it is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=160)


def as_json(value: Any) -> None:
    """Print a value as JSON: times in ISO 8601, money as strings."""
    click.echo(json.dumps(value, default=_plain, indent=2))


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def report_as_json(report: TickReport) -> None:
    """A tick as JSON."""
    decided = report.executed.decided
    tick = decided.tick
    as_json({
        "tick_at": tick.identity.tick_at,
        "environment": tick.identity.environment,
        "dry_run": tick.request.dry_run,
        "notes": tick.notes,
        "market_notes": [note.message for note in decided.market.notes],
        "runs": report.runs,
        "counts": report.counts,
        "decisions": report.decisions,
        "orders": report.orders,
        "not_sent": report.executed.notes,
    })  # fmt: skip


def print_report(report: TickReport, *, with_trace: bool = False) -> None:
    """A tick as tables: the market, every position with its decision, and why."""
    out = console()
    _print_market(out, report)
    if report.decisions:
        out.print(_decision_table(report))
        _print_reasons(out, report)
    if with_trace:
        _print_trace(out, report.executed.decided)


def _print_market(out: Console, report: TickReport) -> None:
    decided = report.executed.decided
    tick, market = decided.tick, decided.market
    at = tick.at.astimezone(NEW_YORK)
    dry = " [bold]dry run[/bold]" if tick.request.dry_run else ""
    source = escape(f"{tick.identity.environment}, {tick.identity.mode} market")
    out.print(f"\n[bold]{at:%A %Y-%m-%d %H:%M} New York[/bold]  ({source}){dry}")
    prices = "   ".join(
        f"{symbol} [bold]{price.last:.2f}[/bold]"
        for symbol, price in sorted(
            market.underlyings.items(), key=lambda one: _indices_first(one[0])
        )
    )
    if prices:
        out.print(prices)
    for note in [*tick.notes, *(one.message for one in market.notes)]:
        out.print(f"[yellow]·[/yellow] {escape(note)}")
    if not report.decisions:
        # Where a note says why, such as a holiday, there may well be positions.
        out.print("Nothing was decided." if tick.notes else "No open positions to decide.")


def _indices_first(symbol: str) -> tuple[bool, str]:
    return (not symbol.startswith("VIX"), symbol)


def _decision_table(report: TickReport) -> Table:
    orders = {order.position_id: order for order in report.orders}
    table = Table(header_style="bold", pad_edge=False)
    for name in ("position", "contract", "held"):
        table.add_column(name, no_wrap=True)
    for name in ("entry", "mark", "P&L %"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("decision", "reason", "quantity", "order", "fill"):
        table.add_column(name, no_wrap=True)
    for decision in _exits_first(report.decisions):
        table.add_row(*_decision_cells(decision, orders.get(decision.position_id)))
    return table


def _exits_first(decisions: Sequence[StoredDecision]) -> list[StoredDecision]:
    return sorted(decisions, key=lambda one: (one.decision == "HOLD", one.position_id))


def _decision_cells(decision: StoredDecision, order: ExitOrder | None) -> list[Text | str]:
    leaving = decision.decision == "EXIT"
    reason = decision.exit_reason or ""
    return [
        escape(decision.position_id),
        escape(decision.option_symbol or "not known"),
        f"{decision.side} {decision.open_quantity}",
        say_dollars(decision.entry_price),
        say_dollars(decision.mark),
        _percent(decision.pnl_percent),
        decision.exit_action or "HOLD",
        Text(reason, COLOURS.get(reason, "cyan")),
        f"{decision.exit_quantity} of {decision.open_quantity}" if leaving else "",
        _order(order),
        _fill(order),
    ]


def _order(order: ExitOrder | None) -> str:
    if order is None:
        return ""
    verb = "sell" if order.request.side.startswith("SELL") else "buy"
    return f"{verb} {order.request.quantity} @ {say_dollars(order.request.limit_price)}"


def _fill(order: ExitOrder | None) -> Text | str:
    if order is None:
        return ""
    if order.average_price is None:
        return Text(order.status.value, "yellow")
    return Text(f"{order.filled_quantity} @ {say_dollars(order.average_price)}", "green")


def _percent(value: float | None) -> Text | str:
    if value is None:
        return "-"
    return Text(f"{value:+.1f}", "green" if value > 0 else "red" if value < 0 else "")


def _print_reasons(out: Console, report: TickReport) -> None:
    for decision in _exits_first(report.decisions):
        note = report.executed.notes.get(decision.position_id, "")
        said = " ".join([*decision.reasoning, note])
        out.print(f"[bold]{escape(decision.position_id)}[/bold]  {escape(said.strip())}")


def _print_trace(out: Console, decided: DecidedTick) -> None:
    for row, position in enumerate(decided.decided):
        out.print(trace_table(position.id, decided.explanation.lines(row)))


def trace_table(title: str, lines: Sequence[RuleLine]) -> Table:
    """Every rule's part in one decision."""
    colours = {
        RuleState.DECIDED: "bold green",
        RuleState.OVERRULED: "yellow",
        RuleState.NOT_FIRED: "",
        RuleState.NOT_EVALUABLE: "dim",
    }
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for name in ("rule", "state", "observed", "threshold", "distance", "why"):
        table.add_column(name)
    for line in lines:
        figures = [_figure(v, line.unit) for v in (line.observed, line.threshold, line.distance)]
        table.add_row(line.reason, line.state, *figures, escape(line.text),
                      style=colours[line.state])  # fmt: skip
    return table


def _figure(value: float, unit: str) -> str:
    return "-" if math.isnan(value) else f"{value:.2f} {unit}".strip()


def print_positions(lines: Sequence[PositionLine]) -> None:
    """Positions as a table."""
    out = console()
    if not lines:
        out.print("No positions. Import some: exit-pipeline positions import FILE.csv")
        return
    table = Table(header_style="bold", pad_edge=False)
    # What people copy stays whole, such as the long ids of imported positions; the rest gives way.
    table.add_column("position", no_wrap=True)
    table.add_column("where", overflow="fold")
    for name in ("contract", "side", "open"):
        table.add_column(name, no_wrap=True)
    for name in ("entry", "mark", "open P&L", "realised", "net"):
        table.add_column(name, justify="right")
    table.add_column("status", no_wrap=True)
    for line in lines:
        where = "/".join(part or "-" for part in (line.broker, line.environment, line.account))
        table.add_row(
            escape(line.id),
            escape(where),
            escape(line.option_symbol or "not known"),
            line.side,
            f"{line.open_quantity} of {line.quantity}",
            say_dollars(line.entry_price),
            say_dollars(line.current_price),
            say_dollars(line.unrealized_pnl),
            say_dollars(line.realized_pnl),
            say_dollars(line.realized_pnl_net),
            escape(_standing(line)),
        )
    out.print(table)


def _standing(line: PositionLine) -> str:
    """How a position ended, or why none of its exits is sent."""
    if line.status == "CLOSED":
        said = [line.exit_reason or line.close_kind or ""]
    else:
        said = ["unmanaged"] * (not line.managed) + ["spread leg"] * line.spread_leg
    return " ".join([line.status, *said]).strip()
