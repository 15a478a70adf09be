"""The replay job from end to end: real runs of Dagster, a real Postgres, ranges in one run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import numpy as np
import pytest

from exit_pipeline.adapters.database.postgres.database import PostgresDatabase
from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.model.errors import UnavailableError
from exit_pipeline.defs import replay_modes
from exit_pipeline.defs.replay import POOL, decision_replays, replay_job
from exit_pipeline_tests.defs.replays import checked, observed, run_replay, said, shown
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import a_recorded_book, at_ticks, record
from exit_pipeline_tests.tampering import TAMPER

WEEK = ("2025-11-24", "2025-11-28")
SESSIONS = ["2025-11-24", "2025-11-25", "2025-11-26", "2025-11-28"]
TEN = datetime(2025, 11, 24, 15, tzinfo=UTC)
Rows = Callable[[str], list[dict[str, Any]]]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:dagster")


def a_week(database: PostgresDatabase, each: int = 20) -> None:
    """Decisions of Monday, Tuesday and the Friday after Thanksgiving, at two ticks of each day."""
    times = [TEN + timedelta(days=day, minutes=minutes) for day in (0, 1, 4) for minutes in (0, 5)]
    book = at_ticks(a_recorded_book(each * 3), times)
    late = {
        name: np.minimum(getattr(book, name), book.decided_at)
        for name in ("quoted_at", "feed_at", "vix_at", "gex_at", "entry_time")
    }
    record(database, replace(book, **late))


def test_a_range_is_one_run_that_replays_each_session_and_no_other_day(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    result = run_replay(database, FakeCalendar(), *WEEK, on=on)
    assert result.success
    days = shown(result)
    assert list(days) == SESSIONS
    assert [days[day]["decisions"] for day in SESSIONS] == [20, 20, 0, 20]
    assert days["2025-11-26"]["note"] == "no decision is recorded on 2025-11-26"
    assert days["2025-11-24"] | {"by_time": ""} == {
        "decisions": 20,
        "differing": 0,
        "looks_ahead": 0,
        "not_replayable": 0,
        "decided_by": "v1",
        "made_again_by": "0.1.0",
        "by_time": "",
    }
    assert days["2025-11-24"]["by_time"].startswith("![by time](data:image/png;base64,")
    kept = rows("SELECT trading_day, decisions FROM replay_days ORDER BY 1")
    assert [(str(row["trading_day"]), row["decisions"]) for row in kept] == [
        (day, 20) for day in SESSIONS if day != "2025-11-26"
    ]
    (run,) = on.get_runs()
    assert run.is_success


def test_the_range_as_a_whole_is_an_observation_and_the_check_passes(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    result = run_replay(database, FakeCalendar(), *WEEK, on=on)
    seen = observed(result)
    assert (seen["from"], seen["to"], seen["decisions"], seen["differing"]) == (*WEEK, 60, 0)
    assert [row["day"] for row in seen["days"]] == ["2025-11-24", "2025-11-25", "2025-11-28"]
    assert "data:image/png" in seen["by_day"]
    assert checked(result).passed
    assert rows("SELECT * FROM alerts") == []


def test_one_day_is_one_partition(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    result = run_replay(database, FakeCalendar(), "2025-11-25", on=on)
    assert shown(result)["2025-11-25"]["decisions"] == 20
    assert len(rows("SELECT * FROM replay_days")) == 1
    assert len(rows("SELECT * FROM decision_replays")) == 20


def test_the_same_range_again_replaces_its_own_rows_and_no_others(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    run_replay(database, FakeCalendar(), *WEEK, on=on)
    query = "SELECT * FROM decision_replays ORDER BY decision_id"
    times = "SELECT trading_day, finished_at FROM replay_days ORDER BY 1"
    before, finished = rows(query), rows(times)
    run_replay(database, FakeCalendar(), *WEEK[:1], "2025-11-25", on=on)
    assert rows(query) == before
    assert [old == new for old, new in zip(finished, rows(times), strict=True)] == [
        False,
        False,
        True,
    ]


def test_a_difference_is_recorded_and_raises_an_alert_and_fails_the_check(
    database: PostgresDatabase,
    rows: Rows,
    on: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rule whose code has changed: what was decided is not what this version decides."""
    a_week(database)
    kind = rule_classes()["stop_loss"]
    honest = kind.evaluate

    def changed(self: Any, book: Any, marks: Any) -> Any:
        verdict = honest(self, book, marks)
        return replace(verdict, fired=~verdict.fired & verdict.evaluable, quantity=None)

    with monkeypatch.context() as change:
        change.setattr(kind, "evaluate", changed)
        result = run_replay(database, FakeCalendar(), *WEEK, on=on)
    assert result.success
    check = checked(result)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    differing = shown(result)["2025-11-24"]["differing"]
    assert differing > 0
    assert observed(result)["differences"][0]["column"]
    (alert,) = rows("SELECT severity, cause, subject, message FROM alerts")
    assert alert.pop("message").startswith("audit of 2025-11-24 to 2025-11-28: ")
    assert alert == {
        "severity": "CRITICAL",
        "cause": "REPLAY_DRIFT",
        "subject": "2025-11-24 to 2025-11-28",
    }
    assert len(rows("SELECT * FROM decision_replays WHERE trading_day = '2025-11-24'"
                    " AND NOT same")) == differing  # fmt: skip

    # A clean day hides no earlier one; auditing the days again with honest code does.
    assert not checked(run_replay(database, FakeCalendar(), "2025-11-26", on=on)).passed
    assert checked(run_replay(database, FakeCalendar(), *WEEK, on=on)).passed
    assert len(rows("SELECT * FROM alerts WHERE acknowledged_at IS NULL")) == 1


