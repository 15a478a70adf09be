"""The page of one trading day."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from exit_pipeline.core.engine.explain import NO_DISTANCE, RuleLine, describe_flags
from exit_pipeline.core.model.account import mask_account
from exit_pipeline.core.model.day_record import DayAlert, Leaving
from exit_pipeline.core.model.order import OrderStatus
from exit_pipeline.core.model.price import say_dollars
from exit_pipeline.pages.path import HEIGHT, WIDTH, Path, path_of_money, path_of_position
from exit_pipeline.pages.template import render
from exit_pipeline.pages.words import (
    UNKNOWN,
    say_contract,
    say_count,
    say_money,
    say_percent,
    say_time,
    tone,
)
from exit_pipeline.services.day_positions import PositionDay
from exit_pipeline.services.day_report import DayReport
from exit_pipeline.services.day_ticks import TickCounts

_RULES: Final = 6
"""Rules shown of a position with a distance, and without one: a policy may have some thirty."""

_TROUBLED: Final = frozenset(
    {OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.UNKNOWN, OrderStatus.ABANDONED}
)

_SECTIONS: Final = (
    ("exits", "Exits"),
    ("reasons", "P&L by reason"),
    ("positions", "Positions"),
    ("quality", "Data quality"),
    ("alerts", "Alerts"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One rule of a card; `percent` of its way is done."""

    reason: str
    is_due: bool
    percent: int
    distance: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Card:
    """One position: `pnl` is what it realised on the day and what is open of it, in dollars."""

    day: PositionDay
    contract: str
    subtitle: str
    pnl: Decimal | None
    path: Path
    legend: Sequence[str]
    exits: Sequence[str]
    rules: Sequence[_Rule]
    other_rules: str


def day_page(report: DayReport, zone: ZoneInfo) -> str:
    """The page, as HTML that asks for nothing over a network.

    Args:
        report: The day.
        zone: Of the exchange, in which times are shown.
    """
    session, summary, ticks = report.session, report.summary, report.ticks
    clock = partial(say_time, zone=zone)
    return render(
        "day.html",
        title=f"{session.day:%A} {session.day}, {report.environment}",
        subtitle=_subtitle(report, zone),
        sections=_SECTIONS,
        summary=summary,
        day_pnl_note=_since(report, zone),
        realised_note=_unpriced(summary.unpriced),
        open_note=_unmarked(summary.unmarked),
        alert_note=", ".join(f"{n} {name}" for name, n in summary.alerts.items() if n),
        notes=_notes(report),
        pnl=path_of_money(report.pnl, session),
        pnl_range=_range(report, zone),
        opens=clock(session.opens_at),
        closes=clock(session.closes_at),
        orders=report.orders,
        troubled=_TROUBLED,
        not_sent=report.not_sent,
        reasons=report.reasons,
        cards=[_card(one, report, zone) for one in report.positions],
        ticks_said=_say_ticks(ticks),
        missed=[_span(first, last, zone) for first, last in report.missed],
        tick_reasons=ticks.reasons.most_common(),
        left_out=sorted(report.left_out.items()),
        quotes=report.quotes,
        alerts=report.alerts,
        footer=f"Made {report.made_at.astimezone(zone):%Y-%m-%d %H:%M} New York from what was "
        "recorded. All times are New York's, all money is in US dollars.",
        width=WIDTH,
        height=HEIGHT,
        **_sayings(zone),
    )


def _sayings(zone: ZoneInfo) -> dict[str, Any]:
    """What the template says values with."""
    return {
        "describe_flags": describe_flags,
        "say_alert_time": lambda at: f"{at.astimezone(zone):%Y-%m-%d %H:%M}",
        "say_count": say_count,
        "say_dollars": say_dollars,
        "say_money": say_money,
        "say_seen": partial(_say_seen, zone=zone),
        "say_share": lambda share: "-" if share is None else say_percent(share * 100),
        "say_slip": lambda dollars: "-" if dollars is None else say_money(dollars),
        "say_time": partial(say_time, zone=zone),
        "slip_tone": lambda dollars: tone(None if dollars is None else -dollars),
        "tone": tone,
    }


def _subtitle(report: DayReport, zone: ZoneInfo) -> str:
    accounts = [
        mask_account(one) if report.environment == "live" else one for one in report.accounts
    ]
    last = f"last tick {say_time(report.last_tick_at, zone)}" if report.last_tick_at else "no tick"
    said = ["account " + ", ".join(accounts), last]
    if report.sources:
        said.append("market data: " + ", ".join(report.sources))
    return "; ".join(said)


def _since(report: DayReport, zone: ZoneInfo) -> str:
    if report.summary.day_pnl is None:
        return "since the session before"
    last = max(one.at for one in report.pnl if one.mark is not None) if report.pnl else None
    until = f", at {say_time(last, zone)}" if last else ""
    return f"since the session before{until}"


