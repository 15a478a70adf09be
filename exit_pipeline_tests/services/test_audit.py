"""The audit of days: what was recorded is made again, and whatever differs is found and kept."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from exit_pipeline.core.engine.policy import rule_classes
from exit_pipeline.core.model.errors import InputError
from exit_pipeline.core.model.price import UNKNOWN
from exit_pipeline.services.audit import UNTIMED, audit_days
from exit_pipeline.services.audit_report import AuditRequest
from exit_pipeline.services.open_tick import CODE_VERSION
from exit_pipeline_tests.fakes import FakeCalendar
from exit_pipeline_tests.recorded import (
    EVERY_RULE,
    MONDAY,
    POLICIES,
    a_recorded_book,
    at_ticks,
    record,
)

DAYS = [MONDAY + number * timedelta(days=1) for number in range(3)]
FIRST, LAST = date(2026, 3, 16), date(2026, 3, 18)


def a_book(rows=90, days=DAYS, policies=1):
    book = at_ticks(a_recorded_book(rows, policies=policies), days)
    # A plausible book now and then looks ahead, which is not what most tests are about.
    late = {
        name: np.minimum(getattr(book, name), book.decided_at)
        for name in ("quoted_at", "feed_at", "vix_at", "gex_at", "entry_time")
    }
    return replace(book, **late)


def audited(database, first=FIRST, last=LAST, *, progress=None, **other):
    told = {"progress": progress} if progress else {}
    request = AuditRequest(first=first, last=last, **other)
    return audit_days(request, database=database, calendar=FakeCalendar(), **told)


def test_what_was_recorded_is_made_again_without_a_difference(database, tamper):
    record(database, a_book(300, policies=3), POLICIES)
    seen = []
    report = audited(database, progress=lambda day, count: seen.append((day, count)))
    assert (report.decisions, report.differing, report.looking_ahead) == (300, 0, 0)
    assert report.is_clean
    assert report.code_versions == {"v1": 300}
    assert seen == [(FIRST + number * timedelta(days=1), 100) for number in range(3)]
    kept = tamper("SELECT trading_day, decisions, differing FROM replay_days ORDER BY 1")
    assert [tuple(row.values()) for row in kept] == [(day, 100, 0) for day, _ in seen]
    assert tamper("SELECT count(*) AS n FROM decision_replays WHERE same") == [{"n": 300}]


@pytest.mark.parametrize("rule", ["stop_loss", "profit_target", "time_exit"])
def test_a_change_of_one_rule_s_code_is_found_cell_by_cell(database, tamper, monkeypatch, rule):
    book = a_book(300)
    record(database, book)
    kind = rule_classes()[rule]
    honest = kind.evaluate

    def changed(self, book, marks):
        verdict = honest(self, book, marks)
        return replace(verdict, fired=~verdict.fired & verdict.evaluable, quantity=None)

    monkeypatch.setattr(kind, "evaluate", changed)
    report = audited(database, shown=20)
    assert report.differing > 0
    assert not report.is_clean
    assert report.columns["fired_mask"] == report.differing
    assert {cell.column for cell in report.differences} >= {"fired_mask"}
    assert report.cells > len(report.differences) == 20
    (cell, *_) = report.differences
    stored = tamper(f"SELECT * FROM refactored_decisions WHERE id = '{cell.decision_id}'")[0]
    assert stored[cell.column] == cell.recorded != cell.made
    assert (stored["position_id"], str(stored["run_id"])) == (cell.position_id, cell.run_id)
    kept = tamper("SELECT differences FROM decision_replays WHERE NOT same")
    assert len(kept) == report.differing
    assert all("fired_mask" in row["differences"] for row in kept)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("mark", "coalesce(mark, 0) + 0.0001"),
        ("pnl_percent", "CASE WHEN pnl_percent IS NULL THEN 0 ELSE pnl_percent + 1e-9 END"),
        ("quote_flags", "quote_flags + 8192"),
        ("quote_grade", "CASE quote_grade WHEN 'GOOD' THEN 'BAD' ELSE 'GOOD' END"),
        ("exit_reason", "coalesce(exit_reason, '') || 'X'"),
        ("exit_action", "CASE exit_action WHEN 'FULL' THEN 'PARTIAL' ELSE 'FULL' END"),
        ("exit_quantity", "exit_quantity + 1"),
        ("urgency", "CASE urgency WHEN 'FAST' THEN NULL ELSE 'FAST' END"),
        ("fired_mask", "fired_mask + 1073741824"),
        ("evaluable_mask", "NULL"),
        ("gex_latched_after", "NOT gex_latched_after"),
        ("rule_hits_after", "array_fill(9, ARRAY[32])"),
    ],
    ids=lambda value: value if value.isidentifier() else "",
)
def test_a_recorded_value_that_is_not_what_comes_of_the_inputs_is_found(
    database, tamper, column, value
):
    record(database, a_book(60), [EVERY_RULE])
    changed = tamper(
        f"WITH one AS (SELECT id, {column} AS was FROM refactored_decisions"
        " WHERE decision = 'EXIT' ORDER BY id LIMIT 1)"
        f" UPDATE refactored_decisions d SET {column} = {value} FROM one WHERE d.id = one.id"
        f" RETURNING d.id, was, d.{column} AS value"
    )
    (cell,) = audited(database).differences
    assert (cell.decision_id, cell.column) == (changed[0]["id"], column)
    assert (cell.recorded, cell.made) == (changed[0]["value"], changed[0]["was"])


@pytest.mark.parametrize(
    ("column", "seconds", "is_told"),
    [
        ("gex_at", 0, False),
        ("gex_at", 1, True),
        ("entry_time", 1, True),
        ("quoted_at", 5, False),
        ("quoted_at", 6, False),  # refused as FUTURE, so that nothing was decided by it
        ("feed_at", 5, False),
        ("feed_at", 6, True),
        ("vix_at", 5, False),
        ("vix_at", 6, True),
        ("session_close", 3_600, False),
        ("next_earnings", 3_600, False),
    ],
)
def test_an_input_of_a_later_time_is_told_as_a_look_ahead(database, column, seconds, is_told):
    book = a_book(1, [MONDAY])
    at = {column: book.decided_at + seconds * 1_000_000}
    known = {"underlying_price": np.array([7_500_000]), "vix": np.array([17.0])}
    record(database, replace(book, **known | at))
    report = audited(database)
    assert report.looking_ahead == is_told
    assert [(cell.column, cell.recorded - cell.made) for cell in report.ahead] == (
        [(column, timedelta(seconds=seconds))] if is_told else []
    )
    assert report.is_clean is not is_told


@pytest.mark.parametrize("column", ["feed_at", "vix_at"])
def test_what_is_of_the_future_and_not_known_was_not_used(database, column):
    book = a_book(1, [MONDAY])
    nothing = {"underlying_price": np.array([UNKNOWN]), "vix": np.array([np.nan])}
    record(database, replace(book, **nothing, **{column: book.decided_at + 60_000_000}))
    assert audited(database).looking_ahead == 0


def test_rows_that_can_t_be_made_again_are_counted_and_never_skipped_in_silence(database, tamper):
    record(database, a_book(9))
    tamper("UPDATE refactored_decisions SET policy_hash = NULL WHERE id IN"
         " (SELECT id FROM refactored_decisions ORDER BY decided_at LIMIT 2)")  # fmt: skip
    tamper("INSERT INTO refactored_decisions (id, decision_type, decision, created_at)"
         " VALUES ('u', 'ENTRY', 'ENTER', '2026-03-17 15:00+00')")  # fmt: skip
    report = audited(database)
    assert (report.decisions, report.is_clean) == (7, True)
    assert report.left_out == {UNTIMED: 1, "not decided at all, as its own sentence says": 2}
    kept = tamper("SELECT left_out FROM replay_days ORDER BY trading_day")
    assert [sum(row["left_out"].values()) for row in kept] == [2, 1, 0]


def test_rows_of_a_newer_version_are_told_by_the_sentence_of_their_policy(database, tamper):
    record(database, a_book(4, policies=2), ["default", EVERY_RULE])
    tamper("UPDATE policies SET policy = jsonb_set(policy, '{rules,0,rule}', '\"mood\"')"
         " WHERE hash = (SELECT max(policy_hash) FROM refactored_decisions)")  # fmt: skip
    (lost,) = tamper("SELECT count(*) AS n FROM refactored_decisions WHERE policy_hash ="
                   " (SELECT max(policy_hash) FROM refactored_decisions)")  # fmt: skip
    report = audited(database)
    assert report.left_out == {
        "a stored policy has the rule 'mood', which this version does not know": lost["n"]
    }
    assert report.decisions == 4 - lost["n"]
    assert report.is_clean


def test_the_reasoning_is_compared_where_the_same_version_decided(database, tamper):
    record(database, a_book(6), code_version=CODE_VERSION, with_reasoning=True)
    record(database, a_book(6), code_version="v0", dry_run=True, with_reasoning=True)
    assert audited(database, with_reasoning=True).is_clean
    tamper("UPDATE refactored_decisions SET reasoning = '[\"Because.\"]'")
    assert audited(database).is_clean
    report = audited(database, with_reasoning=True)
    assert (report.differing, report.columns) == (6, Counter(reasoning=6))
    assert {cell.recorded for cell in report.differences} == {"Because."}
    assert {cell.code_version for cell in report.differences} == {CODE_VERSION}


def test_the_same_audit_twice_leaves_the_same_rows(database, tamper):
    record(database, a_book(60))
    kept = []
    for chunk in (1000, 1):
        audited(database, chunk=chunk)
        kept.append(tamper("SELECT * FROM decision_replays ORDER BY trading_day, decision_id"))
    assert kept[0] == kept[1]
    assert len(kept[0]) == 60


def test_parts_of_a_day_add_up(database):
    times = [MONDAY + number * timedelta(minutes=5) for number in range(6)]
    record(database, a_book(60, times))
    whole, parts = audited(database), audited(database, chunk=10)
    assert [replace(day, finished_at=None) for day in whole.days] == parts.days


def test_nothing_is_kept_where_nothing_is_to_be(database, tamper):
    record(database, a_book(3))
    assert audited(database, keep=False).decisions == 3
    assert tamper("SELECT * FROM replay_days") == []
    assert tamper("SELECT * FROM decision_replays") == []


def test_an_audit_that_is_broken_off_leaves_whole_days_and_is_resumed(database, tamper):
    record(database, a_book(9))

    def stop(day, count):  # noqa: ARG001 as it is told
        if day == date(2026, 3, 17):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        audited(database, progress=stop)
    assert [row["decisions"] for row in tamper("SELECT decisions FROM replay_days")] == [3, 3]
    report = audited(database, skip_audited=True)
    assert (report.audited_before, report.decisions, len(report.days)) == (2, 9, 3)
    tamper("UPDATE replay_days SET code_version = 'v0'")
    assert audited(database, skip_audited=True).audited_before == 0


def test_what_was_found_before_stays_an_incident_when_an_audit_is_resumed(database, tamper):
    record(database, a_book(3))
    tamper("UPDATE refactored_decisions SET mark = 0.5")
    audited(database)
    report = audited(database, skip_audited=True)
    assert (report.audited_before, report.differing, report.is_clean) == (3, 3, False)


def test_an_audit_of_some_runs_is_kept_apart_from_that_of_all(database, tamper):
    record(database, a_book(3))
    record(database, a_book(6), dry_run=True)
    assert audited(database).decisions == 9
    assert audited(database, dry_run=False, environment="paper").decisions == 3
    kept = tamper("SELECT label, sum(decisions) AS n FROM replay_days GROUP BY 1 ORDER BY 1")
    assert [(row["label"], row["n"]) for row in kept] == [("all", 9), ("paper, no dry runs", 3)]


def test_a_day_ends_at_midnight_in_new_york(database):
    late = datetime(2026, 3, 17, 3, 59, tzinfo=UTC)  # 23:59 of Monday there
    record(database, a_book(2, [late, late + timedelta(minutes=1)]))
    assert [day.decisions for day in audited(database).days] == [1, 1]
    assert audited(database, last=FIRST).decisions == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first": LAST, "last": FIRST}, "from 2026-03-18 is after to 2026-03-16"),
        ({"chunk": 0}, "chunk is 0; expected 1 or more decisions"),
        ({"shown": -1}, "shown is -1; expected 0 or more differences"),
    ],
    ids=["from after to", "no chunk", "fewer than none"],
)
def test_what_can_t_be_asked_is_said_in_one_sentence(asked, said):
    with pytest.raises(InputError, match=said):
        AuditRequest(**{"first": FIRST, "last": LAST} | asked)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "no decision is recorded from 2026-03-16 to 2026-03-18$"),
        ({"environment": "live"}, r"no decision is recorded from .* to 2026-03-18 \(live\)"),
    ],
    ids=["no decisions", "none of these runs"],
)
def test_a_range_without_decisions_is_clean_and_can_be_refused(database, tamper, asked, said):
    report = audited(database, **asked)
    assert (report.days, report.is_clean) == ([], True)
    assert tamper("SELECT * FROM replay_days") == []
    with pytest.raises(InputError, match=said):
        report.refuse_nothing()
