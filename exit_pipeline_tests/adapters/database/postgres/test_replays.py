"""Recorded decisions in bulk: the same book to the last bit, in parts, and replaced day by day."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from exit_pipeline.core.engine.decide import decide
from exit_pipeline.core.model.errors import ConfigurationError
from exit_pipeline.core.model.outcome_columns import OutcomeColumns
from exit_pipeline.core.model.recorded import RecordedRange
from exit_pipeline.core.model.replayed import ReplayedDay, ReplayedRows, ReplayKey, ReplayKind
from exit_pipeline.core.model.stored_book import NAMES, book_of_stored
from exit_pipeline.core.replay.made_outcome import made_outcome
from exit_pipeline_tests.core.model.test_stored_book import assert_same_book
from exit_pipeline_tests.recorded import (
    EVERY_RULE,
    MONDAY,
    POLICIES,
    a_recorded_book,
    at_ticks,
    policies_of,
    record,
)
from exit_pipeline_tests.tampering import TAMPER

NEW_YORK = ZoneInfo("America/New_York")
DAY = RecordedRange(start=MONDAY - timedelta(hours=9), end=MONDAY + timedelta(hours=15))
TICKS = [MONDAY + number * timedelta(minutes=5) for number in range(6)]
KEY = ReplayKey(trading_day=date(2026, 3, 16), kind=ReplayKind.AUDIT, label="all")


def read(database, asked=DAY, chunk=1000, **other):
    return list(database.replays.recorded(asked, chunk, **other))


def ids_of(parts):
    return [one.decode() for part in parts for one in part.ids.tolist()]


@pytest.mark.parametrize("seed", range(3))
def test_what_is_read_in_bulk_is_the_same_book_to_the_last_bit(database, sql, seed):
    book = at_ticks(a_recorded_book(200, seed, len(POLICIES)), [MONDAY])
    ids = record(database, book, POLICIES)
    (part,) = read(database)
    assert ids_of([part]) == sorted(ids)
    by_id = {row["id"]: row for row in sql("SELECT * FROM refactored_decisions")}
    rows = [by_id[one] for one in ids_of([part])]
    assert_same_book(
        part.book, book_of_stored({name: [row[name] for row in rows] for name in NAMES.values()})
    )
    assert_same_book(part.book, book.take(np.array([ids.index(one) for one in sorted(ids)])))
    assert [part.policies[index].hash for index in part.book.policy] == [
        row["policy_hash"] for row in rows
    ]
    assert [one.decode() for one in part.positions.tolist()] == [row["position_id"] for row in rows]
    for column in fields(OutcomeColumns):
        told = [part.outcome.stored(column.name, row) for row in range(len(part))]
        assert told == [row[column.name] for row in rows], column.name


def test_a_part_says_whose_its_decisions_are(database):
    record(database, at_ticks(a_recorded_book(12), TICKS), code_version="v7", mode="tape")
    (part,) = read(database)
    told = database.decisions.of_runs([run.id for run in part.runs])
    assert {one.id: one.run_id for one in told} == {
        key.decode(): part.runs[run].id
        for key, run in zip(part.ids.tolist(), part.run.tolist(), strict=True)
    }
    assert len(part.runs) == len(TICKS)
    run = part.runs[0]
    assert (run.environment, run.account, run.mode, run.dry_run, run.code_version) == (
        "paper", "demo", "tape", False, "v7",
    )  # fmt: skip
    codes, ids = part.position_codes()
    assert [ids[code] for code in codes] == [one.decode() for one in part.positions.tolist()]
    assert list(ids) == sorted(ids)


@pytest.mark.parametrize(
    ("chunk", "sizes"),
    [(1000, [30]), (30, [30]), (29, [25, 5]), (10, [10, 10, 10]), (5, [5] * 6), (1, [5] * 6)],
)
def test_parts_are_of_the_asked_size_and_never_cut_a_time_apart(database, chunk, sizes):
    ids = record(database, at_ticks(a_recorded_book(30), TICKS))
    parts = read(database, chunk=chunk)
    assert [len(part) for part in parts] == sizes
    assert sorted(ids_of(parts)) == sorted(ids)
    times = np.concatenate([part.book.decided_at for part in parts])
    assert (np.diff(times) >= 0).all()


def test_a_range_takes_its_start_and_leaves_its_end(database):
    record(database, at_ticks(a_recorded_book(12), TICKS))
    (part,) = read(database, RecordedRange(start=TICKS[1], end=TICKS[3]))
    assert len(part) == 4
    assert read(database, RecordedRange(start=TICKS[5] + timedelta(seconds=1), end=DAY.end)) == []


@pytest.mark.parametrize(
    ("only", "count", "label"),
    [
        ({}, 10, "all"),
        ({"environment": "live"}, 3, "live"),
        ({"mode": "tape"}, 2, "mode tape"),
        ({"dry_run": True}, 4, "dry runs"),
        ({"environment": "paper", "dry_run": False}, 3, "paper, no dry runs"),
        ({"environment": "nowhere"}, 0, "nowhere"),
    ],
    ids=lambda value: "" if isinstance(value, dict | int) else value,
)
def test_only_the_runs_that_are_asked_for_are_read(database, only, count, label):
    for number, tick in enumerate(
        [{}, {"environment": "live"}, {"mode": "tape"}, {"dry_run": True, "request_id": "x"}]
    ):
        rows = (1, 3, 2, 4)[number]
        record(database, at_ticks(a_recorded_book(rows), [MONDAY]), **tick)
    asked = replace(DAY, **only)
    assert asked.label == label
    assert sum(map(len, read(database, asked))) == count


def test_what_can_t_be_made_again_is_counted_with_its_reason(database, tamper):
    ids = record(database, at_ticks(a_recorded_book(6), [MONDAY]))
    tamper("UPDATE refactored_decisions SET policy_hash = NULL WHERE id = :id", id=ids[0])
    tamper("UPDATE refactored_decisions SET clock_minutes = NULL WHERE id = :id", id=ids[1])
    tamper("UPDATE refactored_decisions SET entry_regime = 'CALM' WHERE id = :id", id=ids[2])
    tamper("UPDATE refactored_decisions SET run_id = NULL WHERE id = :id", id=ids[3])
    (part,) = read(database)
    assert sorted(ids_of([part])) == sorted(ids[4:])
    assert part.left_out == {
        "a users' own, kept without inputs": 1,
        "not decided at all, as its own sentence says": 1,
        "kept without clock_minutes, from before that column was kept": 1,
        "entry_regime has a word that this version does not know": 1,
    }


def test_a_word_of_an_outcome_that_is_not_known_is_told_and_never_taken_for_another(
    database, tamper
):
    record(database, at_ticks(a_recorded_book(1), [MONDAY]))
    tamper("UPDATE refactored_decisions SET quote_grade = 'SUPERB', urgency = NULL")
    (part,) = read(database)
    assert part.outcome.stored("quote_grade", 0) == "a word that this version does not know"
    assert part.outcome.stored("urgency", 0) is None


def test_what_has_no_time_is_counted_by_the_day_on_which_it_was_made(database, sql):
    late = datetime(2026, 3, 17, 2, 0, tzinfo=UTC)  # 22:00 of Monday in New York
    for number in range(2):
        sql(
            "INSERT INTO refactored_decisions (id, decision_type, decision, created_at)"
            " VALUES (:id, 'ENTRY', 'ENTER', :at)",
            id=f"d{number}",
            at=late,
        )
    found = database.replays.untimed(DAY, NEW_YORK)
    assert found == {date(2026, 3, 16): 2}
    assert database.replays.untimed(replace(DAY, environment="paper"), NEW_YORK) == {}
    assert read(database) == []


def test_the_sentences_are_read_where_they_are_asked_for(database, sql):
    record(database, at_ticks(a_recorded_book(3), [MONDAY]), with_reasoning=True)
    (part,) = read(database, with_reasoning=True)
    rows = {row["id"]: row["reasoning"] for row in sql("SELECT * FROM refactored_decisions")}
    assert [list(one) for one in part.reasoning] == [rows[one] for one in ids_of([part])]
    assert read(database)[0].reasoning is None


def test_a_year_is_no_single_statement_and_none_of_them_waits_for_a_tick(
    database, engine, statements
):
    """A tick that writes its decisions meanwhile holds nothing up, and is not held up."""
    record(database, at_ticks(a_recorded_book(12), TICKS))
    with engine.connect() as tick, tick.begin():
        tick.exec_driver_sql(f"{TAMPER}UPDATE refactored_decisions SET mark = 1")
        statements.clear()
        assert sum(map(len, read(database, chunk=2))) == 12
        assert sum(map(len, read(database, chunk=12))) == 12
    assert sum("SET LOCAL statement_timeout = '10min'" in one for one in statements) > 2


def rows_of(database, asked=DAY, same=None, differences=None):
    """What is made of the recorded decisions, as it is kept."""
    (part,) = read(database, asked)
    policies = policies_of([EVERY_RULE])
    made = made_outcome(decide(part.book, policies), policies, part.book.policy)
    return ReplayedRows(
        ids=part.ids,
        positions=part.positions,
        run=part.run,
        runs=[run.id for run in part.runs],
        decided_at=part.book.decided_at,
        outcome=made,
        same=np.ones(len(part), np.bool_) if same is None else same,
        differences=differences or {},
    )


def replay(database, rows, key=KEY, **other):
    with database.replays.replacing(key) as writer:
        writer.add(rows)
        writer.finish(ReplayedDay(key=key, code_version="v1", decisions=len(rows), **other))


def test_what_is_kept_of_a_replay_is_what_was_made(database, sql):
    record(database, at_ticks(a_recorded_book(300), TICKS), [EVERY_RULE])
    replay(database, rows_of(database))
    names = [column.name for column in fields(OutcomeColumns) if column.name != "rule_hits_after"]
    told = ", ".join(["run_id", "position_id", "decided_at", *names])
    kept = sql(f"SELECT decision_id AS id, {told} FROM decision_replays ORDER BY 1")
    assert kept == sql(f"SELECT id, {told} FROM refactored_decisions ORDER BY 1")
    (one,) = sql(
        "SELECT DISTINCT trading_day, kind, label, same, differences FROM decision_replays"
    )
    assert tuple(one.values()) == (KEY.trading_day, "AUDIT", "all", True, None)


@pytest.mark.parametrize(
    "dollars", ["0.0000", "0.0001", "-0.0050", "1.2500", "9999.9999", "10000.0000", "-123456.7800",
                "9999999999.9999"],
)  # fmt: skip
def test_a_price_is_kept_to_the_last_decimal(database, sql, dollars):
    record(database, at_ticks(a_recorded_book(1), [MONDAY]), [EVERY_RULE])
    rows = rows_of(database)
    units = np.array([int(Decimal(dollars).scaleb(4))])
    replay(database, replace(rows, outcome=replace(rows.outcome, mark=units)))
    assert sql("SELECT mark FROM decision_replays") == [{"mark": Decimal(dollars)}]


def test_what_differs_is_kept_with_both_values(database, sql):
    record(database, at_ticks(a_recorded_book(3), [MONDAY]), [EVERY_RULE])
    said = '{"mark": {"recorded": "1.00", "recomputed": "größer"}}'
    same = np.array([True, False, True])
    replay(database, rows_of(database, same=same, differences={1: said}), differing=1)
    kept = sql("SELECT same, differences FROM decision_replays ORDER BY decision_id")
    assert [row["same"] for row in kept] == [True, False, True]
    assert kept[1]["differences"] == {"mark": {"recorded": "1.00", "recomputed": "größer"}}


def test_a_day_is_replaced_as_a_whole_and_no_other(database, sql):
    record(database, at_ticks(a_recorded_book(12), TICKS), [EVERY_RULE])
    others = [replace(KEY, label="paper"), replace(KEY, kind=ReplayKind.WHAT_IF),
              replace(KEY, trading_day=date(2026, 3, 17))]  # fmt: skip
    rows = rows_of(database)
    for key in (KEY, *others):
        replay(database, rows, key)
    fewer = rows_of(database, replace(DAY, end=TICKS[1]))
    for _ in range(2):
        replay(database, fewer)
    counts = sql("SELECT count(*) AS n FROM decision_replays GROUP BY trading_day, kind, label")
    assert sorted(row["n"] for row in counts) == [2, 12, 12, 12]
    (day,) = database.replays.days(ReplayKind.AUDIT, "all", KEY.trading_day, KEY.trading_day)
    assert day.decisions == 2


def test_what_ends_in_the_middle_leaves_the_replay_of_before(database, sql):
    record(database, at_ticks(a_recorded_book(12), TICKS), [EVERY_RULE])
    rows = rows_of(database)
    replay(database, rows)

    def killed():
        with database.replays.replacing(KEY) as writer:
            writer.add(rows_of(database, replace(DAY, end=TICKS[1])))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert sql("SELECT count(*) AS n FROM decision_replays") == [{"n": 12}]
    assert sql("SELECT decisions FROM replay_days") == [{"decisions": 12}]


def test_two_replays_of_a_day_at_once_leave_one_of_them_whole(database, sql):
    """Regression guard: where neither waited for the other, both would insert the same keys."""
    record(database, at_ticks(a_recorded_book(12), TICKS), [EVERY_RULE])
    rows = rows_of(database)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(replay, database, rows) for _ in range(4)]:
            done.result()
    assert sql("SELECT count(*) AS n FROM decision_replays") == [{"n": 12}]
    assert sql("SELECT decisions FROM replay_days") == [{"decisions": 12}]


def test_the_days_that_are_kept_are_told(database):
    record(database, at_ticks(a_recorded_book(2), [MONDAY]), [EVERY_RULE])
    told = {"differing": 1, "ahead": 2, "left_out": {"why": 3}, "code_versions": {"v0": 2},
            "figures": {"pnl": "1.50"}, "policy_hash": "abc"}  # fmt: skip
    replay(database, rows_of(database), **told)
    (day,) = database.replays.days(ReplayKind.AUDIT, "all", date(2026, 1, 1), date(2026, 12, 31))
    assert day.finished_at is not None
    assert replace(day, finished_at=None) == ReplayedDay(
        key=KEY, code_version="v1", decisions=2, **told
    )
    assert database.replays.days(ReplayKind.SHADOW, "all", KEY.trading_day, KEY.trading_day) == []


def test_a_day_that_is_kept_is_counted_by_time(database, sql):
    record(database, at_ticks(a_recorded_book(60), TICKS), [EVERY_RULE])
    same = np.arange(60) != 30
    replay(database, rows_of(database, same=same, differences={30: "{}"}))
    ticks = database.replays.ticks(KEY)
    assert [one.at for one in ticks] == TICKS
    assert [one.differing for one in ticks] == [0, 0, 0, 1, 0, 0]
    kept = sql(
        "SELECT count(*) FILTER (WHERE decision = 'EXIT') AS exits,"
        " count(*) FILTER (WHERE decision = 'HOLD') AS holds FROM refactored_decisions"
        " GROUP BY decided_at ORDER BY decided_at"
    )
    assert [{"exits": one.exits, "holds": one.holds} for one in ticks] == kept
    other = ReplayKey(trading_day=KEY.trading_day, kind=ReplayKind.AUDIT, label="paper")
    assert database.replays.ticks(other) == []


def test_a_database_of_before_replays_is_told_in_one_sentence(database, sql):
    sql("DROP TABLE replay_days")
    with pytest.raises(ConfigurationError, match="lacks migrations"):
        database.replays.days(ReplayKind.AUDIT, "all", KEY.trading_day, KEY.trading_day)
    sql("DROP TABLE refactored_decisions CASCADE")
    with pytest.raises(ConfigurationError, match="lacks migrations"):
        read(database)
