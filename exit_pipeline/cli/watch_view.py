"""One frame of the live view, for terminals from 80 columns on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from exit_pipeline.cli.orders import COLOURS as SEVERITY_COLOURS
from exit_pipeline.cli.orders import ID_SHOWN, NEEDS_A_LOOK
from exit_pipeline.cli.show import NEW_YORK
from exit_pipeline.core.engine.explain import NO_DISTANCE, RuleLine
from exit_pipeline.core.model.control import TradingState
from exit_pipeline.core.model.lines import AccountOverview, AlertLine, OrderLine
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.services.watch import Place, Watched, WatchedPosition

_LISTED: Final = 5
"""Alerts and orders shown: the positions are what is watched, and need the room."""

_WIDE: Final = 118
"""Columns from which on further rules have room."""

_FIGURES: Final = 64
"""Columns that all the rest of a row may take: ids give way before figures do."""

_SHORTEST: Final = 9
"""Columns that an id has even so."""

_LONGEST: Final = 24
"""Columns that an id has where further rules are shown, which take all the rest."""

_NEAR: Final = 0.8
"""Share of the way to an exit from which on a position is coloured."""

_FURTHER: Final = 3
"""Rules shown after the nearest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is shown.

    Attributes:
        at: Now.
        seen: What was read last; None before the first time.
        next_tick_at: When the schedule asks for the next tick; None where it asks for none.
        trouble: Why nothing newer could be read; empty where it could.
    """

    at: datetime
    seen: Watched | None
    next_tick_at: datetime | None
    trouble: str = ""


def view(frame: Frame, width: int) -> RenderableType:
    """The frame, with what is nearest to an exit above what is far.

    Args:
        frame: What is shown.
        width: Columns of the terminal.
    """
    parts: list[RenderableType] = [_head(frame)]
    seen = frame.seen
    if frame.trouble:
        parts.append(Text(frame.trouble, "bold red"))
    if seen is None:
        return Group(*parts)
    if frame.trouble:
        parts.append(Text(f"Below: as of {seen.at.astimezone(NEW_YORK):%H:%M:%S}.", "yellow"))
    parts += [Text(f"LATE: {late.sentence}", "bold red") for late in seen.late]
    parts += _alerts(seen.alerts)
    parts += _orders(seen.orders)
    accounts = {(one.environment, one.account): one for one in seen.accounts}
    for place, positions in seen.positions.items():
        parts.append(_account(place, positions, accounts.get(place), frame.at))
        parts.append(_positions(positions, width))
    if not seen.positions:
        parts.append(Text("No open positions."))
    return Group(*parts)


def _head(frame: Frame) -> Text:
    now = frame.at.astimezone(NEW_YORK)
    text = Text.assemble((f"{now:%a %Y-%m-%d %H:%M:%S} New York", "bold"))
    seen = frame.seen
    if seen is not None:
        is_active = seen.control.state is TradingState.ACTIVE
        text.append("\n")
        text.append(seen.control.say(NEW_YORK), "green" if is_active else "bold red")
        text.append(f"\n{_say_last(seen.last_tick_at, frame.at)}; ")
    else:
        text.append("\n")
    text.append(_say_next(frame.next_tick_at, frame.at))
    if seen is not None and seen.market_closed:
        text.append(f"\n{seen.market_closed}", "dim")
    return text


def _say_last(last: datetime | None, at: datetime) -> str:
    if last is None:
        return "no tick has worked yet"
    shown = last.astimezone(NEW_YORK)
    day = "" if shown.date() == at.astimezone(NEW_YORK).date() else f"{shown:%Y-%m-%d} "
    return f"last tick {day}{shown:%H:%M}, {say_span(at - last)} ago"


def _say_next(due: datetime | None, at: datetime) -> str:
    if due is None:
        return "no tick is scheduled"
    shown = due.astimezone(NEW_YORK)
    day = "" if shown.date() == at.astimezone(NEW_YORK).date() else f"{shown:%a} "
    return f"next tick {day}{shown:%H:%M}, in {say_span(due - at)}"


def say_span(span: timedelta) -> str:
    """A span as a person says it, in its two greatest units.

    Example: 125 seconds are "2 min 5 s", 7,500 are "2 h 5 min", and two days and an hour "2 d 1 h".
    """
    seconds = max(int(span.total_seconds()), 0)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    said: list[str] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or said or name == "s":
            said.append(f"{count} {name}")
    return " ".join(said[:2])


def _alerts(alerts: Sequence[AlertLine]) -> list[RenderableType]:
    if not alerts:
        return [Text("no alert that nobody has acknowledged", "dim")]
    lines: list[RenderableType] = [
        Text(
            f"{one.severity} {one.raised_at.astimezone(NEW_YORK):%m-%d %H:%M} "
            f"{one.id[:ID_SHOWN]} {one.cause} {one.subject}: {one.message}",
            SEVERITY_COLOURS.get(one.severity, ""),
        )
        for one in alerts[:_LISTED]
    ]
    return lines + _more(alerts, "alerts")


def _orders(orders: Sequence[OrderLine]) -> list[RenderableType]:
    if not orders:
        return [Text("no order at work", "dim")]
    lines: list[RenderableType] = [
        Text(_say_order(one), "bold red" if one.status in NEEDS_A_LOOK or one.escalated else "cyan")
        for one in orders[:_LISTED]
    ]
    return lines + _more(orders, "orders at work")


def _say_order(order: OrderLine) -> str:
    side = (order.side or "-").split("_", maxsplit=1)[0].lower()
    at = f"{order.at.astimezone(NEW_YORK):%H:%M} " if order.at else ""
    escalated = ", escalated" if order.escalated else ""
    return (
        f"order {at}{order.position_id}: {side} {order.filled_quantity} of {order.quantity} at "
        f"{say_dollars(order.limit_price)}, {order.exit_reason}, {order.status}{escalated}"
    )


def _more(found: Sequence[object], what: str) -> list[RenderableType]:
    rest = len(found) - _LISTED
    return [Text(f"and {rest} more {what}", "dim")] if rest > 0 else []


def _account(
    place: Place,
    positions: Sequence[WatchedPosition],
    account: AccountOverview | None,
    at: datetime,
) -> Text:
    last = _say_last(account.last_tick_at if account else None, at)
    return Text(f"\n{'/'.join(place)}: {len(positions)} open, {last}", "bold")


def _positions(positions: Sequence[WatchedPosition], width: int) -> Table:
    table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, 1, 0, 0))
    table.add_column("position", no_wrap=True)
    for name in ("held", "mark", "P&L", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("nearest exit", no_wrap=True)
    table.add_column("away", justify="right", no_wrap=True)
    if width >= _WIDE:
        table.add_column("then", no_wrap=True)
    for one in positions:
        table.add_row(*_cells(one, width))
    return table


def shortened(text: str, room: int) -> str:
    """A text in so many columns: its middle goes, since ids often begin or end alike.

    Example: ``alpaca-PA3XYZ-GOOG151224C00752500`` in 17 columns is ``alpaca-P…00752500`` and in 40
    it is whole.
    """
    if cell_len(text) <= room:
        return text
    # A wide character, of which half would be left, is cut off as a whole.
    tail = (room - 1) // 2
    begin = set_cell_size(text, room - 1 - tail).rstrip()
    end = set_cell_size(text[::-1], tail).rstrip()[::-1]
    return f"{begin}…{end}"


def _cells(one: WatchedPosition, width: int) -> list[Text | str]:
    line, near, rest = one.line, one.nearest, width - _FIGURES
    room = _LONGEST if width >= _WIDE else max(rest, _SHORTEST)
    held = f"{'' if line.side == 'LONG' else '-'}{line.open_quantity}"
    colour = ""
    if near is not None and near.progress >= _NEAR:
        colour = "bold red" if near.is_due else "yellow"
    cells: list[Text | str] = [
        Text(shortened(line.id, room), colour),
        held,
        say_dollars(line.current_price),
        _signed(line.unrealized_pnl),
        _signed(one.pnl_percent, decimals=1),
        Text(near.reason if near else "not judged", colour or ("" if near else "dim")),
        Text(_away(one, near) if near else NO_DISTANCE, colour),
    ]
    if width >= _WIDE:
        further = [rule for rule in one.rules[1:] if rule.distance_said != NO_DISTANCE][:_FURTHER]
        said = Text(", ".join(f"{rule.reason} {_away(one, rule)}" for rule in further), "dim")
        said.truncate(rest - _LONGEST, overflow="ellipsis")
        cells.append(said)
    return cells


def _away(one: WatchedPosition, rule: RuleLine) -> str:
    dollars = None if rule.is_due else one.dollars_to(rule)
    return rule.distance_said + ("" if dollars is None else f" ${dollars:,.0f}")


def _signed(value: Decimal | float | None, decimals: int = 2) -> Text:
    if value is None:
        return Text(NO_DISTANCE)
    colour = "green" if value > 0 else "red" if value < 0 else ""
    return Text(f"{value:+,.{decimals}f}", colour)
