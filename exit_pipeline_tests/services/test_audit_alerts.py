"""Whom an audit calls, and how often."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from exit_pipeline.adapters.clients.postgres_engine import make_engine
from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayKey, ReplayKind
from exit_pipeline.services.audit_alerts import raise_drift
from exit_pipeline.services.audit_report import AuditReport, AuditRequest

MONDAY = date(2026, 3, 16)


@pytest.fixture
def database(database_url):
    engine = make_engine(database_url)
    yield PostgresDatabase(engine)
    engine.dispose()


def found(days=1, columns=(), **figures: Any) -> AuditReport:
    request = AuditRequest(first=MONDAY, last=MONDAY + timedelta(days - 1))
    report = AuditReport(request=request, label="all", code_version="2", columns=Counter(columns))
    for number in range(days):
        key = ReplayKey(trading_day=MONDAY + timedelta(number), kind=ReplayKind.AUDIT, label="all")
        report.add(
            ReplayedDay(
                key=key, code_version="2", decisions=1_560, code_versions={"1": 1_560}, **figures
            )
        )
    return report


def open_alerts(database):
    return [
        (line.severity, line.cause, line.subject, line.message)
        for line in database.runs.alerts(only_open=True)
    ]


def test_a_clean_audit_calls_nobody(database):
    assert raise_drift(found(days=3), database) == []
    assert open_alerts(database) == []


def test_a_range_that_differs_is_one_critical_alert(database):
    raise_drift(found(days=3, columns={"mark": 6, "decision": 2}, differing=2), database)
    assert open_alerts(database) == [
        (
            "CRITICAL",
            "REPLAY_DRIFT",
            "2026-03-16 to 2026-03-18",
            "audit of 2026-03-16 to 2026-03-18: 6 of 4,680 decisions are not what was recorded "
            "(by column: mark 6, decision 2); decided by version 1, made again by 2",
        )
    ]


def test_of_days_that_were_audited_before_no_column_is_known_and_none_is_told(database):
    (alert,) = raise_drift(found(differing=2), database)
    assert "recorded; decided by version 1" in alert.message


def test_what_looked_ahead_is_an_alert_of_its_own(database):
    raise_drift(found(differing=1, ahead=4), database)
    assert sorted(cause for _, cause, _, _ in open_alerts(database)) == [
        "REPLAY_DRIFT",
        "REPLAY_LOOK_AHEAD",
    ]


def test_it_is_told_once_until_somebody_has_acknowledged_it(database):
    for _ in range(2):
        raise_drift(found(differing=1), database)
    (line,) = database.runs.alerts(only_open=True)
    database.runs.acknowledge([str(line.id)], "me", datetime(2026, 3, 17, tzinfo=UTC))
    assert open_alerts(database) == []
    raise_drift(found(differing=1), database)
    assert len(open_alerts(database)) == 1
