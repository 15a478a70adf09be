"""What a policy on the past shows in the UI: a day's figures and picture, and its range."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exit_pipeline.core.model.replayed import ReplayedDay
from exit_pipeline.defs.pictures import in_markdown
from exit_pipeline.defs.views import Metadata, in_lines, table
from exit_pipeline.plots.what_if import difference_by_position, exits_by_reason, money_over_time
from exit_pipeline.services.what_if_facts import (
    changes_of,
    difference_of,
    facts_of_totals,
    largest_first,
    say_all,
    sentence_of_ends,
    steps_of,
)
from exit_pipeline.services.what_if_report import Tried, WhatIfReport

POSITIONS_SHOWN: Final = 50
"""Positions in the table of a run, those with the largest differences."""


def of_day(day: ReplayedDay) -> Metadata:
    """The figures of what left on one day, in either way."""
    return {
        "policy": day.key.label,
        "decisions": day.decisions,
        "exits_differing": day.differing,
        "not_replayable": sum(day.left_out.values()),
        **day.figures,
    }


def summary(report: WhatIfReport, days: Sequence[ReplayedDay]) -> Metadata:
    """A range as a whole: both ways beside each other, why contracts left, and pictures."""
    (tried,) = report.tried
    was, now = (facts_of_totals(totals) for totals in tried.comparison.totals())
    difference = difference_of(tried)
    return {
        "policy": tried.policy.label,
        "compare_to": report.compare_to,
        "from": str(report.request.first),
        "to": str(report.request.last),
        "decisions": report.decisions,
        "positions": report.positions,
        "not_replayable": report.left_out.total(),
        "pnl_difference": float(difference["total"] or 0),
        "of_a_position": _interval(difference),
        **changes_of(tried),
        "both_ways": table([_way(report.compare_to, was), _way(tried.policy.label, now)]),
        "reasons": table(_reasons(tried)),
        "by_position": table(_positions(tried)),
        "by_day": table([_day(day) for day in days]),
        "notes": in_lines([sentence_of_ends(tried), *report.notes, *_left_out(report)]),
        **_pictures(report, tried),
    }


def say(report: WhatIfReport) -> str:
    """A range in one line."""
    (tried,) = report.tried
    changes, difference = changes_of(tried), difference_of(tried)["total"] or 0
    moved = ", ".join(f"{count:,} {name}" for name, count in changes.items() if count)
    return (
        f"{report.request.first} to {report.request.last} under {tried.policy.label}, beside "
        f"{report.compare_to}: {report.positions:,} positions, contracts {moved or 'none'}; "
        f"{difference:+,.2f} dollars"
    )


def _interval(difference: Mapping[str, Any]) -> str:
    low, mean, high = (difference[name] for name in ("low", "of_a_position", "high"))
    if mean is None:
        return "not known"
    known = low is not None and high is not None
    interval = f", {difference['level']:.0%} interval {low:+,.2f} to {high:+,.2f}" if known else ""
    return f"{mean:+,.2f} dollars on average{interval}"


def _way(name: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "way": name,
        "pnl": _dollars(facts["pnl"]),
        "realised": _dollars(facts["realised"]),
        "exits": facts["exits"],
        "winners": facts["winners"],
        "drawdown": _dollars(facts["drawdown"]),
        "days_held": "not known" if facts["days_held"] is None else f"{facts['days_held']:.2f}",
        "still_held": facts["open_contracts"],
    }


def _reasons(tried: Tried) -> list[dict[str, Any]]:
    return [
        {
            "left_for": step.was,
            "would_leave_for": step.now,
            "contracts": step.contracts,
            "difference": _dollars(step.difference),
        }
        for step in steps_of(tried)
    ]


def _positions(tried: Tried) -> list[dict[str, Any]]:
    rows = [row for row in largest_first(tried) if row.differs][:POSITIONS_SHOWN]
    return [
        {
            "position": row.position.id,
            "left": say_all(row.was),
            "would_leave": say_all(row.now),
            "pnl": _dollars(row.baseline),
            "would_be": _dollars(row.policy),
            "difference": _dollars(row.difference),
        }
        for row in rows
    ]


def _day(day: ReplayedDay) -> dict[str, Any]:
    return {
        "day": str(day.key.trading_day),
        "decisions": day.decisions,
        "exits_differing": day.differing,
        "baseline_pnl": _dollars(day.figures["baseline_pnl"]),
        "policy_pnl": _dollars(day.figures["policy_pnl"]),
        "difference": _dollars(day.figures["difference"]),
    }


def _left_out(report: WhatIfReport) -> list[str]:
    return [f"Not replayable: {count:,} {why}." for why, count in report.left_out.most_common()]


def _pictures(report: WhatIfReport, tried: Tried) -> Metadata:
    comparison = tried.comparison
    ways = [(report.compare_to, comparison.baseline), (tried.policy.label, comparison.policy)]
    names = [one.id for one in tried.positions]
    drawn = {
        "money_over_time": money_over_time(ways, comparison.valued),
        "difference_by_position": difference_by_position(names, comparison),
        "exits_by_reason": exits_by_reason(comparison, report.compare_to),
    }
    return {name: in_markdown(name, png) for name, png in drawn.items() if png is not None}


def _dollars(value: Any) -> str:
    return "not known" if value is None else f"{value:,.2f}"