def test_a_look_ahead_raises_an_alert_of_its_own(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    rows(f"{TAMPER}UPDATE refactored_decisions SET gex_at = decided_at + interval '1 minute'"
         " WHERE decided_at > '2025-11-28'")  # fmt: skip
    result = run_replay(database, FakeCalendar(), *WEEK, on=on)
    assert not checked(result).passed
    assert shown(result)["2025-11-28"]["looks_ahead"] == 20
    assert observed(result)["inputs_of_later"][0]["column"] == "gex_at"
    assert "REPLAY_LOOK_AHEAD" in {row["cause"] for row in rows("SELECT cause FROM alerts")}


def test_days_that_were_audited_before_are_passed_over_where_a_run_goes_on(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance
) -> None:
    a_week(database)
    run_replay(database, FakeCalendar(), "2025-11-24", on=on)
    before = rows("SELECT finished_at FROM replay_days")
    result = run_replay(database, FakeCalendar(), *WEEK, on=on, config={"skip_audited": True})
    assert observed(result)["decisions"] == 60
    assert before[0] in rows("SELECT finished_at FROM replay_days")


def test_of_a_long_range_only_the_days_that_differ_are_drawn(
    database: PostgresDatabase, rows: Rows, on: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_week(database)
    rows(f"{TAMPER}UPDATE refactored_decisions SET mark = 0.5 WHERE decided_at > '2025-11-28'")
    monkeypatch.setattr(replay_modes, "DAYS_DRAWN", 2)
    days = shown(run_replay(database, FakeCalendar(), *WEEK, on=on))
    assert [day for day in days if "by_time" in days[day]] == ["2025-11-28"]


def test_a_database_that_does_not_answer_is_said_in_one_sentence(
    database: PostgresDatabase, on: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_silent(*_: Any, **__: Any) -> Any:
        message = "the database did not answer"
        raise UnavailableError(message)

    monkeypatch.setattr(database.replays, "untimed", is_silent)
    result = run_replay(database, FakeCalendar(), *WEEK, on=on)
    assert said(result) == "the database did not answer"


def test_a_holiday_that_nobody_knew_of_has_one_sentence(database: PostgresDatabase) -> None:
    """A day of mourning is told by the exchange after the table of closed days was written."""
    calendar = FakeCalendar(holidays={date(2025, 11, 25): "a day of mourning"})
    on = dg.DagsterInstance.ephemeral()
    result = run_replay(database, calendar, "2025-11-25", on=on)
    assert shown(result)["2025-11-25"]["note"] == "XNYS is closed: a day of mourning"


def test_a_backfill_is_one_run_in_a_pool_of_its_own() -> None:
    policy = decision_replays.backfill_policy
    assert policy == dg.BackfillPolicy.single_run()
    assert decision_replays.op.pool == POOL == "replays"
    assert replay_job.name == "replay_job"
