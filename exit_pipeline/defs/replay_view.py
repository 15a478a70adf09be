"""What a replay shows in the UI: a day's figures and picture, and a summary of its range."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import dagster as dg

from exit_pipeline.core.model.replayed import ReplayedDay
from exit_pipeline.defs.pictures import in_markdown
from exit_pipeline.defs.trading_days import why_no_session
from exit_pipeline.defs.views import Metadata, bullets, table
from exit_pipeline.plots.replays import replay_of_day, replay_of_range
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.audit_report import AuditReport, Cell

DAYS_DRAWN: Final = 62
"""Days of one run that get a picture each, of 18 kB in the event log and a tenth of a second. Of a
longer range only those are drawn that have a difference, up to as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayViews:
    """What is shown of each day of a range.

    Attributes:
        report: The audit.
        database: Where its rows are kept.
        calendar: Whose zone times are written in, and which knows why a day has no session.
    """

    report: AuditReport
    database: Database
    calendar: Calendar

    def of(self, days: Sequence[date]) -> dict[date, Metadata]:
        """Figures, and a picture where it is drawn, of each of these days."""
        found = {one.key.trading_day: one for one in self.report.days}
        wanted = [day for day in days if day in found]
        if len(wanted) > DAYS_DRAWN:
            wanted = [day for day in wanted if found[day].differing][:DAYS_DRAWN]
        return {
            day: self._figures(found[day]) | (self._picture(found[day]) if day in wanted else {})
            if day in found
            else {"decisions": 0, "note": self._why_nothing(day)}
            for day in days
        }

    def _why_nothing(self, day: date) -> str:
        if self.calendar.session(day) is None:
            return why_no_session(day, self.calendar)
        return f"no decision is recorded on {day}"

    def _figures(self, day: ReplayedDay) -> Metadata:
        return {
            "decisions": day.decisions,
            "differing": day.differing,
            "looks_ahead": day.ahead,
            "not_replayable": sum(day.left_out.values()),
            "decided_by": ", ".join(day.code_versions) or "not known",
            "made_again_by": day.code_version,
            **_left_out(day.left_out),
        }

    def _picture(self, day: ReplayedDay) -> Metadata:
        ticks = self.database.replays.ticks(day.key)
        png = replay_of_day(day.key.trading_day, ticks, self.calendar.zone)
        return {"by_time": in_markdown("decisions by time", png)} if png else {}


def summary(report: AuditReport) -> Metadata:
    """A range as a whole: totals, a row for each day, the first differences, and a picture."""
    rows = [
        {
            "day": str(day.key.trading_day),
            "decisions": day.decisions,
            "differing": day.differing,
            "looks_ahead": day.ahead,
            "not_replayable": sum(day.left_out.values()),
            "decided_by": ", ".join(day.code_versions),
        }
        for day in report.days
    ]
    png = replay_of_range(report.days)
    shown: Metadata = {
        "from": str(report.request.first),
        "to": str(report.request.last),
        "decisions": report.decisions,
        "differing": report.differing,
        "looks_ahead": report.looking_ahead,
        "not_replayable": report.left_out.total(),
        "days": table(rows),
        **_left_out(report.left_out),
    }
    if report.differences:
        shown["differences"] = table([_cell(one) for one in report.differences])
    if report.ahead:
        shown["inputs_of_later"] = table([_cell(one) for one in report.ahead])
    return shown | ({"by_day": in_markdown("decisions by day", png)} if png else {})


def say(report: AuditReport) -> str:
    """A range in one line."""
    request = report.request
    if not report.days:
        return f"no decision is recorded from {request.first} to {request.last}"
    before = f", {report.audited_before} days audited before" if report.audited_before else ""
    return (
        f"{request.first} to {request.last}: {report.decisions:,} decisions made again, "
        f"{report.differing:,} differ, {report.looking_ahead:,} looked ahead, "
        f"{report.left_out.total():,} not replayable{before}"
    )


def drift(days: Sequence[ReplayedDay]) -> Metadata:
    """The days of all kept audits on which something differs or looks ahead."""
    found = [one for one in days if one.differing or one.ahead]
    rows = [
        {
            "day": str(one.key.trading_day),
            "differing": one.differing,
            "looks_ahead": one.ahead,
            "decisions": one.decisions,
            "made_again_by": one.code_version,
        }
        for one in found
    ]
    return {"days_audited": len(days), "days_with_drift": len(found), "days": table(rows)}


def _left_out(counts: Mapping[str, int]) -> Metadata:
    if not counts:
        return {}
    lines = [f"{count:,} {reason}" for reason, count in counts.items()]
    return {"why_not_replayable": dg.MetadataValue.md(bullets(lines))}


def _cell(one: Cell) -> dict[str, Any]:
    return {
        "position": one.position_id,
        "decided_at": f"{one.decided_at:%Y-%m-%d %H:%M:%S} UTC",
        "column": one.column,
        "recorded": _text(one.recorded),
        "made_again": _text(one.made),
        "decided_by": one.code_version,
    }


def _text(value: Any) -> str:
    return "nothing" if value is None else str(value)
