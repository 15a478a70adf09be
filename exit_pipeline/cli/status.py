"""The command that says how everything stands, and fails when ticks no longer come."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from exit_pipeline.cli.show import NEW_YORK, as_json, console
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.lines import SEVERITIES, AccountOverview, AlertLine
from exit_pipeline.settings import Settings


@click.command()
@click.option("--json", "to_json", is_flag=True, help="Print JSON.")
def status(to_json: bool) -> None:
    """Say how trading and every account stand; exits 1 where an account is no longer looked at.

    That is: in the session, in the environments paper and live, an account with open positions
    whose last good tick is older than two slots. Let something outside Dagster call it.
    """
    found = _look()
    if to_json:
        as_json(found)
    else:
        _print(found)
    if found["overdue"]:
        raise SystemExit(1)


def _look() -> dict[str, Any]:
    from exit_pipeline.defs.resources import make_calendar, make_clock, open_database
    from exit_pipeline.services.heartbeat import overdue

    database = open_database(Settings.from_env())
    calendar, now = make_calendar(), make_clock().now()
    accounts = database.runs.overview()
    live = database.orders.listing(only_live=True)
    return {
        "at": now,
        "trading": database.control.read(),
        "market_closed": calendar.why_closed(now),
        "overdue": overdue(accounts, calendar=calendar, at=now),
        "alerts": _by_severity(database.runs.alerts(only_open=True)),
        "unknown_orders": [order for order in live if order.status == "UNKNOWN"],
        "accounts": accounts,
    }


def _by_severity(lines: Sequence[AlertLine]) -> dict[str, int]:
    counts = Counter(line.severity for line in lines)
    return {severity: counts[severity] for severity in SEVERITIES}


def _print(found: dict[str, Any]) -> None:
    out = console()
    control = found["trading"]
    is_active = control.state is TradingState.ACTIVE
    out.print(
        escape(control.say(NEW_YORK)),
        style="green" if is_active else "bold red",
        highlight=False,
        soft_wrap=True,
    )
    for late in found["overdue"]:
        out.print(f"LATE: {escape(late.sentence)}", style="bold red", soft_wrap=True)
    counts = {name: count for name, count in found["alerts"].items() if count}
    said = ", ".join(f"{count} {name}" for name, count in counts.items())
    style = "bold red" if "CRITICAL" in counts else "yellow" if counts else ""
    out.print(
        f"alerts that nobody has acknowledged: {said or 'none'}", style=style, highlight=False
    )
    unknown = found["unknown_orders"]
    names = ": " + ", ".join(str(order.position_id) for order in unknown) if unknown else ""
    out.print(
        f"orders in the state UNKNOWN: {len(unknown) or 'none'}{escape(names)}",
        style="bold red" if unknown else "",
        highlight=False,
        soft_wrap=True,
    )
    if found["market_closed"]:
        out.print(escape(found["market_closed"]), highlight=False)
    if found["accounts"]:
        out.print(_table(found["accounts"]))
    else:
        out.print("No positions yet. Import some: exit-pipeline positions import FILE.csv")


def _table(accounts: Sequence[AccountOverview]) -> Table:
    table = Table(header_style="bold", pad_edge=False)
    for name in ("environment", "account", "open positions", "live orders", "last tick", "alerts"):
        table.add_column(name)
    for one in accounts:
        last = one.last_tick_at.astimezone(NEW_YORK) if one.last_tick_at else None
        table.add_row(
            one.environment,
            escape(one.account),
            str(one.open_positions),
            str(one.live_orders),
            f"{last:%Y-%m-%d %H:%M} New York" if last else "never",
            str(one.alerts) if one.alerts else "none",
        )
    return table
