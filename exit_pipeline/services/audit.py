"""Audit the recorded decisions of days, and keep what comes of it day by day."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from datetime import date
from itertools import chain, islice
from typing import Final

import numpy as np

from exit_pipeline.core.model.instant import to_datetime
from exit_pipeline.core.model.recorded import RecordedDecisions
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedRows, ReplayKey, ReplayKind
from exit_pipeline.core.model.stored_book import NAMES
from exit_pipeline.core.replay.audit import Audited, audit
from exit_pipeline.ports import Calendar, Database, ReplayWriter
from exit_pipeline.services.audit_report import AuditReport, AuditRequest, Cell
from exit_pipeline.services.open_tick import CODE_VERSION

UNTIMED: Final = "kept without a time of its own, such as a users' own"
"""Why a decision that no tick of this program made can't be made again."""

Progress = Callable[[date, int], None]
"""Is told each day of the range once it is done, and how many decisions it had."""


def audit_days(
    request: AuditRequest,
    *,
    database: Database,
    calendar: Calendar,
    progress: Progress = lambda day, decisions: None,  # noqa: ARG005 nobody listens
) -> AuditReport:
    """Make every recorded decision of a range of days again, and compare.

    Each day is replaced as a whole when it is done, so that an audit that is broken off leaves
    whole days, old or new, and the same audit once more leaves the same rows.

    Args:
        request: What is to be audited.
        database: Where decisions are recorded and what comes of them is kept.
        calendar: In whose time zone days begin and end.
        progress: Is told of each day.

    Raises:
        InputError: A day is none that the calendar serves.
        UnavailableError: The database did not answer; days that are done stay.
    """
    for day in (request.first, request.last):
        calendar.session(day)  # refuses a date that the calendar does not serve
    whole = request.whole_range(calendar.zone)
    untimed = database.replays.untimed(whole, calendar.zone)
    before = {}
    if request.skip_audited:
        kept = database.replays.days(ReplayKind.AUDIT, whole.label, request.first, request.last)
        before = {one.key.trading_day: one for one in kept if one.code_version == CODE_VERSION}
    report = AuditReport(request=request, label=whole.label, code_version=CODE_VERSION)
    for day in request.days():
        done = before.get(day)
        report.audited_before += done is not None
        done = done or _audit_day(day, untimed.get(day, 0), report, database, calendar)
        if done is not None:
            report.add(done)
        progress(day, done.decisions if done else 0)
    return report


def _audit_day(
    day: date, untimed: int, report: AuditReport, database: Database, calendar: Calendar
) -> ReplayedDay | None:
    """Audit one day; None where it has no decisions."""
    request = report.request
    asked = request.range_of(day, day, calendar.zone)
    parts = database.replays.recorded(asked, request.chunk, with_reasoning=request.with_reasoning)
    first = next(parts, None)
    if first is None and not untimed:
        return None
    key = ReplayKey(trading_day=day, kind=ReplayKind.AUDIT, label=asked.label)
    replacing = database.replays.replacing(key) if request.keep else nullcontext(_NoWriter())
    with replacing as writer:
        left_out = {UNTIMED: untimed} if untimed else {}
        done = _audit_parts(chain([first] if first else [], parts), key, left_out, report, writer)
        writer.finish(done)
    return done


class _NoWriter:
    """Where nothing is kept."""

    def add(self, rows: ReplayedRows) -> None:
        """Keep nothing."""

    def finish(self, day: ReplayedDay) -> None:
        """Keep nothing."""


def _audit_parts(
    parts: Iterable[RecordedDecisions],
    key: ReplayKey,
    untimed: Mapping[str, int],
    report: AuditReport,
    writer: ReplayWriter,
) -> ReplayedDay:
    left_out, versions = Counter(untimed), Counter[str]()
    decisions = differing = ahead = 0
    for part in parts:
        found = audit(part, report.code_version)
        decisions += len(found)
        differing += int((~found.same).sum())
        ahead += int(found.is_ahead.sum())
        left_out.update(found.left_out)
        versions.update(_versions(found.recorded))
        _tell(found, report)
        if len(found):
            writer.add(_rows(found))
    return ReplayedDay(
        key=key,
        code_version=report.code_version,
        decisions=decisions,
        differing=differing,
        ahead=ahead,
        left_out=dict(left_out),
        code_versions=dict(versions),
    )


def _versions(recorded: RecordedDecisions) -> Counter[str]:
    found: Counter[str] = Counter()
    counts = np.bincount(recorded.run, minlength=len(recorded.runs)).tolist()
    for run, count in zip(recorded.runs, counts, strict=True):
        if count:
            found[run.code_version] += count
    return found


def _tell(found: Audited, report: AuditReport) -> None:
    """Count what differs, and tell the first of it cell by cell."""
    for column, where in found.differing.items():
        report.columns[column] += int(where.sum())
    cells = (
        _cell(found, row, column, *values)
        for row in np.flatnonzero(~found.same).tolist()
        for column, values in found.cells(row).items()
    )
    report.differences += islice(cells, report.request.shown - len(report.differences))
    decided_at = found.recorded.book.decided_at
    for name, where in found.ahead.items():
        times = getattr(found.recorded.book, name)
        for row in np.flatnonzero(where)[: report.request.shown - len(report.ahead)].tolist():
            at, decided = to_datetime(int(times[row])), to_datetime(int(decided_at[row]))
            report.ahead.append(_cell(found, row, NAMES[name], at, decided))


def _cell(found: Audited, row: int, column: str, recorded: object, made: object) -> Cell:
    of = found.recorded
    run, at = of.runs[of.run[row]], to_datetime(int(of.book.decided_at[row]))
    if at is None:
        message = "a recorded decision has its time"
        raise TypeError(message)
    return Cell(
        decision_id=of.ids[row].decode(),
        run_id=run.id,
        position_id=of.positions[row].decode(),
        decided_at=at,
        column=column,
        recorded=recorded,
        made=made,
        code_version=run.code_version,
    )


def _rows(found: Audited) -> ReplayedRows:
    same, of = found.same, found.recorded
    differing = np.flatnonzero(~same).tolist()
    return ReplayedRows(
        ids=of.ids,
        positions=of.positions,
        run=of.run,
        runs=[run.id for run in of.runs],
        decided_at=of.book.decided_at,
        outcome=found.made,
        same=same,
        differences={row: _as_json(found, row) for row in differing},
    )


def _as_json(found: Audited, row: int) -> str:
    cells = {
        name: {"recorded": recorded, "recomputed": made}
        for name, (recorded, made) in found.cells(row).items()
    }
    return json.dumps(cells, default=str)
