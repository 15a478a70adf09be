"""What a replay shows in the UI: a day's figures and picture, and a summary of its range."""

from collections.abc import Mapping, Sequence
from typing import Any

from exit_pipeline.core.model.replayed import ReplayedDay
from exit_pipeline.defs.pictures import in_markdown
from exit_pipeline.defs.views import Metadata, in_lines, table
from exit_pipeline.plots.replays import replay_of_range
from exit_pipeline.services.audit_report import AuditReport, Cell


def of_day(day: ReplayedDay) -> Metadata:
    """The figures of one day."""
    return {
        "decisions": day.decisions,
        "differing": day.differing,
        "looks_ahead": day.ahead,
        "not_replayable": sum(day.left_out.values()),
        "decided_by": ", ".join(day.code_versions) or "not known",
        "made_again_by": day.code_version,
        **_left_out(day.left_out),
    }


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
        **_left_out(report.left_out),
        **({"by_day": in_markdown("decisions by day", png)} if png else {}),
    }
    if report.differences:
        shown["differences"] = table([_cell(one) for one in report.differences])
    if report.ahead:
        shown["inputs_of_later"] = table([_cell(one) for one in report.ahead])
    return shown | {"days": table(rows)}


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
    return {"why_not_replayable": in_lines(lines)}


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
