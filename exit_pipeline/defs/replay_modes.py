"""What a replay does in each of its modes, and what it shows of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.replayed import ReplayedDay
from exit_pipeline.defs import replay_view, what_if_view
from exit_pipeline.defs.pictures import in_markdown
from exit_pipeline.defs.replay_form import FORM
from exit_pipeline.defs.trading_days import why_no_session
from exit_pipeline.defs.views import Metadata
from exit_pipeline.plots.replays import replay_of_day
from exit_pipeline.policies import load_policies
from exit_pipeline.ports import Calendar, Database
from exit_pipeline.services.audit import audit_days
from exit_pipeline.services.audit_alerts import raise_drift
from exit_pipeline.services.audit_report import AuditRequest
from exit_pipeline.services.what_if import what_if
from exit_pipeline.services.what_if_days import what_if_days
from exit_pipeline.services.what_if_request import WhatIfRequest
from exit_pipeline.settings import Settings

DAYS_DRAWN: Final = 62
"""Days of one run that get a picture each, of 18 kB in the event log and a tenth of a second. Of a
longer range only those are drawn that have a difference, up to as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay of a range shows.

    Attributes:
        days: Of each of its days.
        whole: Of the range; empty where nothing is recorded.
        said: The range in one line.
        alarms: What a person was called for.
    """

    days: Mapping[date, Metadata]
    whole: Metadata
    said: str
    alarms: Sequence[str] = ()


def replay(
    days: Sequence[date], form: Mapping[str, Any], database: Database, calendar: Calendar
) -> Replayed:
    """Replay days as the launch form says.

    Args:
        days: The trading days, ascending.
        form: The values of ``FORM``.
        database: Where decisions are recorded and what comes of them is kept.
        calendar: In whose time zone days begin and end.

    Raises:
        InputError: A field has a value that it can't have, or is not for the mode.
        UnavailableError: The database did not answer; days that are done stay.
    """
    for name, value in form.items():
        is_for = "audit" if name == "skip_audited" else "what-if"
        if name != "mode" and form["mode"] != is_for and value != FORM[name].default_value:
            message = f"{name} is {value!r}, which is for mode {is_for}; mode is {form['mode']}"
            raise InputError(message)
    return _MODES[form["mode"]](days, form, database, calendar)


def _audit(
    days: Sequence[date], form: Mapping[str, Any], database: Database, calendar: Calendar
) -> Replayed:
    request = AuditRequest(first=days[0], last=days[-1], skip_audited=form["skip_audited"])
    report = audit_days(request, database=database, calendar=calendar)
    alerts = raise_drift(report, database)
    shown = {one.key.trading_day: replay_view.of_day(one) for one in report.days}
    return Replayed(
        days=_by_day(days, shown, report.days, database, calendar),
        whole=replay_view.summary(report),
        said=replay_view.say(report),
        alarms=[alert.message for alert in alerts],
    )


def _what_if(
    days: Sequence[date], form: Mapping[str, Any], database: Database, calendar: Calendar
) -> Replayed:
    request = WhatIfRequest(
        first=days[0],
        last=days[-1],
        policies=[form["policy"]] if form["policy"] is not None else [],
        changes=[form["set"]] if form["set"] is not None else [],
        compare_to=form["compare_to"],
    )
    library = load_policies(Settings.from_env().policies)
    parts: dict[str, Any] = {"database": database, "calendar": calendar, "library": library}
    kept = what_if_days(request, **parts)
    shown = {one.key.trading_day: what_if_view.of_day(one) for one in kept}
    by_day = _by_day(days, shown, kept, database, calendar)
    if not kept:
        said = f"no decision is recorded from {request.first} to {request.last}"
        return Replayed(days=by_day, whole={}, said=said)
    report = what_if(request, **parts)
    whole = what_if_view.summary(report, kept)
    return Replayed(days=by_day, whole=whole, said=what_if_view.say(report))


_MODES: Final[Mapping[str, Callable[..., Replayed]]] = {"audit": _audit, "what-if": _what_if}


def _by_day(
    days: Sequence[date],
    shown: Mapping[date, Metadata],
    kept: Sequence[ReplayedDay],
    database: Database,
    calendar: Calendar,
) -> dict[date, Metadata]:
    """Each day with its picture, or with one sentence why there is nothing."""
    drawn = [one for one in kept if one.key.trading_day in days]
    if len(drawn) > DAYS_DRAWN:
        drawn = [one for one in drawn if one.differing][:DAYS_DRAWN]
    pictures = {one.key.trading_day: _picture(one, database, calendar) for one in drawn}
    return {
        day: shown[day] | pictures.get(day, {})
        if day in shown
        else {"decisions": 0, "note": _why_nothing(day, calendar)}
        for day in days
    }


def _picture(day: ReplayedDay, database: Database, calendar: Calendar) -> Metadata:
    png = replay_of_day(day, database.replays.ticks(day.key), calendar.zone)
    return {"by_time": in_markdown("by time", png)} if png else {}


def _why_nothing(day: date, calendar: Calendar) -> str:
    if calendar.session(day) is None:
        return why_no_session(day, calendar)
    return f"no decision is recorded on {day}"