def _range(report: DayReport, zone: ZoneInfo) -> str:
    known = [(one.mark, say_time(one.at, zone)) for one in report.pnl if one.mark is not None]
    if not known:
        return ""
    (low, low_at), (high, high_at) = min(known), max(known)
    return f", from {say_money(low)} at {low_at} to {say_money(high)} at {high_at}"


def _unpriced(contracts: int) -> str:
    said = "on what left, against its entry"
    return f"{said}; without {contracts} contracts nobody told all of" if contracts else said


def _unmarked(positions: int) -> str:
    said = "against the entry, at the last marks"
    return f"{said}; without {positions} that have no mark" if positions else said


def _notes(report: DayReport) -> list[str]:
    notes = []
    if report.made_at < report.session.closes_at:
        notes.append("The session is not over: all of this is as of the last tick.")
    if report.others:
        notes.append(f"Not on this page, and recorded on the same day: {', '.join(report.others)}.")
    return notes


def _card(day: PositionDay, report: DayReport, zone: ZoneInfo) -> _Card:
    position = day.position
    known = [one for one in (day.realised, day.open_pnl) if one is not None]
    left = UNKNOWN if day.left is None else f"{day.left} of {position.quantity} held"
    said = [position.id, position.side.lower(), left, *_account(day, report)]
    near = [line for line in day.rules if line.distance_said != NO_DISTANCE]
    return _Card(
        day=day,
        contract=say_contract(position.option_symbol),
        subtitle=" · ".join(said),
        pnl=sum(known, Decimal(0)) if len(known) == 2 else None,
        path=path_of_position(day, report.session),
        legend=_legend(day, zone),
        exits=[_exit(one, zone) for one in day.leavings],
        rules=[_rule(line) for line in near[:_RULES]],
        other_rules=_say_others([line for line in day.rules if line not in near[:_RULES]]),
    )


def _account(day: PositionDay, report: DayReport) -> list[str]:
    """The account where there are several."""
    account = day.position.account
    if account is None or len(report.accounts) < 2:
        return []
    return [mask_account(account) if report.environment == "live" else account]


def _legend(day: PositionDay, zone: ZoneInfo) -> list[str]:
    said = [f"entry {say_dollars(day.position.entry_price)}"]
    if day.mark is None:
        said.append("no mark on this day")
    else:
        at, mark = say_time(day.mark.at, zone), say_dollars(day.mark.mark)
        said.append(f"last {mark} at {at} ({say_percent(day.pnl_percent)})")
    said += [f"{one.kind} {one.price:.2f}" for one in day.levels]
    if day.leavings:
        said.append(f"realised {say_money(day.realised)}")
    if day.left:
        said.append(f"open {say_money(day.open_pnl)}")
    if day.grade is not None and day.grade != "GOOD":
        said.append(f"last quote {day.grade}")
    return said


def _exit(one: Leaving, zone: ZoneInfo) -> str:
    at = f"{say_time(one.at, zone)}: {one.contracts} left for {one.reason}"
    return f"{at} at a price that nobody told" if one.price is None else f"{at} at {one.price:.2f}"


def _rule(line: RuleLine) -> _Rule:
    progress = 0.0 if math.isnan(line.progress) else line.progress
    return _Rule(
        reason=line.reason,
        is_due=line.is_due,
        percent=math.floor(progress * 100),
        distance=line.distance_said,
        text=line.text,
    )


def _say_others(lines: Sequence[RuleLine]) -> str:
    """Rules without a distance, such as those that were not judged, each with its ground."""
    shown = [f"{line.reason} ({line.text})" for line in lines[:_RULES]]
    more = len(lines) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _say_ticks(ticks: TickCounts) -> str:
    besides = f"; {ticks.besides} runs besides" if ticks.besides else ""
    if ticks.due is None:
        said = f"{ticks.run} ticks were worked, by hand or from a tape: no schedule asked for any"
    else:
        said = (
            f"Of {ticks.due} ticks that were due {ticks.run} were worked ({ticks.late} of them "
            f"late) and {len(ticks.missed)} missed"
        )
    return f"{said}; {ticks.failed} failed, {ticks.skipped} were skipped{besides}."


def _span(first: datetime, last: datetime, zone: ZoneInfo) -> str:
    start, end = say_time(first, zone), say_time(last, zone)
    return start if first == last else f"{start} to {end}"


def _say_seen(alert: DayAlert, zone: ZoneInfo) -> str:
    if alert.acknowledged_at is None:
        return "by nobody yet"
    return f"{alert.acknowledged_at.astimezone(zone):%Y-%m-%d %H:%M} by {alert.acknowledged_by}"
