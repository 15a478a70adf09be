"""A replay never delays a tick: not in the database, and not in the queue of runs."""

from datetime import date, timedelta

import dagster as dg
import pytest

from exit_pipeline.core.model.replayed import ReplayKey, ReplayKind
from exit_pipeline.services.audit_report import AuditRequest
from exit_pipeline_tests.defs.replays import run_replay
from exit_pipeline_tests.desk import CALL, Desk, decision

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


def test_a_tick_is_worked_while_a_replay_holds_the_rows_of_its_day(
    called_desk: Desk, on: dg.DagsterInstance
) -> None:
    """The replay stands in the middle of its transaction; the tick neither waits nor is lost."""
    run_replay(called_desk.database, called_desk.calendar, "2026-03-18", on=on)
    key = ReplayKey(trading_day=date(2026, 3, 18), kind=ReplayKind.AUDIT, label="all")
    with called_desk.database.replays.replacing(key):
        called_desk.quote(CALL, "3.19", "3.21")
        report = called_desk.tick()
    assert decision(report, "a").exit_reason == "PROFIT_TARGET"
    assert called_desk.position("a").status == "CLOSED"


def test_a_tick_is_worked_while_the_rows_of_its_day_are_read(called_desk: Desk) -> None:
    first = date(2026, 3, 17)
    asked = AuditRequest(first=first, last=first + timedelta(days=1))
    whole = asked.range_of(asked.first, asked.last, called_desk.calendar.zone)
    parts = called_desk.database.replays.recorded(whole, chunk=1)
    assert len(next(parts)) == 1
    called_desk.quote(CALL, "3.19", "3.21")
    assert decision(called_desk.tick(), "a").exit_reason == "PROFIT_TARGET"
    assert sum(len(part) for part in parts) == 2
